"""Starts notify: `python -m services.notify`."""

import sys

from runtime.process import main
from services.notify.app import build
from services.notify.settings import Settings

sys.exit(main("notify", Settings, build))
