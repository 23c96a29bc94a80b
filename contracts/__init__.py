"""The wire: every fact, topic, code and identity that the services exchange; nothing here does I/O."""
