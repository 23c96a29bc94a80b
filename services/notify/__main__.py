"""Starts notify: `python -m services.notify`; with `preview` behind it, shows the texts and their cost."""

import sys

from runtime.process import main
from services.notify import preview
from services.notify.app import build
from services.notify.settings import Settings

if __name__ == "__main__":
    # This needs neither broker nor database, so it is answered before the environment is read.
    if sys.argv[1:2] == [preview.NAME]:
        sys.exit(preview.main(sys.argv[1:]))
    sys.exit(main("notify", Settings, build))
