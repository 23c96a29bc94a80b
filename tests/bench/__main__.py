"""`python -m tests.bench [--only NAME]`: figures on stdout, one JSON object a line; progress on stderr."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from local.trouble import LocalError
from tests.bench import figures, pipeline
from tests.bench.campaign import campaign
from tests.bench.growth import growth
from tests.bench.hop import hop
from tests.bench.overload import overload
from tests.bench.scale import scale
from tests.bench.settled import LeftOverError
from tests.bench.sizes import sizes
from tests.bench.sms import sms
from tests.bench.stage import Stage, standing
from tests.bench.startup import startup
from tests.bench.telling import telling

SECONDS = 20.0
BENCHES: dict[str, Callable[[Stage, float, str], None]] = {
    "pipeline": pipeline.pipeline,
    "hop": lambda stage, _seconds, source: hop(stage, source),
    "latency": pipeline.latency,
    "loop": pipeline.loop,
    "growth": growth,
    "startup": startup,
    "scale": scale,
    "overload": overload,
    "bytes": sizes,
    "campaign": campaign,
    "telling": lambda stage, seconds, _source: telling(stage, seconds),
}
# These need neither broker nor database.
ALONE: dict[str, Callable[[float], None]] = {"sms": sms}


def main() -> int:
    """Run what was asked for; 1 if something was lost, doubled or left over, or could not be started."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=[*BENCHES, *ALONE, ""], default="", help="one of them alone")
    only = parser.parse_args().only
    seconds = float(os.environ.get("SECONDS") or SECONDS)
    source = os.environ.get("TEXTS") or ""
    try:
        for name in ALONE if not only else {only} & ALONE.keys():
            ALONE[name](seconds)
        if only in ALONE:
            return 0
        with standing() as stage:
            for name in [only] if only else BENCHES:
                BENCHES[name](stage, seconds, source)
    except (LocalError, LeftOverError) as trouble:
        figures.tell(str(trouble))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
