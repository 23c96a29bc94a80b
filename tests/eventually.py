"""Waits until something is true, with a deadline; the only place where tests pass time by waiting."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

Result = TypeVar("Result")


@overload
async def eventually(
    condition: Callable[[], Awaitable[Result]], *, deadline: float = ..., every: float = ...
) -> Result: ...
@overload
async def eventually(
    condition: Callable[[], Result], *, deadline: float = ..., every: float = ...
) -> Result: ...
async def eventually(
    condition: Callable[[], Result | Awaitable[Result]], *, deadline: float = 10.0, every: float = 0.05
) -> Result:
    """The first truthy result of `condition`, which may be a plain or an async function.

    An AssertionError inside the condition means "not yet". After `deadline` seconds the last one is raised,
    or an AssertionError with the last result.
    """
    limit = time.monotonic() + deadline
    while True:
        failure: AssertionError | None = None
        result: Result | None = None
        try:
            answer = condition()
            result = await answer if inspect.isawaitable(answer) else answer
            if result:
                return result
        except AssertionError as error:
            failure = error
        if time.monotonic() >= limit:
            raise failure or AssertionError(f"still {result!r} after {deadline} s")
        await asyncio.sleep(every)
