"""What a runtime promises, shown on the real broker and the real database."""
