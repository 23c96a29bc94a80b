"""What the documents say is held against what is there."""
