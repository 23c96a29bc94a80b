"""The command line of the wire: creates topics, writes what the models generate, guards the contract."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Final

from contracts.topics import access_rights

OK: Final = 0
FAULT: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 when all is as it should be and 1 when a sentence says what is not."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.command is None:
        parser.print_help()
        return 2
    result = asked.run(asked)
    return int(result)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m contracts", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    topics = commands.add_parser(
        "topics", help="create the missing topics on a broker, or print who may do what"
    )
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
        return 2
    # Imported here: the other commands need no Kafka client, and its log repeats what our sentence says.
    from contracts import provision  # noqa: PLC0415

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        findings = asyncio.run(
            provision.reconcile(
                asked.bootstrap, prefix=asked.prefix, replication=asked.replication, wait=asked.wait
            )
        )
    except provision.ProvisionError as error:
        print(error, file=sys.stderr)
        return FAULT
    for found in findings:
        print(f"{found.state:9} {found.topic}: {found.told}")
    return FAULT if any(found.state == "different" for found in findings) else OK


if __name__ == "__main__":
    # A reader that has seen enough (`| head`) ends us quietly, as with any other tool.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
