"""`python -m tests.faults`: one JSON object on stdout, progress on stderr; 1 if anything is amiss."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import sys

from local.trouble import LocalError
from tests.faults import told
from tests.faults.run import Order, run

MINUTES = 10.0
PER_SECOND = 4.0
MOST_TOLD = 50


def main() -> int:
    """Run as the environment says: FAULT_MINUTES, SEED, FAULT_RATE (petitions a second), CLUSTER=1."""
    order = Order(
        minutes=float(os.environ.get("FAULT_MINUTES") or MINUTES),
        seed=int(os.environ.get("SEED") or secrets.randbelow(1_000_000)),
        per_second=float(os.environ.get("FAULT_RATE") or PER_SECOND),
        copies=os.environ.get("CLUSTER") == "1",
    )
    # A client says at length that a broker is away; here that is the point.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        figures, findings = asyncio.run(run(order))
    except LocalError as trouble:
        told.tell(str(trouble))
        return 1
    for sentence in findings[:MOST_TOLD]:
        told.tell(sentence)
    if len(findings) > MOST_TOLD:
        told.tell(f"… and {len(findings) - MOST_TOLD} more")
    sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
