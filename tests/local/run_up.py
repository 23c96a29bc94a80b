"""Runs `up` with stand-ins for the services, as a process of its own that tests can signal and kill."""

from __future__ import annotations

import dataclasses
import sys

from local.trouble import LocalError
from local.up import Plan, up

if __name__ == "__main__":
    program = (sys.executable, "-m", "tests.local.standin", "{name}")
    try:
        up(dataclasses.replace(Plan.from_environment(), program=program))
    except LocalError as trouble:
        sys.exit(str(trouble))
