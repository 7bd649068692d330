"""A process that writes to a store and says what was acknowledged, so that a test can kill or starve it.

Usage: child.py SCENARIO PATH. Writes one line per acknowledged step; a fault is injected by the kernel
(seccomp filter on this process), never by replacing our own code.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from gateway.errors import StoreFailed
from gateway.events.lifecycle import ConditionChanged
from gateway.identity import identity
from gateway.plant.keeping import Keeping
from gateway.rule import Truth
from gateway.sample import Instant, SampleBatch
from gateway.store import DAY, HistoryPlan, StateKind, StateRow
from gateway.stores import history_duckdb, history_upkeep
from gateway.stores.history_duckdb import DuckdbHistory

if TYPE_CHECKING:
    from gateway.stores.journal_sqlite import SqliteJournal

EVENTS, ROWS, POINTS = 3, 4000, 50

POINT_NAMES = [f"point-{number}" for number in range(POINTS)]

SYNC_CALLS = {"x86_64": (74, 75), "aarch64": (82, 83)}
"""Numbers of fsync and fdatasync."""


def event(number: int) -> ConditionChanged:
    return ConditionChanged(
        id=identity("event", number),
        at=Instant(number),
        rule="co.high@co-1",
        equipment="co-1",
        truth=Truth.TRUE,
        since=Instant(number),
    )


def batch(number: int) -> SampleBatch:
    """4,000 rows of 50 points; every value is the number of its batch."""
    return SampleBatch(
        point=np.arange(ROWS, dtype=np.int32) % POINTS,
        value=np.full(ROWS, float(number)),
        quality=np.zeros(ROWS, dtype=np.uint8),
        reason=np.zeros(ROWS, dtype=np.uint8),
        source_time=np.full(ROWS, number, dtype=np.int64),
        receive_time=np.full(ROWS, number, dtype=np.int64),
    )


async def open_journal(path: str) -> SqliteJournal:
    from gateway.stores.journal_sqlite import SqliteJournal  # a child that is killed often starts often

    return await SqliteJournal.open(path)


async def open_history(path: str) -> DuckdbHistory:
    return await DuckdbHistory.open(path, POINT_NAMES)


def fail_every_sync() -> None:
    """From now on the kernel answers EIO to every fsync of this process, in all of its threads."""
    load, jump_if_equal, give, allow = 0x20, 0x15, 0x06, 0x7FFF0000
    calls = SYNC_CALLS[platform.machine()]
    steps = [struct.pack("HBBI", load, 0, 0, 0)]
    for place, call in enumerate(calls):
        steps.append(struct.pack("HBBI", jump_if_equal, len(calls) - place, 0, call))
    steps.append(struct.pack("HBBI", give, 0, 0, allow))
    steps.append(struct.pack("HBBI", give, 0, 0, 0x00050000 | errno.EIO))
    program = ctypes.create_string_buffer(b"".join(steps))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    seccomp_call = {"x86_64": 317, "aarch64": 277}[platform.machine()]
    if libc.prctl(38, 1, 0, 0, 0) or libc.syscall(seccomp_call, 1, 1, header):
        print("no seccomp", flush=True)
        sys.exit(0)


async def commit_for_ever(path: str) -> None:
    journal = await open_journal(path)
    start = await journal.last_sequence() // EVENTS
    print("open", flush=True)
    for number in count(start):
        events = [event(number * EVENTS + offset) for offset in range(EVENTS)]
        await journal.commit(events, [StateRow(StateKind.ALARM, "one", True, str(number))])
        print(number, flush=True)


async def commit_few(path: str) -> None:
    journal = await open_journal(path)
    for number in range(8):
        events = [event(number * EVENTS + offset) for offset in range(EVENTS)]
        print(number, "begun", flush=True)
        await journal.commit(events, [StateRow(StateKind.ALARM, "one", True, str(number))])
        print(number, "kept", flush=True)
    await journal.close()


async def append_for_ever(path: str) -> None:
    history = await open_history(path)
    start = await history.sample_count() // ROWS
    print("open", flush=True)
    for number in count(start):
        await history.append(batch(number))
        print(number, flush=True)


async def append_and_tidy_for_ever(path: str) -> None:
    """Append for ever, a day after every fourth batch; put in order, and let go of what is three days old."""
    history_duckdb.SEAL_ROWS = 6 * ROWS
    history_upkeep.COMPACT_AFTER = history_upkeep.MERGE_AFTER = 0
    keeping = Keeping(3 * DAY, 4 * DAY, 2**62)
    history = await DuckdbHistory.open(path, POINT_NAMES, HistoryPlan(budget=2**62, keeping=keeping))
    size = await history.size()
    first = (size.samples + size.expired) // ROWS
    at = {"now": received(first)}

    async def append() -> None:
        for number in count(first):
            at["now"] = received(number)
            whole = batch(number)
            await history.append(replace(whole, receive_time=whole.receive_time * 0 + at["now"]))
            print(number, flush=True)
            await asyncio.sleep(0.002)

    async def tidy() -> None:
        while True:
            await history.maintain(Instant(at["now"]))

    print("open", flush=True)
    await asyncio.gather(append(), tidy())


def received(number: int) -> int:
    return 20_000 * DAY + number // 4 * DAY + number


async def journal_sync_fails(path: str) -> None:
    journal = await open_journal(path)
    await journal.commit([event(0)], [])
    fail_every_sync()
    for number in (1, 2):
        try:
            await journal.commit([event(number)], [])
            print("kept", flush=True)
        except StoreFailed as failure:
            print(f"refused {failure}", flush=True)
    print(f"last {await journal.last_sequence()}", flush=True)


async def history_sync_fails(path: str) -> None:
    history = await open_history(path)
    await history.append(batch(0))
    fail_every_sync()
    for number in (1, 2):
        try:
            await history.append(batch(number))
            print("kept", flush=True)
        except StoreFailed as failure:
            print(f"refused {failure}", flush=True)


async def history_as_nobody(path: str) -> None:
    """Open as a user to whom the directory does not belong; root would be allowed everything."""
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        await open_history(path)
        print("open", flush=True)
    except StoreFailed as failure:
        print(f"refused {failure}", flush=True)


async def history_held(path: str) -> None:
    history = await open_history(path)
    print("open", flush=True)
    await asyncio.sleep(60)
    await history.close()


def limit_files(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def journal_limited(path: str) -> None:
    journal = await open_journal(path)
    limit_files(200_000)
    for number in count():
        try:
            await journal.commit([event(number)], [])
            print(number, flush=True)
        except StoreFailed as failure:
            print(f"refused {failure}", flush=True)
            break


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](sys.argv[2]))
