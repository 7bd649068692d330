"""What stands in the pack files, as pydantic models: shapes and spellings only, no meaning.

Nothing here looks into an expression or across files; `rules.packs` does.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)

from gateway.document.fields import DottedWord, Quantity, Unit, Word, Words
from gateway.duration import Duration
from gateway.gases import GASES
from gateway.plant.criteria import ClauseCertainty
from gateway.plant.output_schema import PositiveDuration
from gateway.plant.schema import ConversionTemperature, TextShape
from gateway.rule import EffectNature, Priority
from gateway.sample import SECOND

Expression = Annotated[str, StringConstraints(min_length=1)]
"""As written: a mistake in it is placed by its character."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _known_gas(formula: str) -> str:
    if formula not in GASES:
        raise ValueError(f"expected one of [{', '.join(GASES)}], got {formula!r}")
    return formula


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KindModel(_Strict):
    id: Word
    name: TextShape
    unit: Unit
    states: dict[int, TextShape] = {}
    gas: Annotated[str, AfterValidator(_known_gas)] | None = None
    """The gas of a concentration: without it ppm and mg/m3 do not convert."""
    conversion_temperature: ConversionTemperature | None = None
    """Where the plant file does not say at which temperature a detector matches ppm and mg/m3."""


class OutputModel(_Strict):
    id: Word
    name: TextShape


class LimitModel(_Strict):
    name: Word
    title: TextShape
    default: Quantity
    source: Words
    certainty: Literal["standard", "typical", "engineering"]


class ClassModel(_Strict):
    id: Word
    name: TextShape
    parent_class: Word | None = None
    nameplate: tuple[Word, ...] = ()
    kinds: tuple[KindModel, ...]
    outputs: tuple[OutputModel, ...] = ()
    limits: tuple[LimitModel, ...] = ()


class ClassesFile(_Strict):
    states: tuple[dict[int, TextShape], ...] = ()
    """Words that several kinds share, by YAML anchor."""
    classes: tuple[ClassModel, ...]


class RequirementModel(_Strict):
    equipment_class: Word = Field(alias="class")
    points: tuple[Word, ...] = ()
    rules: tuple[DottedWord, ...] = ()
    interlocks: tuple[DottedWord, ...] = ()


class ClauseModel(_Strict):
    id: Words
    title: TextShape
    requirements: tuple[RequirementModel, ...] = ()
    ledger: TextShape | None = None
    """What of it no sensor can watch, and a person checks and writes down."""
    everywhere: bool = False
    """Whether its article concerns every plant, whatever its equipment."""
    certainty: ClauseCertainty = ClauseCertainty.FROM_MEMORY
    """How sure its writer is of what it says; nothing else is assumed of one that does not say."""

    @model_validator(mode="after")
    def _asks_something(self) -> ClauseModel:
        if not self.requirements and self.ledger is None:
            raise ValueError("expected 'requirements', 'ledger' or both, got neither")
        return self


class ClausesFile(_Strict):
    clauses: tuple[ClauseModel, ...]


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class TrialModel(_Strict):
    """A test that a rule carries: what its points show, and how its condition must change."""

    given: dict[str, Annotated[str, BeforeValidator(_as_text)]]
    """Series by name, as expressions write it; see `rules.series`. A bare value holds throughout."""
    limits: dict[Word, Quantity] = {}
    """In place of the defaults."""
    every: PositiveDuration = SECOND
    of: str | None = None
    """For a rule for each point: the role that it is tried on."""
    calibration_due: date | None = None
    expect: tuple[str, ...]
    """Such as `raise@5s`; nothing at all for a condition that never moves."""
    early: tuple[str, ...] | None = None
    """The same of the rule's early warning, where the test is about it."""


class EarlyModel(_Strict):
    """A warning before the alarm: a lower priority, no latch and no ticket."""

    when: Expression
    clear: Expression | None = None
    on_delay: Duration = 0
    off_delay: Duration = 0
    priority: Priority | None = None
    """One below the rule's own, if not said."""
    title: TextShape | None = None


class StartPermissiveModel(_Strict):
    """What has to have held before something may start."""

    start: Expression
    requires: Expression
    held: PositiveDuration
    """For how long before the start, and at it."""


class RuleModel(_Strict):
    id: DottedWord
    clause: Annotated[tuple[Words, ...], BeforeValidator(_as_list), Field(min_length=1)]
    title: TextShape
    consequence: TextShape
    response: TextShape
    response_time: Duration
    priority: Priority
    for_each: Word
    """An equipment class, or `point`."""
    of: tuple[str, ...] = ()
    """For `point`: the `class.kind` roles it is for; empty for every point."""
    when: Expression | None = None
    clear: Expression | None = None
    start_permissive: StartPermissiveModel | None = None
    """In place of `when`: an alarm where the start comes and what it requires has not held."""
    armed_when: Expression | None = None
    """While false the condition is false and a latch resets."""
    suppress_when: Expression | None = None
    """While true the alarm is journalled and not annunciated; not knowing never suppresses."""
    on_delay: Duration = 0
    off_delay: Duration = 0
    latch: StrictBool = False
    re_alarm: PositiveDuration | None = None
    """After this an acknowledged alarm that still stands is annunciated anew."""
    shadow: StrictBool = False
    """On trial: evaluated and journalled, nobody is told and nothing follows."""
    bad_quality: Literal["unknown", "trip"] = "unknown"
    """What lost data make of the condition; `trip` counts not knowing as true."""
    uncertain: Literal["use", "unknown"] = "use"
    """Whether values of uncertain quality count."""
    early: EarlyModel | None = None
    credited: StrictBool = False
    """Counted on as a protection layer of its own, and so checked more strictly."""
    ticket: Literal["major", "ordinary", "none"] = "none"
    first_out: Word | None = None
    first_out_per: Literal["equipment", "parent", "area"] = "equipment"
    """Among what the first of several alarms is told apart."""
    evidence: tuple[str, ...] = ()
    """Further points (names as in expressions) whose curves belong to the evidence."""
    tests: tuple[TrialModel, ...] = ()


class EffectModel(_Strict):
    id: Word
    name: TextShape
    expression: Expression
    within: Duration
    output: str | None = None
    """`kind` or `parent.kind` of the output that commands it."""
    value: float = 1
    nature: EffectNature = EffectNature.SHARED
    """`emergency` if nothing but an emergency brings it, `momentary` if it then ends by itself as well, `process` if it
    is what the process shows of an action."""


class InterlockTrialModel(_Strict):
    """A test that an interlock carries: what its points show, when it is demanded, and when each effect comes."""

    given: dict[str, Annotated[str, BeforeValidator(_as_text)]]
    """Series by name, as in the tests of rules."""
    limits: dict[Word, Quantity] = {}
    """In place of the defaults."""
    every: PositiveDuration = SECOND
    calibration_due: date | None = None
    expect: tuple[str, ...]
    """Such as `demand@8s`, then every effect in its order: `lift@9s`, `lift late@30s`, `lift never`."""


class InterlockModel(_Strict):
    id: DottedWord
    clause: Annotated[tuple[Words, ...], BeforeValidator(_as_list), Field(min_length=1)]
    name: TextShape
    for_each: Word
    causes: tuple[DottedWord, ...] = Field(min_length=1)
    engaged: Expression | None = None
    effects: tuple[EffectModel, ...] = Field(min_length=1)
    tests: tuple[InterlockTrialModel, ...] = ()


class PackFile(_Strict):
    pack: Word
    title: TextShape
    rules: tuple[RuleModel, ...]
    interlocks: tuple[InterlockModel, ...] = ()
