"""Starts intake: `python -m services.intake`."""

import sys

from runtime.process import main
from services.intake.app import build
from services.intake.settings import Settings

sys.exit(main("intake", Settings, build))
