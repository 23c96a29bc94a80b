"""The SMPP gateway: its pure parts, and the whole of it against message centres that are not ours."""
