"""The sessions of edge nodes as a host application sees them: birth, data, death, gaps, rebirth. Sans-IO.

A pure state machine: told each message with its time, it says which metrics have which value, which lost theirs
and why, and which node has to be asked to begin anew (Sparkplug 3.0, chapters 5 and 6). A node that was not born
has no values; a number that was skipped may have been any metric's, so all of the node's become stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from drivers.sparkplug.codec import Metric, Payload, number

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
_BD_SEQ = "bdSeq"
_SEQUENCE = 256

NodeKey = tuple[str, str]
"""Group and edge node."""
MetricKey = tuple[str, str, str | None, str]
"""Group, edge node, device (None for the node itself) and metric."""


class Loss(Enum):
    """Why metrics have no good value any more."""

    DIED = "died"
    """The node or the device said, or its broker said for it, that it is gone."""
    GAP = "gap"
    """A message is missing: what is known may be out of date."""


@dataclass(frozen=True, slots=True)
class Address:
    """A topic taken apart."""

    group: str
    verb: str
    """NBIRTH, NDATA, NDEATH, DBIRTH, DDATA or DDEATH."""
    node: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Reported:
    """A metric as it stood in a message; `value` is None where it is null or no number."""

    key: MetricKey
    value: float | None
    null: bool
    quality: int | None
    timestamp: int | None
    historical: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """Every metric of a node, or of one of its devices."""

    node: NodeKey
    unit: str | None
    """None for the node with all of its devices."""
    why: Loss


@dataclass(frozen=True, slots=True)
class AskRebirth:
    node: NodeKey


Outcome = Reported | Lost | AskRebirth


@dataclass(slots=True)
class _Unit:
    """The node itself, or a device behind it: what its birth certificate said."""

    names: set[str] = field(default_factory=set)
    types: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Node:
    units: dict[str | None, _Unit] = field(default_factory=dict)
    aliases: dict[int, tuple[str | None, str]] = field(default_factory=dict)
    seq: int | None = None
    bd_seq: int | None = None

    @property
    def alive(self) -> bool:
        return None in self.units


def address(topic: str) -> Address | None:
    """The parts of a topic that a host listens to, or None for any other."""
    levels = topic.split("/")
    if len(levels) not in (4, 5) or levels[0] != NAMESPACE:
        return None
    group, verb, node = levels[1:4]
    unit = levels[4] if len(levels) == 5 else None
    wanted = ("NBIRTH", "NDATA", "NDEATH") if unit is None else ("DBIRTH", "DDATA", "DDEATH")
    return Address(group, verb, node, unit) if verb in wanted else None


class Sessions:
    """All edge nodes that are listened to; others are passed over."""

    def __init__(self, nodes: Iterable[NodeKey]) -> None:
        self._nodes = {node: _Node() for node in nodes}

    def is_alive(self, key: MetricKey) -> bool:
        """Whether the metric was born, and its node and device are in a session that misses nothing."""
        node = self._nodes.get(key[:2])
        return node is not None and node.alive and key[2] in node.units and key[3] in node.units[key[2]].names

    def dead(self) -> list[NodeKey]:
        """Nodes without a session."""
        return [key for key, node in self._nodes.items() if not node.alive]

    def forget(self) -> None:
        """The broker is lost, and with it every session."""
        self._nodes = {key: _Node() for key in self._nodes}

    def take(self, told: Address, payload: Payload) -> list[Outcome]:
        """What a message means; the order of what is returned matters."""
        key = (told.group, told.node)
        node = self._nodes.get(key)
        if node is None:
            return []
        if told.verb == "NBIRTH":
            return self._node_born(key, payload)
        if told.verb == "NDEATH":
            return self._node_died(key, node, payload)
        if not node.alive:
            return [AskRebirth(key)]
        gap = self._gap(key, node, payload)
        if gap:
            return gap
        if told.verb == "DDEATH":
            node.units.pop(told.unit, None)
            return [Lost(key, told.unit, Loss.DIED)]
        if told.verb == "DBIRTH":
            self._certify(node, told.unit, payload.metrics)
        elif told.unit not in node.units:
            return [AskRebirth(key)]
        return self._reports(key, node, told.unit, payload)

    def _node_born(self, key: NodeKey, payload: Payload) -> list[Outcome]:
        fresh = _Node(seq=payload.seq, bd_seq=_bd_seq(payload.metrics))
        self._nodes[key] = fresh
        self._certify(fresh, None, payload.metrics)
        # The devices of the session before have none until each is born again, which follows at once: whoever
        # asks `is_alive` is told so, and a rebirth is no loss of everything in between.
        return self._reports(key, fresh, None, payload)

    def _node_died(self, key: NodeKey, node: _Node, payload: Payload) -> list[Outcome]:
        bd_seq = _bd_seq(payload.metrics)
        if node.alive and None not in (bd_seq, node.bd_seq) and bd_seq != node.bd_seq:
            return []  # the death of an earlier session that came late (Sparkplug 3.0, 6.4.18)
        self._nodes[key] = _Node()
        return [Lost(key, None, Loss.DIED)]

    def _gap(self, key: NodeKey, node: _Node, payload: Payload) -> list[Outcome]:
        if payload.seq is not None and (node.seq is None or payload.seq == (node.seq + 1) % _SEQUENCE):
            node.seq = payload.seq
            return []
        self._nodes[key] = _Node()
        return [Lost(key, None, Loss.GAP), AskRebirth(key)]

    @staticmethod
    def _certify(node: _Node, unit: str | None, metrics: Iterable[Metric]) -> None:
        certificate = node.units[unit] = _Unit()
        for metric in metrics:
            if metric.name is None:
                continue
            certificate.names.add(metric.name)
            if metric.datatype is not None:
                certificate.types[metric.name] = metric.datatype
            if metric.alias is not None:
                node.aliases[metric.alias] = (unit, metric.name)

    def _reports(self, key: NodeKey, node: _Node, unit: str | None, payload: Payload) -> list[Outcome]:
        found: list[Outcome] = []
        for metric in payload.metrics:
            name = metric.name
            if name is None and metric.alias is not None:
                owner, name = node.aliases.get(metric.alias, (None, None))
                if name is None or owner != unit:
                    return [AskRebirth(key)]
            if name is None:
                continue
            datatype = metric.datatype or node.units[unit].types.get(name)
            at = metric.timestamp if metric.timestamp is not None else payload.timestamp
            value = number(metric, datatype)
            found.append(Reported((*key, unit, name), value, metric.null, metric.quality, at, metric.historical))
        return found


def _bd_seq(metrics: Iterable[Metric]) -> int | None:
    values: Mapping[str | None, Metric] = {metric.name: metric for metric in metrics}
    value = values[_BD_SEQ].value if _BD_SEQ in values else None
    return value if isinstance(value, int) else None
