"""The command line of the local system: `python -m local up|token|demo|redrive|jars`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import runpy
import sys
from collections.abc import Sequence

from local import disk, secrets, services, tokens
from local.kafka.jars import SUMS, write_list
from local.paths import ROOT, state_directory
from local.redrive import redrive
from local.trouble import LocalError
from local.up import Plan, up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 with a sentence on stderr when it could not."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["demo"]:
        return _demo(words[1:])
    asked = _parser().parse_args(words)
    try:
        return _run(asked)
    except LocalError as trouble:
        return _complain(str(trouble))
    except BrokenPipeError:  # whoever read along has gone
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the interpreter's end
        return 1
    except OSError as error:
        if not disk.is_full_error(error):
            raise
        return _complain(str(LocalError(f"The disk is full: {error}.", "make room and start again.")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="run the whole system until Ctrl-C")
    commands.add_parser("demo", help="drive the worked examples through the running system")
    replay = commands.add_parser("redrive", help="replay what a service of the running system has parked")
    replay.add_argument("service", choices=services.NAMES)
    replay.add_argument("--petition", help="only this one")
    commands.add_parser(
        "jars", help="list the jars of Kafka and their SHA-256 anew after a change of its pom"
    )
    token = commands.add_parser("token", help="print a staff token for this machine's system")
    token.add_argument("--role", required=True, choices=tokens.ROLES)
    token.add_argument(
        "--who", default="local-staff", help="the name that facts will give (default %(default)s)"
    )
    token.add_argument("--body", help="code of the body whose cases may be seen, for example labor")
    token.add_argument("--unit", help="code of the unit")
    return parser


def _run(asked: argparse.Namespace) -> int:
    if asked.command == "up":
        up(Plan.from_environment())
    elif asked.command == "redrive":
        return redrive(state_directory(), asked.service, asked.petition)
    elif asked.command == "jars":
        print(f"{write_list()} jars listed in {SUMS.relative_to(ROOT)}")
    elif asked.command == "token":
        key = secrets.load(state_directory()).staff_key
        print(tokens.mint(key, role=asked.role, who=asked.who, body=asked.body, unit=asked.unit))
    return 0


def _demo(words: Sequence[str]) -> int:
    if importlib.util.find_spec("local.demo") is None:
        return _complain("local.demo, which drives the worked examples, is not part of this version.")
    sys.argv = ["python -m local demo", *words]
    runpy.run_module("local.demo", run_name="__main__", alter_sys=True)
    return 0


def _complain(text: str) -> int:
    print(text, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
