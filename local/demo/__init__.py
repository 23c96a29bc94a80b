"""The demonstration: the seven worked examples, driven through the real system from submission to the end."""
