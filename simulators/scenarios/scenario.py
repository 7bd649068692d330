"""A scenario: an accident as a data file, and the player that applies it to a stage step by step.

The player holds no clock and no socket: whoever steps the plant tells it how far the time has come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from gateway.document import problems_of, read_file
from gateway.duration import Duration
from gateway.errors import ConfigurationError, UnknownSubject
from gateway.events.interlocks import Verdict
from gateway.plant.model import Text
from gateway.sample import SECOND

FOLDER = Path(__file__).parent


class Stage(Protocol):
    """What a scenario may do to a plant."""

    def set(self, parameter: str, value: float) -> None: ...

    def stick(self, actuator: str, *, stuck: bool = True) -> None: ...

    def slow(self, actuator: str, factor: float) -> None: ...

    def restore(self) -> None: ...


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Step(_Shape):
    """One thing that goes wrong: exactly one of `set`, `ramp`, `stick` and `slow`."""

    at: Duration
    """From the start of the scenario."""
    set: str | None = None
    """Fault parameter that takes the value `to` at once."""
    ramp: str | None = None
    """Fault parameter that goes to `to` in a straight line."""
    stick: str | None = None
    """Actuator that no longer moves."""
    slow: str | None = None
    """Actuator that takes `to` times as long."""
    to: float = 1.0
    over: Duration = 0
    """How long the ramp takes."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        named = [name for name in ("set", "ramp", "stick", "slow") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"expected exactly one of set, ramp, stick and slow, got {named or 'none'}")
        if (self.ramp is not None) != (self.over > 0):
            raise ValueError("expected `over` with ramp, and only there")
        return self


class Reach(_Shape):
    """What a point shows at some moment of the scenario, with no gateway there."""

    point: str
    above: float | None = None
    below: float | None = None
    by: Duration
    """No later than this."""

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("expected exactly one of above and below")
        return self

    def holds(self, value: float) -> bool:
        if self.above is not None:
            return value > self.above
        return self.below is not None and value < self.below


class Demanded(_Shape):
    """An interlock that the scenario demands, and the verdict on each of its effects."""

    interlock: str
    """`<interlock>@<equipment>`."""
    verdicts: Mapping[str, Literal[Verdict.PASS, Verdict.LATE, Verdict.FAIL]]


class Expectation(_Shape):
    """What a gateway that watches must make of it."""

    alarms: Sequence[str]
    """`<rule>@<equipment>`."""
    interlocks: Sequence[Demanded]
    reaches: Sequence[Reach]


class Scenario(_Shape):
    """One accident, compressed to about a minute."""

    id: str
    accident: str
    """What happened where, in which reference."""
    title: Text
    narrative: Text
    duration: Duration
    steps: Sequence[Step]
    expect: Expectation


class Player:
    """Plays one scenario on a stage. Call `advance` with a time that never runs backwards."""

    def __init__(self, scenario: Scenario, stage: Stage, values: Mapping[str, float]) -> None:
        self._stage = stage
        self._values = values
        self._duration = scenario.duration / SECOND
        self._waiting = sorted(scenario.steps, key=lambda step: step.at)
        self._ramps: dict[str, tuple[float, float, float, float]] = {}
        self.over = False
        """Whether the scenario has ended and the stage been restored."""

    def advance(self, elapsed: float) -> None:
        """Do what is due `elapsed` seconds after the start."""
        if self.over:
            return
        while self._waiting and self._waiting[0].at / SECOND <= elapsed:
            self._begin(self._waiting.pop(0))
        for parameter, (start, end, before, after) in list(self._ramps.items()):
            part = min(1.0, (elapsed - start) / (end - start))
            self._stage.set(parameter, before + (after - before) * part)
            if part >= 1.0:
                del self._ramps[parameter]
        if elapsed >= self._duration:
            self._stage.restore()
            self.over = True

    def _begin(self, step: Step) -> None:
        if step.set is not None:
            self._ramps.pop(step.set, None)
            self._stage.set(step.set, step.to)
        elif step.ramp is not None:
            if step.ramp not in self._values:
                raise UnknownSubject("fault parameter", step.ramp)
            start = step.at / SECOND
            end = start + step.over / SECOND
            self._ramps[step.ramp] = (start, end, self._values[step.ramp], step.to)
        elif step.stick is not None:
            self._stage.stick(step.stick)
        elif step.slow is not None:
            self._stage.slow(step.slow, step.to)


def load_scenario(file: Path) -> Scenario:
    """The scenario in a file; raises ConfigurationError with everything that is wrong."""
    document = read_file(file, "a scenario to read")
    try:
        scenario = Scenario.model_validate(document.value)
    except ValidationError as error:
        problems = document.without_echoes(problems_of(error, document, Scenario))
        raise ConfigurationError([*document.problems, *problems]) from error
    if document.problems:
        raise ConfigurationError(document.problems)
    return scenario


def load_scenarios(folder: Path = FOLDER) -> dict[str, Scenario]:
    """Every scenario of a folder by id, in the order of the file names: the order of the demo."""
    found = [load_scenario(file) for file in sorted(folder.glob("*.yaml"))]
    return {scenario.id: scenario for scenario in found}
