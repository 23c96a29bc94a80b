"""Asks a broker the smallest question of Kafka's protocol, to learn whether it serves requests yet."""

from __future__ import annotations

import socket
import struct

API_VERSIONS, VERSION_0, NUMBER, NO_CLIENT_ID = 18, 0, 7, -1
ANSWER_HEAD = 8


def answers(bootstrap: str, patience: float = 2.0) -> bool:
    """Whether the first address of `bootstrap` answers an ApiVersions request.

    A bound port is not enough: Kafka listens long before it serves.
    """
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    request = struct.pack(">hhih", API_VERSIONS, VERSION_0, NUMBER, NO_CLIENT_ID)
    try:
        with socket.create_connection((host, int(port)), timeout=patience) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            head = connection.recv(ANSWER_HEAD, socket.MSG_WAITALL)
    except (OSError, ValueError):
        return False
    return len(head) == ANSWER_HEAD and bool(struct.unpack(">ii", head)[1] == NUMBER)
