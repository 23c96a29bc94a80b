"""Routing: finds the body of the 15 that a petition belongs to, with reasons, or asks a person."""
