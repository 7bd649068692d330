"""What an MQTT device subscribes to, and which points a message is for. Knows topics; opens nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

ROUTES = 50_000
"""Topics whose listeners are remembered; a site with more of them is asked anew now and then."""
_ListenerT = TypeVar("_ListenerT")


def covers(outer: str, inner: str) -> bool:
    """Whether a subscription to the outer filter brings everything that the inner one would."""
    theirs = inner.split("/")
    for place, level in enumerate(outer.split("/")):
        if level == "#":
            return True
        if place >= len(theirs) or theirs[place] == "#" or (level not in ("+", theirs[place])):
            return False
    return len(outer.split("/")) == len(theirs)


def filters(points: Mapping[str, int], subscribe: Sequence[str], share: str | None) -> dict[str, int]:
    """What to subscribe to, with its QoS: the points' topics, or the filters that stand for them."""
    highest = max(points.values(), default=1)
    wanted = dict.fromkeys(subscribe, highest) if subscribe else dict(points)
    return {f"$share/{share}/{topic}" if share else topic: qos for topic, qos in wanted.items()}


class Router(Generic[_ListenerT]):
    """Finds who listens to a topic; exact topics at once, wildcards once for each topic that they meet."""

    def __init__(self, listeners: Iterable[tuple[str, _ListenerT]]) -> None:
        self._exact: dict[str, list[_ListenerT]] = {}
        self._wild_topics: dict[str, list[_ListenerT]] = {}
        for topic, listener in listeners:
            wild = "+" in topic or "#" in topic
            (self._wild_topics if wild else self._exact).setdefault(topic, []).append(listener)
        self._known: dict[str, Sequence[_ListenerT]] = {}

    def to(self, topic: str) -> Sequence[_ListenerT]:
        """Who listens, in no order; nobody is an answer too."""
        if not self._wild_topics:
            return self._exact.get(topic, ())
        found = self._known.get(topic)
        if found is None:
            wild = (one for outer, some in self._wild_topics.items() if covers(outer, topic) for one in some)
            found = [*self._exact.get(topic, ()), *wild]
            if len(self._known) >= ROUTES:
                self._known.clear()
            self._known[topic] = found
        return found

    def under(self, topic: str) -> Sequence[_ListenerT]:
        """Who would hear nothing if this filter were refused."""
        return [
            listener
            for own, some in (self._exact | self._wild_topics).items()
            if covers(topic, own)
            for listener in some
        ]
