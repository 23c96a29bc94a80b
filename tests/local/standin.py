"""Stands in for a service in tests of the local system: answers /readyz, and ends as its variables say.

`python -m tests.local.standin NAME` reads NAME_PORT and its like as the service would. Asked for /die it
ends by itself; STANDIN_DEAF names the service that does not hear SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers(BaseHTTPRequestHandler):
    """Says that it is ready."""

    def do_GET(self) -> None:
        """Answer /readyz, and end at /die."""
        if self.path == "/die":
            sys.stdout.write("the last words\n")
            sys.stdout.flush()
            os._exit(7)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


def main(name: str) -> None:
    """Serve until SIGTERM."""
    prefix = name.upper()
    if os.environ.get("STANDIN_DEAF") == name:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for variable in ("BROKER", "DATABASE", "STAFF_KEY", "IDEMPOTENT"):
        assert os.environ[f"{prefix}_{variable}"], variable
    ThreadingHTTPServer(
        (os.environ[f"{prefix}_HOST"], int(os.environ[f"{prefix}_PORT"])), Answers
    ).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
