"""Keeps one part's bug from the others: a driver that breaks is told of, and nobody else notices.

These are named supervision points: the only places in the runtime that catch every exception.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

LONGEST_PAUSE = 5.0
"""Seconds between restarts; a safety point is never given up for longer."""

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


async def supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run for ever; after an exception wait a little longer each time, and start again."""
    pause = 0.1
    while True:
        try:
            await run()
            _log.error("%s ended by itself, expected to run for ever; starting it again", name)
        except Exception:
            _log.exception("%s broke; starting it again in %.1f s", name, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def attempt(name: str, run: Awaitable[_Result], otherwise: Callable[[Exception], _Result]) -> _Result:
    """What `run` comes to; after an exception what `otherwise` makes of it."""
    try:
        return await run
    except Exception as error:
        _log.exception("%s broke", name)
        return otherwise(error)
