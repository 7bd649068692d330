"""Keeps one task of many alive: a driver that breaks is told of and started again, the others never notice.

This is a named supervision point: the only place in the runtime that catches every exception.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

LONGEST_PAUSE = 5.0
"""Seconds between restarts; a safety point is never given up for longer."""

_log = logging.getLogger(__name__)


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
