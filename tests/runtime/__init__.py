"""Tests of the runtime that need no server: a small service, a store and a producer in memory."""
