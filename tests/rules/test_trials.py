"""The tests that rules carry: their notation, their mistakes, and the command that runs them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from gateway.errors import ConfigurationError, Problem
from gateway.rule import Truth
from gateway.sample import Quality, Reason
from rules import trials
from rules.series import MOST_SAMPLES, parse_expected, parse_series
from rules.syntax import ExpressionError
from rules.trials import Trial, read_trials

ROOT = Path(__file__).parents[2]
LINE = "      - {given: {concentration: 0x5 23x5 25x9 22x9 19x12 _x5}, expect: [raise@13s, clear@38s, unknown@40s]}\n"
CLASSES = """classes:
  - id: detector
    name: {zh: 探测器, en: detector}
    kinds:
      - {id: concentration, name: {zh: 浓度, en: concentration}, unit: ppm}
      - {id: fault, name: {zh: 故障, en: fault}, unit: ""}
    limits:
      - name: concentration_high
        title: {zh: 高, en: high}
        default: 24 ppm
        source: a standard
        certainty: standard
"""
CLAUSES = """clauses:
  - {id: "4(6)", title: {zh: 条, en: clause}, requirements: [{class: detector, points: [fault]}]}
"""
PACK = """pack: mine
title: {zh: 包, en: pack}
rules:
  - id: gas.co_high
    clause: "4(6)"
    for_each: detector
    title: {zh: 高, en: high}
    consequence: {zh: 毒, en: poison}
    response: {zh: 撤, en: leave}
    response_time: 3 min
    priority: high
    when: concentration > limit.concentration_high
    clear: concentration < limit.concentration_high - 4 ppm
    on_delay: 3 s
    off_delay: 10 s
    tests:
"""


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str], Path]:
    """A packs directory with one rule, which has this test."""

    def write(line: str) -> Path:
        directory = tmp_path / "packs"
        (directory / "classes").mkdir(parents=True)
        (directory / "classes" / "detector.yaml").write_text(CLASSES, "utf-8")
        (directory / "clauses.yaml").write_text(CLAUSES, "utf-8")
        (directory / "mine.yaml").write_text((PACK + line).removesuffix("    tests:\n"), "utf-8")
        return directory

    return write


def outcome(directory: Path) -> tuple[Trial, trials.Outcome]:
    packs = rules.load_packs(directory)
    trial = next(each for each in read_trials(packs) if each.id == "gas.co_high[0]")
    return trial, trials.run(trial, packs.criteria)


def mistakes(directory: Path) -> list[Problem]:
    with pytest.raises(ConfigurationError) as caught:
        read_trials(rules.load_packs(directory))
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("24", [24]),
        ("0x2 1.5x3", [0, 0, 1.5, 1.5, 1.5]),
        ("0..3x4 -1", [0, 1, 2, 3, -1]),
        ("(0x2 1)x2 7", [0, 0, 1, 0, 0, 1, 7]),
        ("((1 2)x2 3)x2", [1, 2, 1, 2, 3, 1, 2, 1, 2, 3]),
    ],
)
def test_a_series_is_what_it_says(text: str, values: list[float]) -> None:
    series = parse_series(text)
    assert [shown.value for shown in series.shown] == values
    assert all(shown.quality is Quality.GOOD and shown.fresh for shown in series.shown)


def test_what_is_not_good_has_its_mark() -> None:
    shown = parse_series("5? _ ~ ^ E").shown
    assert [(each.quality, each.reason) for each in shown] == [
        (Quality.UNCERTAIN, Reason.NONE),
        (Quality.BAD, Reason.TIMEOUT),
        (Quality.STALE, Reason.TOO_OLD),
        (Quality.BAD, Reason.OUT_OF_RANGE),
        (Quality.BAD, Reason.SENSOR_FAULT),
    ]
    assert [each.fresh for each in shown] == [True, True, False, True, True]


@pytest.mark.parametrize(
    ("text", "at"),
    [("", 0), ("0x3 abc", 4), ("0x0", 1), ("1 (2x3", 6), ("1 2)", 3), ("5y3", 1), ("1..2x999999999", 4), ("()", 1)],
)
def test_a_mistake_in_a_series_is_at_its_character(text: str, at: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_series(text)
    assert caught.value.at == at


@given(st.text(alphabet="0123456789.x_~^E?() -", max_size=30))
def test_any_text_is_a_bounded_series_or_a_mistake_within_it(text: str) -> None:
    at, samples = 0, 1
    try:
        samples = len(parse_series(text).shown)
    except ExpressionError as error:
        at = error.at
    assert 0 <= at <= len(text)
    assert 0 < samples <= MOST_SAMPLES


def test_an_expectation_is_an_instant_or_a_span() -> None:
    assert str(parse_expected("raise@5s")) == "raise@5s"
    span = parse_expected("unknown@1..2 min")
    assert (span.truth, span.earliest, span.latest) == (Truth.UNKNOWN, 60_000_000, 120_000_000)
    for wrong in ("rise@5s", "raise@5", "raise 5s", "raise@7..5s", ""):
        with pytest.raises(ExpressionError):
            parse_expected(wrong)


def test_a_trial_is_the_rule_s_own_program_tick_by_tick(edited: Callable[[str], Path]) -> None:
    trial, result = outcome(edited(LINE))
    assert result.passed
    assert len(result.truths) == trial.ticks == 45
    assert [str(change) for change in result.got] == ["raise@13s", "clear@38s", "unknown@40s"]


def test_a_series_of_zeros_is_no_number_in_base_sixteen(edited: Callable[[str], Path]) -> None:
    trial, _ = outcome(edited("      - {given: {concentration: 0x30}, expect: []}\n"))
    assert [shown.value for shown in trial.series["concentration"].shown] == [0.0] * 30


def test_a_series_in_place_of_a_merged_one_is_not_read_as_that_one(edited: Callable[[str], Path]) -> None:
    line = (
        "      - {given: &zeros {concentration: 0x30}, expect: []}\n"
        "      - {given: {<<: *zeros, concentration: 0x5 25x9}, expect: [raise@8s]}\n"
        "      - {given: {<<: *zeros}, expect: []}\n"
    )
    merged = [trial.series["concentration"] for trial in read_trials(rules.load_packs(edited(line)))]
    assert [[shown.value for shown in series.shown] for series in merged] == [[0] * 30, [0] * 5 + [25] * 9, [0] * 30]


def test_what_a_shipped_pack_writes_is_what_its_trial_shows() -> None:
    """No series of the packs is taken for a number: 0x700 is seven hundred zeros, and not 1792."""
    packs = rules.load_packs()
    written = {
        (trial.id, name): trial.rule.document.written((*trial.rule.path, "tests", trial.number, "given", name))
        for trial in read_trials(packs)
        for name in trial.series
    }
    shown = {(trial.id, name): series.shown for trial in read_trials(packs) for name, series in trial.series.items()}
    zeros = {key: int(text[2:]) for key, text in written.items() if text is not None and text.startswith("0x")}
    assert zeros
    assert {key: [each.value for each in shown[key]] for key in zeros} == {
        key: [0.0] * count for key, count in zeros.items()
    }


def test_limits_and_the_step_of_a_trial_can_be_its_own(edited: Callable[[str], Path]) -> None:
    line = (
        "      - {every: 500 ms, limits: {concentration_high: 10 ppm}, given: {concentration: 0x5 12x9}, expect: []}\n"
    )
    _, result = outcome(edited(line))
    assert [str(change) for change in result.got] == ["raise@5.5s"]
    assert not result.passed


@pytest.mark.parametrize(
    ("line", "at", "expected"),
    [
        ("      - {given: {concentration: 0x5 2q5}, expect: []}\n", "q5", "a blank"),
        ("      - {given: {concentration: 0x5}, expect: [rise@5s]}\n", "rise@", "'raise@65s'"),
        ("      - {given: {concentratoin: 0x5}, expect: []}\n", "concentratoin", "one of [concentration, fault]"),
        ("      - {given: {fault: 0}, expect: []}\n", "{fault", "a series for concentration"),
        ("      - {limits: {co: 5 ppm}, given: {concentration: 0}, expect: []}\n", "co: 5", "one of [concentration_"),
        ("      - {limits: {concentration_high: 5 MPa}, given: {concentration: 0}, expect: []}\n", "5 MPa", "a unit"),
    ],
)
def test_a_mistake_in_a_trial_is_at_its_line_and_column(
    edited: Callable[[str], Path], line: str, at: str, expected: str
) -> None:
    problems = mistakes(edited(line))
    (found,) = [problem for problem in problems if problem.expected.startswith(expected)]
    written = Path(found.file).read_text("utf-8").split("\n")[found.line - 1]
    assert written == line.removesuffix("\n")
    assert found.column == line.index(at) + 1


def test_a_rule_without_tests_is_a_mistake(edited: Callable[[str], Path]) -> None:
    (problem,) = mistakes(edited(""))
    assert problem.expected == "'tests' of gas.co_high"


def ran(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", "test-rules", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, timeout=60, check=False)


def test_the_command_passes_the_shipped_packs() -> None:
    done = ran("--rule", "gas.co_high")
    assert done.returncode == 0, done.stderr
    assert "expected" in done.stdout


def test_a_failed_trial_shows_both_timelines_and_ends_with_one(edited: Callable[[str], Path]) -> None:
    done = ran("--pack", edited(LINE.replace("raise@13s", "raise@12s")))
    assert done.returncode == 1
    assert "gas.co_high[0]" in done.stdout
    expected, got = (line for line in done.stdout.splitlines() if line.strip().startswith(("expected ", "got ")))
    assert "············██████" in expected
    assert "·············█████" in got


def test_wrong_input_ends_with_two_and_says_where(edited: Callable[[str], Path], tmp_path: Path) -> None:
    done = ran("--pack", edited(LINE.replace("23x5", "23z5")))
    assert done.returncode == 2
    assert "a blank, or 'x' and a whole number" in done.stderr
    assert ran("--pack", tmp_path / "nowhere").returncode == 2
    assert ran("--rule", "gas.co_hihg").returncode == 2


def test_what_is_unwise_is_told_beside_the_report(edited: Callable[[str], Path]) -> None:
    packs = edited(LINE.replace("raise@13s", "raise@30s"))
    pack = packs / "mine.yaml"
    pack.write_text(pack.read_text("utf-8").replace("on_delay: 3 s", "on_delay: 20 s"), "utf-8")
    done = ran("--pack", packs)
    assert done.returncode == 1  # a failed trial; the delay alone is advice
    assert "at most 18 s of delay and scan, a tenth of the response time" in " ".join(done.stderr.split())
