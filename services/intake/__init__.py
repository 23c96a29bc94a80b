"""Intake: takes petitions in, keeps the dossier, shows the petitioner the whole story."""
