"""Kills, cuts and confusions under load, and the account afterwards: accepted = ended + open, per case."""
