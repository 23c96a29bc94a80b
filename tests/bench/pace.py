"""The one place of the benchmarks that lets time pass: a load has a pace, and a watcher looks again."""

from __future__ import annotations

import asyncio

pause = asyncio.sleep  # noqa: TID251 - a load generator is made of waiting
