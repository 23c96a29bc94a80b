"""Mediation: one case per petition, from the transfer to its body up to the answer and its rating."""
