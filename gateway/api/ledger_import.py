"""The route that takes over an existing hazard ledger: the whole of it, in a person's name, or nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, Query

from gateway.api.answers import IMPORT_PATH
from gateway.api.person import ByWhom
from gateway.api.services import Services
from gateway.api.workbooks import WORKBOOK
from gateway.event import Event
from gateway.machines.ledger_import import Entry, Import, take_over
from gateway.sample import Instant

ledger_import = APIRouter()


@dataclass(frozen=True, slots=True)
class ImportView:
    """What an import came to."""

    filed: tuple[str, ...]
    """Tickets that it filed, or would file."""
    known: tuple[str, ...]
    """Tickets that were there already; they stay as they are."""
    checked_only: bool


@ledger_import.post(IMPORT_PATH)
async def import_ledger(
    workbook: Annotated[bytes, Body(media_type=WORKBOOK)],
    services: Services,
    by: ByWhom = "",
    comment: Annotated[str, Query(max_length=2000)] = "",
    file: Annotated[str, Query(max_length=200, description="Name of the file, for the record.")] = "ledger.xlsx",
    check: Annotated[bool, Query(description="Look through it only, and file nothing.")] = False,  # noqa: FBT002
) -> ImportView:
    """Take over a hazard ledger (隐患排查台账) that was kept elsewhere: every line once, or every mistake at once."""
    now = services.clock.now()
    async with services.reading:
        entries = await asyncio.to_thread(_read, workbook, file, now)
    wanted = Import(file, entries, by.strip(), comment.strip())
    taken = take_over(services.plant, services.engine.states.tickets, wanted, now)
    if not check and taken.events:

        def decide(at: Instant) -> tuple[Event, ...]:
            nonlocal taken
            taken = take_over(services.plant, services.engine.states.tickets, wanted, at)
            return taken.events

        await services.loop.act(decide)
    return ImportView(tuple(event.ticket for event in taken.events), taken.known, check)


def _read(workbook: bytes, file: str, now: Instant) -> tuple[Entry, ...]:
    from gateway.ledgers.hazard_reader import read_ledger  # openpyxl costs a start that reads no workbook too much
    from gateway.ledgers.workbook_reader import read_workbook

    return read_ledger(read_workbook(workbook, file), file, now)
