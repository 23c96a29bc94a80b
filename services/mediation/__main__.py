"""Runs the mediation service, or replays what it has parked: `python -m services.mediation [redrive]`."""

import sys

from runtime.process import main
from services.mediation.app import build
from services.mediation.settings import Settings

sys.exit(main("mediation", Settings, build))
