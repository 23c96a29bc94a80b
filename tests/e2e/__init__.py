"""Tests of the whole journey and of the verification that `make demo` ends with."""
