"""What a host application says at the broker: subscriptions, its STATE, rebirth requests and commands.

Knows topics and payloads; opens nothing, reads no clock (Sparkplug 3.0, 5.2 and 6.4).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from drivers.sparkplug.address import CommandType, OutputAddress
from drivers.sparkplug.codec import DataType, Metric, Payload, encode
from drivers.sparkplug.session import NAMESPACE, REBIRTH, NodeKey
from gateway.sample import Instant

_TYPES = {
    CommandType.BOOLEAN: DataType.BOOLEAN,
    CommandType.INT32: DataType.INT32,
    CommandType.DOUBLE: DataType.DOUBLE,
}


def subscriptions(nodes: Iterable[NodeKey], host_id: str | None) -> dict[str, int]:
    """Filters with their QoS: everything of the nodes that have points, and our own STATE."""
    own = {} if host_id is None else {state_topic(host_id): 1}
    for group, node in nodes:
        own[f"{NAMESPACE}/{group}/+/{node}"] = 1
        own[f"{NAMESPACE}/{group}/+/{node}/+"] = 1
    return own


def state_topic(host_id: str) -> str:
    return f"{NAMESPACE}/STATE/{host_id}"


def state(now: Instant, *, online: bool) -> bytes:
    """Whether the host is there; a will carries the time of the connection that it is the will of."""
    return json.dumps({"online": online, "timestamp": now // 1000}).encode()


def says_offline(payload: bytes) -> bool:
    """Whether a STATE message says that its host is gone."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return True
    return not (isinstance(said, dict) and said.get("online") is True)


def rebirth(node: NodeKey, now: Instant) -> tuple[str, bytes]:
    """Topic and payload that ask an edge node for its birth certificates."""
    ask = Metric(name=REBIRTH, timestamp=now // 1000, datatype=DataType.BOOLEAN, value=True)
    return f"{NAMESPACE}/{node[0]}/NCMD/{node[1]}", encode(Payload(now // 1000, None, (ask,)))


def command(address: OutputAddress, value: float, now: Instant) -> tuple[str, bytes]:
    """Topic and payload that write a metric; raises ValueError for a value that its type cannot carry."""
    kind = _TYPES[address.type]
    typed: int | float | bool = value
    if address.type is not CommandType.DOUBLE:
        if value != int(value) or not -(2**31) <= value < 2**31 or (kind is DataType.BOOLEAN and value not in (0, 1)):
            raise ValueError(f"expected a value of type {address.type.value}, got {value}")
        typed = bool(value) if kind is DataType.BOOLEAN else int(value)
    one = Metric(name=address.metric, timestamp=now // 1000, datatype=kind, value=typed)
    verb, unit = ("NCMD", "") if address.unit is None else ("DCMD", f"/{address.unit}")
    topic = f"{NAMESPACE}/{address.group}/{verb}/{address.node}{unit}"
    return topic, encode(Payload(now // 1000, None, (one,)))
