"""Throws the state of this machine's system away: `python3 -m local.clean`, needs Python alone."""

from __future__ import annotations

import shutil
import sys

from local.paths import state_directory
from local.single import only_one
from local.trouble import LocalError

# What was downloaded is checked against a list whenever it is used, and the lock is held while we work.
KEPT = ("kafka", "kafka.lock", "up.lock")


def main() -> int:
    """Remove data, logs, keys and outbox; 1 with a sentence on stderr while the system runs."""
    state = state_directory()
    try:
        with only_one(state):
            for entry in sorted(state.iterdir()):
                if entry.name in KEPT:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
    except LocalError as trouble:
        print(trouble, file=sys.stderr)
        return 1
    print(f"{state} is clean: data, logs, keys and the SMS outbox are gone; downloads are kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
