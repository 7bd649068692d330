"""Trends and evidence: reads of the history, put together for people. Changes nothing."""

from __future__ import annotations

import asyncio

import numpy as np

from gateway.api.answers import problem, refuse
from gateway.api.schema import Evidence, Trend
from gateway.api.services import ApiServices
from gateway.api.views import trend
from gateway.errors import Problem, UnknownSubject
from gateway.event import Entry, decode
from gateway.sample import SECOND, Instant
from gateway.store import Curve, EventRecord

BUCKETS = 600
MOST_BUCKETS = 5_000
"""Buckets of one curve: more than a wall screen has columns."""

SPAN = 10 * 60 * SECOND
"""A trend without a start shows this much; evidence shows this much either side of the onset."""

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

LAST_INSTANT = 2**53 - 1
"""Beyond this a page can no longer count in microseconds."""

_EVIDENCE_KINDS = ("condition.", "alarm.", "interlock.", "command.", "ticket.")


async def trend_of(services: ApiServices, point_id: str, start: int | None, end: int | None, buckets: int) -> Trend:
    """A point's curve. Raises UnknownSubject, and RequestRefused with everything that is wrong."""
    now = services.clock.now()
    until = now if end is None else end
    since = max(0, until - SPAN) if start is None else start
    refuse([*range_problems(start, end, since, until), *_bucket_problems(buckets)])
    return await _curve(services, point_id, Instant(since), Instant(until), buckets)


def range_problems(start: int | None, end: int | None, since: int, until: int) -> list[Problem]:
    beyond = [
        problem(name, f"microseconds since 1970, 0 to {LAST_INSTANT}", value)
        for name, value in (("start", start), ("end", end))
        if value is not None and not 0 <= value <= LAST_INSTANT
    ]
    if beyond or since <= until:
        return beyond
    return [
        problem("start", f"a time before the end ({until})", since),
        problem("end", f"a time after the start ({since})", until),
    ]


def _bucket_problems(buckets: int) -> list[Problem]:
    if 1 <= buckets <= MOST_BUCKETS:
        return []
    return [problem("buckets", f"a number from 1 to {MOST_BUCKETS}", buckets)]


async def evidence_of(services: ApiServices, ticket_id: str) -> Evidence:
    """Ten minutes either side of a ticket's onset: its curves, and what happened at its equipment."""
    ticket = services.hub.book.ticket(ticket_id)
    start = Instant(max(0, ticket.onset - SPAN))
    end = Instant(max(ticket.onset, min(ticket.onset + SPAN, services.clock.now())))
    curves = await asyncio.gather(*(_curve(services, point, start, end, BUCKETS) for point in ticket.evidence_points))
    demands = {view.id for view in services.hub.book.demands.values() if view.equipment == ticket.equipment}
    about = {ticket.id, ticket.rule or ticket.id} | demands
    records = await asyncio.gather(
        *(services.history.read_events(start, end, kind_prefix=kind) for kind in _EVIDENCE_KINDS)
    )
    mine = [
        record
        for run in records
        for record in run
        if (ticket.equipment and record.equipment == ticket.equipment) or record.subject in about
    ]
    return Evidence(
        ticket=ticket.id,
        onset=ticket.onset,
        start=start,
        end=end,
        curves=tuple(curves),
        events=tuple(_entry(record) for record in sorted(mine, key=lambda record: record.sequence)),
    )


async def _curve(services: ApiServices, point_id: str, start: Instant, end: Instant, buckets: int) -> Trend:
    since, until, width = whole_buckets(start, end, buckets)
    curve = await read_curve(services, point_id, since, until, width)
    return trend(curve, services.point_limits.get(point_id, ()))


def whole_buckets(start: Instant, end: Instant, buckets: int) -> tuple[Instant, Instant, int]:
    """Start, end and width of at most `buckets` (and one) buckets over a range.

    Wide buckets are whole minutes or hours on whole minutes or hours, so that a long range is answered from
    what is kept as such; the range is then widened to them.
    """
    width = max(1, -((start - end) // buckets))
    unit = next((unit for unit in (HOUR, MINUTE) if width >= unit), 1)
    width = -(-width // unit) * unit
    return Instant(start // unit * unit), Instant(-(-end // unit) * unit), width


async def read_curve(services: ApiServices, point_id: str, start: Instant, end: Instant, width: int) -> Curve:
    """The history's curve; empty for a point of the plant that has not been heard of yet."""
    try:
        return await services.history.read(point_id, start, end, width)
    except UnknownSubject:
        if all(point.id != point_id for point in services.plant.points):
            raise
    times, numbers = np.empty(0, dtype=np.int64), np.empty(0)
    return Curve(
        point=point_id,
        start=times,
        low=numbers,
        high=numbers,
        mean=numbers,
        last=numbers,
        worst=np.empty(0, dtype=np.uint8),
        count=times,
        not_good=times,
        bucket=width,
    )


def _entry(record: EventRecord) -> Entry:
    return Entry(record.sequence, decode(record.body))
