"""The gateway that is an operator's message centre, spoken to by SMPP 3.4."""
