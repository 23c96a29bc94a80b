"""A message centre that runs in Node, and what a test asks of it (`smsc/smsc.js`)."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from local import ports
from local.supervisor import Supervisor
from tests.notify.peers import node

# Control is plain HTTP; reading the system's certificates for each call would take longer than the call.
_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SCRIPT: Final = node.FOLDER / "smsc.js"


@dataclass(frozen=True)
class Centre:
    """One centre; `port` speaks SMPP."""

    port: int
    control: int
    folder: Path

    async def ask(self, **behaviour: Any) -> None:
        """Change how it behaves."""
        await self._call("/ask", behaviour)

    async def counts(self) -> dict[str, Any]:
        """How many of what it has seen."""
        return dict(await self._call("/counts"))

    async def got(self) -> list[dict[str, Any]]:
        """The submit_sm that it took, in order."""
        return list(await self._call("/got"))

    async def texts(self) -> list[str]:
        """The texts it got, in order."""
        return [one["text"] for one in await self.got()]

    async def deliver(self, *messages: dict[str, Any]) -> list[int | None]:
        """Deliver all of them at once; the statuses of the answers, None for those without one."""
        return list(await self._call("/deliver", messages))

    async def release(self, *, reverse: bool = False) -> None:
        """Send the receipts that it holds."""
        await self._call("/release", {"reverse": reverse})

    async def drop(self) -> None:
        """Cut all connections."""
        await self._call("/drop")

    async def unbind(self) -> None:
        """Take leave of all sessions."""
        await self._call("/unbind")

    async def _call(self, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(verify=_NO_TLS, trust_env=False, timeout=20) as client:
            answer = await client.post(f"http://127.0.0.1:{self.control}{path}", json=body or {})
        return answer.json()


def reply(
    text: str = "", *, sender: str = "8613800138000", to: str = "106912345", octets: bytes = b"", **more: Any
) -> dict[str, Any]:
    """A deliver_sm with a text from a telephone, in UCS-2."""
    content = octets or text.encode("utf-16-be")
    return {
        "source_addr": sender,
        "destination_addr": to,
        "data_coding": 8,
        "octets": base64.b64encode(content).decode(),
        **more,
    }


def long_reply(
    text: str, *, reference: int = 7, each: int = 67, wide: bool = False, **more: Any
) -> list[dict[str, Any]]:
    """The deliver_sm of a long text, in order; cut by octets, so that a character may be cut in two."""
    content = text.encode("utf-16-be")
    cut = [content[at : at + each * 2] for at in range(0, len(content), each * 2)]
    return [
        reply(octets=_header(reference, len(cut), number, wide=wide) + part, esm_class=0x40, **more)
        for number, part in enumerate(cut, 1)
    ]


def _header(reference: int, total: int, number: int, *, wide: bool) -> bytes:
    if wide:
        return bytes((6, 8, 4)) + reference.to_bytes(2, "big") + bytes((total, number))
    return bytes((5, 0, 3, reference, total, number))


@contextlib.contextmanager
def running(folder: Path, *, tls: bool = False) -> Iterator[Centre]:
    """Start a centre; raises MissingError where there is no Node."""
    environ = {**os.environ, "NODE_PATH": str(node.modules())}
    centre = Centre(ports.free(), ports.free(), folder)
    program: Sequence[str | Path] = ("node", SCRIPT, str(centre.port), str(centre.control))
    with Supervisor(folder / "logs") as supervisor:
        child = supervisor.start("smsc", [*program, *(certificate(folder) if tls else ())], env=environ)
        supervisor.wait_until(lambda: ports.is_taken(centre.port), what="listen", child=child)
        yield centre


def certificate(folder: Path) -> tuple[Path, Path]:
    """A new key and its self-signed certificate for 127.0.0.1, for a day."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", made),
        ],
        check=True,
        capture_output=True,
    )
    return key, made
