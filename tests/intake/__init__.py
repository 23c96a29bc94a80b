"""What intake promises to petitioners, to staff and to the other services."""
