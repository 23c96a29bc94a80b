"""The wire: every fact, topic, code and identity that the services exchange; only `provision` does I/O."""
