"""The command line of the wire: creates topics, writes what the models generate, guards the contract."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from contracts import generated, release
from contracts.topics import access_rights

OK: Final = 0
FAULT: Final = 1
WRONG_ARGUMENTS: Final = 2
_FOLDERS: Final = {
    "schemas": "write the JSON Schema of every fact and of the envelope (contracts/schemas/)",
    "examples": "write one example message per fact and reader (contracts/examples/)",
    "asyncapi": "write the AsyncAPI 3 document of every service (contracts/asyncapi/)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 when all is as it should be and 1 when a sentence says what is not."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.command is None:
        parser.print_help()
        return WRONG_ARGUMENTS
    return int(asked.run(asked))


class _Parser(argparse.ArgumentParser):
    """Answers wrong arguments with the whole help: who mistypes wants to know what there is."""

    def error(self, message: str) -> NoReturn:
        self.print_help(sys.stderr)
        self.exit(WRONG_ARGUMENTS, f"\n{message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m contracts", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for folder, told in _FOLDERS.items():
        made = commands.add_parser(folder, help=told, description=told)
        made.add_argument(
            "--check", action="store_true", help="write nothing; say what differs, exit 1 if any"
        )
        made.set_defaults(run=_generate)
    told = "the gate: does anything break old readers or old messages, is everything generated up to date"
    commands.add_parser("check", help=told, description=told).set_defaults(run=_check)
    told = "make today's models the release that the gate compares with (refused if they break the last one)"
    commands.add_parser("release", help=told, description=told).set_defaults(run=_release)
    told = "create the missing topics on a broker and compare the others, or print who may do what"
    topics = commands.add_parser("topics", help=told, description=told)
    topics.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker; several with commas")
    topics.add_argument("--prefix", default="", help="set before every topic's name (tests use one each)")
    topics.add_argument("--replication", type=int, default=1, metavar="N", help="copies of each partition")
    topics.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="how long to try to reach it"
    )
    topics.add_argument(
        "--acls", action="store_true", help="print the access rights instead of creating topics"
    )
    topics.set_defaults(run=_topics)
    return parser


def _generate(asked: argparse.Namespace) -> int:
    files = release.generated_folders()[asked.command]
    folder = generated.HERE / asked.command
    if asked.check:
        return _told(generated.differences(folder, files), f"{asked.command}: {len(files)} files up to date")
    for fault in generated.write(folder, files):
        print(f"{fault}: put right")
    print(f"{asked.command}: {len(files)} files")
    return OK


def _check(_asked: argparse.Namespace) -> int:
    promised = release.released(generated.HERE / release.RELEASE)
    good = f"contract: {len(promised.types)} facts and {len(promised.topics)} topics of the last release hold"
    return _told(release.check(), good)


def _release(_asked: argparse.Namespace) -> int:
    return _told(release.release(), "release: contracts/release/ says what the models say now")


def _told(faults: Sequence[str], good: str) -> int:
    for fault in faults:
        print(fault)
    if not faults:
        print(good)
    return FAULT if faults else OK


def _topics(asked: argparse.Namespace) -> int:
    if asked.acls:
        rows = [("PRINCIPAL", "TOPIC", "OPERATION"), *access_rights(asked.prefix)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return OK
    if asked.bootstrap is None:
        print(
            "say which broker: python -m contracts topics --bootstrap HOST:PORT (or --acls)", file=sys.stderr
        )
        return WRONG_ARGUMENTS
    # Imported here: the other commands need no Kafka client, and its log repeats what our sentence says.
    from contracts import provision  # noqa: PLC0415 - only this command needs the Kafka client

    log = logging.getLogger("aiokafka")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        findings = asyncio.run(
            provision.reconcile(
                asked.bootstrap, prefix=asked.prefix, replication=asked.replication, wait=asked.wait
            )
        )
    except provision.ProvisionError as error:
        print(error, file=sys.stderr)
        return FAULT
    finally:
        log.setLevel(level)
    for found in findings:
        print(f"{found.state:9} {found.topic}: {found.told}")
    return FAULT if any(found.state == "different" for found in findings) else OK


if __name__ == "__main__":
    # A reader that has seen enough (`| head`) ends us quietly, as with any other tool.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
