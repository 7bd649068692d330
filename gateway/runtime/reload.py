"""Other rules or another plant file without a restart: read off the loop, exchanged in one turn of it.

What does not hold changes nothing, and its every mistake is told, journalled and logged. What did not change
keeps its state: latest values, links, standing alarms, demands, tickets, and what each rule has seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from gateway.engine import Engine
from gateway.errors import ConfigurationError, Problem, TocsinError
from gateway.event import Event
from gateway.events.changeover import ConfigurationRefused, ConfigurationReloaded
from gateway.identity import identity
from gateway.plant.model import Plant
from gateway.rule import Program, RuleInstance
from gateway.runtime.devices import Devices
from gateway.runtime.loop import Loop
from gateway.runtime.supervise import attempt
from gateway.sample import Instant

PROBLEMS_KEPT = 100
"""Mistakes written into the journal; the answer and the log have all."""

BY_HANGUP = "SIGHUP"
"""Who asked, where a signal did."""

_log = logging.getLogger(__name__)


class Configuration(Protocol):
    """A plant file and the rules compiled for it."""

    @property
    def plant(self) -> Plant: ...

    @property
    def program(self) -> Program: ...


Loaded = TypeVar("Loaded", bound=Configuration)


class Stores(Protocol):
    """What has to know of new points before the first sample of them comes."""

    async def bind(self, plant: Plant) -> Callable[[], None]:
        """Make ready for the points of a plant; the switch to them, which is at once. Raises StoreFailed."""
        ...

    async def warm(self, plant: Plant, program: Program, end: Instant) -> int:
        """Scan the program over the stored past before `end`; how much of it (microseconds), 0 for nothing."""
        ...


class Reloader(Generic[Loaded]):
    """Owns the exchange; one at a time."""

    def __init__(
        self,
        load: Callable[[], Loaded],
        loop: Loop,
        devices: Devices,
        stores: Stores,
        switched: Sequence[Callable[[Plant], None]],
        shown: Callable[[Loaded], None],
    ) -> None:
        self._load = load
        self._loop = loop
        self._devices = devices
        self._stores = stores
        self._switched = tuple(switched)
        self._shown = shown
        self._one_at_a_time = asyncio.Lock()

    async def reload(self, by: str, comment: str) -> ConfigurationReloaded:
        """Read the files again and let them take force.

        Raises ConfigurationError with every mistake, or StoreFailed; then nothing has changed.
        """
        async with self._one_at_a_time:
            try:
                loaded = await asyncio.to_thread(self._load)
                self._require_same_site(loaded.plant)
            except ConfigurationError as error:
                await self._refuse(error, by, comment)
                raise
            switch_stores = await self._stores.bind(loaded.plant)
            warmed = False
            if self._has_news(loaded.program):
                warmed = bool(await self._stores.warm(loaded.plant, loaded.program, self._loop.now))
            return await self._exchange(loaded, switch_stores, by, comment, warmed=warmed)

    async def on_hangup(self) -> None:
        """For a signal: nobody waits for an answer, so the log has it. Never raises: the plant stays monitored."""
        await attempt("reload", self._reload_or_tell(), lambda _error: None)

    async def _reload_or_tell(self) -> None:
        try:
            await self.reload(BY_HANGUP, "")
        except ConfigurationError as error:
            _log.error("nothing is reloaded, %d mistakes:\n%s", len(error.problems), error)
        except TocsinError as error:
            _log.error("nothing is reloaded: %s", error)

    async def _exchange(
        self, loaded: Loaded, switch_stores: Callable[[], None], by: str, comment: str, *, warmed: bool
    ) -> ConfigurationReloaded:
        loop, plant = self._loop, loaded.plant
        made: list[Engine] = []
        reloaded: list[ConfigurationReloaded] = []
        changed_devices = self._devices.changed(plant)

        def decide(now: Instant) -> Sequence[Event]:
            engine = Engine(plant, loaded.program, loop.engine.states, now)
            engine.follow(loop.engine, loop.table.carried(plant, now) if warmed else None)
            made.append(engine)
            reloaded.append(_reloaded(loop.engine, loop.plant, engine, plant, changed_devices, by, comment, now))
            return [*reloaded, *engine.withdrawals(by, comment, now)]

        def then(now: Instant) -> None:
            made[0].reindex()
            loop.switch(plant, made[0], now)
            switch_stores()
            self._devices.switch(plant)
            for switched in self._switched:
                switched(plant)
            self._shown(loaded)

        await loop.act(decide, then)
        event = reloaded[0]
        _log.info(
            "reloaded by %s: %d rules added, %d removed, %d changed; devices started anew: %s",
            by,
            len(event.added),
            len(event.removed),
            len(event.changed),
            ", ".join(event.devices_restarted) or "none",
        )
        return event

    def _has_news(self, program: Program) -> bool:
        """Whether any rule cannot simply go on with what it has seen."""
        known = {rule.hash for rule in self._loop.engine.rules}
        return any(rule.hash not in known for rule in program.rules)

    def _require_same_site(self, plant: Plant) -> None:
        here = self._loop.plant.site.id
        if plant.site.id != here:
            problem = Problem(
                plant.file, 0, 0, "site.id", f"{here}: a running gateway stays with its site", repr(plant.site.id)
            )
            raise ConfigurationError([problem])

    async def _refuse(self, error: ConfigurationError, by: str, comment: str) -> None:
        def refused(now: Instant) -> Sequence[Event]:
            return [
                ConfigurationRefused(
                    id=identity(self._loop.plant.site.id, "refused", now),
                    at=now,
                    by=by,
                    comment=comment,
                    mistakes=len(error.problems),
                    problems=tuple(str(problem) for problem in error.problems[:PROBLEMS_KEPT]),
                )
            ]

        await self._loop.act(refused)


def rules_hash(engine: Engine) -> str:
    """The version of all rules in force together."""
    return identity(*sorted(rule.hash for rule in engine.rules))


def _reloaded(
    earlier: Engine,
    earlier_plant: Plant,
    engine: Engine,
    plant: Plant,
    devices: Sequence[str],
    by: str,
    comment: str,
    now: Instant,
) -> ConfigurationReloaded:
    before, after = _by_id(earlier.rules), _by_id(engine.rules)
    return ConfigurationReloaded(
        id=identity(plant.site.id, "reloaded", now),
        at=now,
        by=by,
        comment=comment,
        plant_hash_before=earlier_plant.hash,
        plant_hash_after=plant.hash,
        rules_hash_before=rules_hash(earlier),
        rules_hash_after=rules_hash(engine),
        added=tuple(rule for rule in after if rule not in before),
        removed=tuple(rule for rule in before if rule not in after),
        changed=tuple(rule for rule, hash_ in after.items() if before.get(rule, hash_) != hash_),
        devices_restarted=tuple(devices),
    )


def _by_id(rules: Sequence[RuleInstance]) -> dict[str, str]:
    return {rule.id: rule.hash for rule in rules}
