"""The tests that interlocks carry: every row of every pack is demanded, done and not done, and said so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import rules
from gateway.errors import ConfigurationError, Problem
from rules.interlock_trials import InterlockOutcome, read_interlock_trials, run_interlock
from tests.reload.works import CLASSES, CLAUSES, HIGH, INTERLOCK

DONE = "{given: {pressure: 300x3 900x9, closed: 0x5 1x9}, expect: [demand@3s, valve@5s]}"
Edited = Callable[[str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """A packs directory with one interlock, which has this test."""

    def write(line: str) -> Path:
        (tmp_path / "classes").mkdir()
        (tmp_path / "classes" / "vessel.yaml").write_text(CLASSES, "utf-8")
        (tmp_path / "clauses.yaml").write_text(CLAUSES, "utf-8")
        tests = f"    tests:\n      - {line}\n" if line else ""
        text = "\n".join(["pack: vessel", "title: {zh: 容器, en: Vessel}", "rules:", HIGH + INTERLOCK.rstrip()])
        (tmp_path / "vessel.yaml").write_text(text + "\n" + tests, "utf-8")
        return tmp_path

    return write


def outcome(directory: Path) -> InterlockOutcome:
    packs = rules.load_packs(directory)
    (trial,) = read_interlock_trials(packs)
    return run_interlock(trial, packs)


def test_every_shipped_interlock_does_what_its_tests_say() -> None:
    packs = rules.load_packs()
    outcomes = [run_interlock(trial, packs) for trial in read_interlock_trials(packs)]
    assert [f"{each.trial.id}: {', '.join(map(str, each.got))}" for each in outcomes if not each.passed] == []
    for row in packs.interlocks():
        mine = [each for each in outcomes if each.trial.row is row]
        effects = {effect.id for effect in row.model.effects}
        done = {came.what for each in mine for came in each.got if came.how == ""}
        never = {came.what for each in mine for came in each.got if came.how == "never"}
        assert effects <= done, f"{row.model.id} is nowhere done in time"
        assert effects <= never, f"{row.model.id} is nowhere left undone"


def test_an_effect_that_comes_in_time_comes_late_or_never(edited: Edited) -> None:
    assert outcome(edited(DONE)).passed


@pytest.mark.parametrize(
    ("closed", "got"),
    [
        ("0x5 1x9", "valve@5s"),
        ("0x80 1x9", "valve late@80s"),
        ("0", "valve never"),
        ("1", "valve@3s"),
        ("_", "valve never"),
    ],
)
def test_the_effect_is_looked_at_from_the_demand_on(edited: Edited, closed: str, got: str) -> None:
    found = outcome(edited(DONE.replace("0x5 1x9", closed)))
    assert [str(came) for came in found.got] == ["demand@3s", got]
    assert found.passed is (got == "valve@5s")


def test_what_is_not_engaged_is_bypassed_and_what_has_no_cause_is_not_demanded(edited: Edited) -> None:
    directory = edited(DONE)
    pack = directory / "vessel.yaml"
    text = pack.read_text("utf-8")
    off = text.replace("    causes:", "    engaged: level == 1 mm\n    causes:")
    pack.write_text(off.replace("{pressure", "{level: 0, pressure"), "utf-8")
    assert str(outcome(directory).got[0]) == "bypassed@3s"
    pack.write_text(text.replace("900x9", "300x9"), "utf-8")
    assert outcome(directory).got == ()


@pytest.mark.parametrize(
    ("line", "at", "expected"),
    [
        (DONE.replace("closed:", "closd:"), "closd:", "one of [closed, level, pressure]"),
        (DONE.replace("0x5 1x9", "0x5 1z9"), "z9", "a blank, or 'x'"),
        (DONE.replace("valve@5s", "valv@5s"), "valv@5s", "one of [bypassed, demand, valve] and when"),
        (DONE.replace("valve@5s", "valve never@5s"), "valve never@5s", "one of [bypassed, demand, valve] and when"),
        (DONE.replace("valve@5s", "valve@soon"), "valve@soon", "one of [bypassed, demand, valve] and when"),
    ],
)
def test_a_mistake_is_at_its_line_and_column(edited: Edited, line: str, at: str, expected: str) -> None:
    found = mistake(edited(line))
    written = Path(found.file).read_text("utf-8").split("\n")[found.line - 1]
    assert found.expected.startswith(expected)
    assert found.column == written.index(at) + 1


def test_an_interlock_without_tests_is_a_mistake(edited: Edited) -> None:
    assert mistake(edited("")).expected == "'tests' of vessel.shut"


def mistake(directory: Path) -> Problem:
    with pytest.raises(ConfigurationError) as caught:
        read_interlock_trials(rules.load_packs(directory))
    (problem,) = caught.value.problems
    return problem
