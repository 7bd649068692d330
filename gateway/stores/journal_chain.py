"""The hash chain of the journal: what links each entry to the one before, and where a chain does not hold. Pure.

Shows every edit, insertion and removal except that of the newest entries; those show against a head noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.sample import Instant

GENESIS = "0" * 64
"""What the first event is chained to."""


class Link(Protocol):
    """One entry as it is stored."""

    @property
    def sequence(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> Instant: ...
    @property
    def body(self) -> str: ...
    @property
    def previous_hash(self) -> str: ...
    @property
    def hash(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain; written down elsewhere, it shows later that nothing was cut off or made anew."""

    sequence: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a walk along a chain has shown."""

    entries: int
    first_at: Instant | None
    last_at: Instant | None
    head: Head
    """The last entry that holds."""
    broken_at: int | None
    """Sequence of the first entry that does not hold; None if all do."""
    reason: str
    """What was expected there, and what is."""


def chain(previous: str, body: bytes) -> str:
    """SHA-256 over the previous hash, as it is written, and the body."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


def follow(
    links: Iterable[Link], begin: Head = Head(), known: Head | None = None, told: Callable[[int], None] | None = None
) -> Finding:
    """Walk on from `begin` along links; `known` must be among them if it lies ahead. `told` hears how many held."""
    head, entries = begin, 0
    first_at: Instant | None = None
    last_at: Instant | None = None
    for link in links:
        reason = _fault(link, head, known)
        if reason:
            return Finding(entries, first_at, last_at, head, head.sequence + 1, reason)
        entries += 1
        head = Head(link.sequence, link.hash)
        first_at = link.at if first_at is None else first_at
        last_at = link.at
        if told is not None:
            told(entries)
    if known is not None and known.sequence > head.sequence:
        reason = f"expected entry {known.sequence}, which was there once, got an end at {head.sequence}"
        return Finding(entries, first_at, last_at, head, head.sequence + 1, reason)
    return Finding(entries, first_at, last_at, head, None, "")


def _fault(link: Link, head: Head, known: Head | None) -> str:
    """What is wrong with the entry that follows `head`; empty if nothing is."""
    expected = head.sequence + 1
    if link.sequence != expected:
        return f"expected entry {expected}, got {link.sequence}: entries are missing"
    if link.previous_hash != head.hash:
        return f"expected entry {expected} to be chained to {head.hash}, got {link.previous_hash}"
    if link.hash != chain(head.hash, link.body.encode()):
        return f"expected the hash of entry {expected} to be that of its body, got another: it was edited"
    if [link.id, link.kind, link.at] != _told(link.body):
        return f"expected entry {expected} under the id, kind and time of its body, got others"
    if known is not None and known.sequence == expected and known.hash != link.hash:
        return f"expected entry {expected} with the hash {known.hash} that it had once, got {link.hash}"
    return ""


def _told(body: str) -> list[object]:
    """Id, kind and time that a body gives itself; nothing for one that is no event at all."""
    try:
        told = json.loads(body)
        return [told["id"], told["kind"], told["at"]]
    except (json.JSONDecodeError, KeyError, TypeError):
        return []
