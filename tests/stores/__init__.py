"""Tests of the dockets in the database; what needs no server runs on the store in memory too."""
