"""The sirens and lamps of one site: what each should do now, and the commands that follow.

A siren is an output like any other: what is decided here is journalled, sent by the command sender, and proven or
not by the output's feedback. Decides from the states that it is told of; does no I/O and owns no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.errors import refusal
from gateway.event import Event
from gateway.events.annunciation import SirenSilenced
from gateway.events.interlocks import CommandCompleted, CommandRequested
from gateway.identity import identity
from gateway.machines.alarm import AlarmState
from gateway.machines.duty_check import DutyCheck, DutyCheckState
from gateway.machines.siren import TABLE, SirenAction, SirenState, state_of
from gateway.plant.duty import SirenPolicy
from gateway.plant.model import Plant
from gateway.rule import RuleInstance
from gateway.sample import SECOND, Instant

RETRY_AFTER = 5 * SECOND
"""Until a command that was not carried out is given again; doubled each time, up to `RETRY_MOST`."""

RETRY_MOST = 60 * SECOND

_NEVER = Instant(2**62)


@dataclass(slots=True)
class _Siren:
    policy: SirenPolicy
    told: float | None = None
    """What was last commanded; None: not known, as after a start, so that it is said anew."""
    told_at: Instant = Instant(0)
    command: str = ""
    failures: int = 0
    """How often in a row the device did not take what it was told."""
    failed: bool = False
    silenced_at: Instant | None = None

    def again_at(self) -> Instant:
        """When a command that failed is given again."""
        wait = min(RETRY_AFTER * 2 ** max(0, self.failures - 1), RETRY_MOST)
        return Instant(self.told_at + wait) if self.failed else _NEVER


class SirenDesk:
    """Call `note` for every alarm and every event that is taken. After a restart nothing is silenced any more."""

    def __init__(self, plant: Plant, rules: Mapping[str, RuleInstance]) -> None:
        self._site = plant.site.id
        self._rules = rules
        self._checks: Mapping[str, DutyCheck] = {}
        self._check_priority = plant.duty.checks.priority
        self._outputs = plant.outputs_by_id()
        self._sirens = {policy.output: _Siren(policy) for policy in plant.duty.sirens}
        self._asking: dict[str, tuple[str, Instant]] = {}

    def reindex(self, alarms: Iterable[AlarmState], checks: Mapping[str, DutyCheck]) -> None:
        """Look at the states anew, after another engine has moved them."""
        self._checks = checks
        self._asking.clear()
        for state in alarms:
            self.note(state)

    def follow(self, earlier: SirenDesk) -> None:
        """After a reload: what was told and silenced still is; one that no alarm moves any more is turned off."""
        for output, before in earlier._sirens.items():
            kept = self._sirens.get(output)
            if kept is None and output in self._outputs and before.told == before.policy.on:
                orphan = replace(before.policy, priorities=frozenset())
                kept = self._sirens[output] = _Siren(orphan)
            if kept is not None:
                kept.told, kept.told_at, kept.command = before.told, before.told_at, before.command
                kept.failures, kept.failed, kept.silenced_at = before.failures, before.failed, before.silenced_at

    def note(self, state: AlarmState) -> None:
        """Take over where an alarm stands now."""
        rule = self._rules.get(state.alarm)
        if state.annunciated_at is None or not self._sirens:
            self._asking.pop(state.alarm, None)
        else:
            self._asking[state.alarm] = (rule.priority if rule else "critical", state.annunciated_at)

    def hear(self, event: Event) -> None:
        """Take over what was commanded, what came of it, and what was silenced."""
        match event:
            case CommandRequested() if event.output in self._sirens:
                siren = self._sirens[event.output]
                siren.told, siren.told_at, siren.command, siren.failed = event.value, event.at, event.command, False
            case CommandCompleted() if event.output in self._sirens:
                siren = self._sirens[event.output]
                if event.command == siren.command:
                    siren.failed = not event.written
                    siren.failures = 0 if event.written else siren.failures + 1
            case SirenSilenced() if event.output in self._sirens:
                self._sirens[event.output].silenced_at = event.at
            case _:
                pass

    def state(self, output: str, now: Instant) -> SirenState:
        """Where one siren stands."""
        siren = self._sirens[output]
        return state_of(siren.policy, self._newest(siren.policy), siren.silenced_at, now)

    def failed(self, output: str) -> bool:
        """Whether the device did not take what it was last told."""
        return self._sirens[output].failed

    def silenced_until(self, output: str, now: Instant) -> Instant | None:
        """When a silenced one sounds again; None for any other."""
        siren = self._sirens[output]
        if siren.silenced_at is None or self.state(output, now) is not SirenState.SILENCED:
            return None
        return Instant(siren.silenced_at + siren.policy.silence)

    def silence(self, by: str, comment: str, now: Instant) -> list[Event]:
        """Silence (消音) whatever sounds and may be silenced. Acknowledges nothing.

        Raises RequestRefused for nobody, IllegalTransition where nothing sounds that may be silenced.
        """
        if not by.strip():
            raise refusal("by", "the name of the person who silences", "nothing")
        mine = {output: siren for output, siren in self._sirens.items() if siren.policy.silence}
        sounding = [output for output in mine if self.state(output, now) is SirenState.SOUNDING]
        for output in sounding or list(mine) or ["siren"]:
            state = self.state(output, now) if output in mine else SirenState.QUIET
            TABLE.next(output, state, SirenAction.SILENCE)
        return [
            SirenSilenced(
                id=identity(self._site, output, "silenced", now),
                at=now,
                output=output,
                by=by,
                comment=comment,
                until=Instant(now + mine[output].policy.silence),
            )
            for output in sounding
        ]

    def due(self, now: Instant) -> list[Event]:
        """The commands that bring each siren to where it should be."""
        events: list[Event] = []
        for output, siren in self._sirens.items():
            sounds = self.state(output, now) is SirenState.SOUNDING
            wanted = siren.policy.on if sounds else siren.policy.off
            if siren.told != wanted or siren.again_at() <= now:
                events.append(self._command(output, wanted, now))
        return events

    @property
    def next_due(self) -> Instant:
        """Before this moment time alone decides nothing."""
        times = [siren.again_at() for siren in self._sirens.values()]
        times += [Instant(0) for siren in self._sirens.values() if siren.told is None]
        times += [
            Instant(siren.silenced_at + siren.policy.silence)
            for siren in self._sirens.values()
            if siren.silenced_at is not None and siren.told == siren.policy.off
        ]
        return min(times, default=_NEVER)

    def _newest(self, policy: SirenPolicy) -> Instant | None:
        """When the latest of what asks for a person, of these priorities, was annunciated."""
        times = [at for priority, at in self._asking.values() if priority in policy.priorities]
        if self._check_priority in policy.priorities:
            times += [each.deadline for each in self._checks.values() if each.state is DutyCheckState.MISSED]
        return max(times, default=None)

    def _command(self, output: str, value: float, now: Instant) -> Event:
        command = identity(self._site, output, "siren", f"{value:g}", now)
        return CommandRequested(
            id=identity(command, "requested"),
            at=now,
            command=command,
            output=output,
            value=value,
            demand="",
            effect="",
        )
