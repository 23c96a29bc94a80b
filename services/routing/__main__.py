"""Starts routing: `python -m services.routing`."""

import sys

from runtime.process import main
from services.routing.app import build
from services.routing.settings import Settings

sys.exit(main("routing", Settings, build))
