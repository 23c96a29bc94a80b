"""How the system behaves on one machine, tested with real processes."""
