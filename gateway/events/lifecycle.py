"""Events of the gateway itself, of its links to devices, and of what the rules find.

Records only, parts of `gateway.event.Event`: what they mean is decided by the machines and the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.driver import LinkState
from gateway.rule import Truth
from gateway.sample import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStarted:
    kind: Literal["gateway.started"] = "gateway.started"
    id: str
    at: Instant
    version: str
    plant_hash: str
    rules_hash: str
    warmed: int = 0
    """How much of the stored past the rules' windows had seen (microseconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStopped:
    kind: Literal["gateway.stopped"] = "gateway.stopped"
    id: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged:
    """A device was lost or came back."""

    kind: Literal["link.changed"] = "link.changed"
    id: str
    at: Instant
    device: str
    state: LinkState
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionChanged:
    """A rule's condition took another truth; UNKNOWN moves no alarm, it only says so."""

    kind: Literal["condition.changed"] = "condition.changed"
    id: str
    at: Instant
    rule: str
    equipment: str
    truth: Truth
    since: Instant
    rule_hash: str = ""
    """Which version of the rule said so; empty in journals of before there was one."""
