"""Starts routing: `python -m services.routing`; its classifier is trained and measured from here too."""

import sys

from runtime.process import main
from services.routing.app import build
from services.routing.learning import commands
from services.routing.settings import Settings

# These need neither broker nor database, so they are answered before the environment is read.
if sys.argv[1:2] and sys.argv[1] in commands.NAMES:
    sys.exit(commands.main(sys.argv[1:]))
sys.exit(main("routing", Settings, build))
