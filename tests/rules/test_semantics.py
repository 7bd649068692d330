"""Laws of the language: three values, delays, memories; the kernels against a plain oracle."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rule import PointColumns, Truth
from gateway.sample import SECOND, Instant, Quality, Reason
from rules import syntax
from rules.graph import Graph, Op
from rules.kernels.logic import kleene_and as kernel_and
from rules.kernels.logic import kleene_not
from rules.kernels.logic import kleene_or as kernel_or
from rules.lowering import lower_condition
from rules.program import CompiledProgram
from rules.scope import EquipmentScope, NamedPoint
from tests.rules.harness import START, Bench, equipment, plant, run
from tests.rules.oracle import ConditionOracle, Oracle, kleene_and, kleene_or

NAMES = ("a", "b", "c")
SCOPE = EquipmentScope({name: NamedPoint(index, "") for index, name in enumerate(NAMES)}, {})
TRUTHS = {False: Truth.FALSE, True: Truth.TRUE, None: Truth.UNKNOWN}


def columns(values: Sequence[float | None], at: Instant) -> PointColumns:
    lost = np.array([value is None for value in values])
    return PointColumns(
        np.array([np.nan if value is None else value for value in values]),
        np.where(lost, Quality.BAD, Quality.GOOD).astype(np.uint8),
        np.where(lost, Reason.TIMEOUT, Reason.NONE).astype(np.uint8),
        np.full(len(values), at, dtype=np.int64),
        np.full(len(values), at, dtype=np.int64),
    )


def program(*expressions: str) -> CompiledProgram:
    graph = Graph()
    nodes = [lower_condition(syntax.parse(text), SCOPE, graph) for text in expressions]
    return CompiledProgram(graph, nodes, (), ())


def truths(compiled: CompiledProgram, values: Sequence[float | None], at: int) -> list[Truth]:
    now = Instant(START + at)
    return [Truth(int(truth)) for truth in compiled.step(columns(values, now), now).truth]


def test_the_kernels_tables_are_kleenes() -> None:
    for a, b in itertools.product((False, True, None), repeat=2):
        first, second = (np.array([TRUTHS[each]], dtype=np.uint8) for each in (a, b))
        assert kernel_and(first, second) == TRUTHS[kleene_and(a, b)]
        assert kernel_or(first, second) == TRUTHS[kleene_or(a, b)]
        assert kleene_not(first) == TRUTHS[None if a is None else not a]


@settings(deadline=None)
@given(st.sampled_from([">", ">=", "<", "<=", "==", "!="]), st.floats(allow_nan=False, allow_infinity=False))
def test_a_comparison_with_a_lost_value_is_unknown(operator: str, limit: float) -> None:
    compiled = program(f"a {operator} {abs(limit):f}", f"not (a {operator} {abs(limit):f})", "good(a)", "not good(a)")
    assert truths(compiled, (None, 0, 0), 0) == [Truth.UNKNOWN, Truth.UNKNOWN, Truth.FALSE, Truth.TRUE]


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.BAD])
def test_only_good_and_uncertain_values_are_used(quality: Quality) -> None:
    compiled = program("a > 1")
    for given_quality, expected in ((Quality.UNCERTAIN, Truth.TRUE), (quality, Truth.UNKNOWN)):
        table = columns((5.0, 0.0, 0.0), START)
        table.quality[0] = given_quality
        assert compiled.step(table, START).truth[0] == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_unknown_whatever_its_quality(value: float) -> None:
    compiled = program("a > 1", "a <= 1", "a + b > 1")
    assert truths(compiled, (value, 0.0, 0.0), 0) == [Truth.UNKNOWN] * 3


def test_a_division_by_zero_is_unknown() -> None:
    compiled = program("a / b > 1", "a / b <= 1")
    assert truths(compiled, (1.0, 0.0, 0.0), 0) == [Truth.UNKNOWN] * 2


def numbers() -> st.SearchStrategy[str]:
    leaf = st.sampled_from([*NAMES, "0", "1", "2"])
    parts = st.tuples(leaf, st.sampled_from("+-*/"), leaf).filter(lambda t: t[1:] != ("/", "0"))
    grown = parts.map(lambda t: f"({t[0]} {t[1]} {t[2]})")
    return leaf | grown | grown.map(lambda inner: f"abs({inner})")


def conditions() -> st.SearchStrategy[str]:
    compare = st.tuples(numbers(), st.sampled_from([">", ">=", "<", "<=", "==", "!="]), numbers())
    base = compare.map(" ".join) | st.sampled_from(NAMES).map(lambda name: f"good({name})")
    return st.recursive(
        base,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            inner.map(lambda e: f"not ({e})"),
            st.tuples(st.sampled_from(["held", "within"]), inner, st.integers(1, 4)).map(
                lambda t: f"{t[0]}({t[1]}, {t[2]} s)"
            ),
            st.tuples(st.sampled_from(["rises", "falls"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        ),
        max_leaves=6,
    )


VALUES = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.0, 3.0]))
SERIES = st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=25)


@settings(max_examples=150, deadline=None)
@given(st.lists(conditions(), min_size=1, max_size=4), SERIES)
def test_the_kernels_agree_with_the_oracle(texts: list[str], rows: list[tuple[float | None, ...]]) -> None:
    compiled = program(*texts)
    expressions = [syntax.parse(text) for text in texts]
    oracles = [Oracle() for _ in texts]
    for tick, row in enumerate(rows):
        values = dict(zip(NAMES, row))
        now = START + tick * SECOND
        expected = [TRUTHS[o.truth(e, values, now)] for o, e in zip(oracles, expressions)]
        assert truths(compiled, row, tick * SECOND) == expected


TRUTH_SERIES = st.lists(st.tuples(VALUES, st.integers(1, 3)), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 3), st.integers(0, 3), TRUTH_SERIES, st.booleans())
def test_conditions_agree_with_the_oracle(
    on_delay: int, off_delay: int, rows: list[tuple[float | None, int]], hysteresis: bool
) -> None:
    clear_text = "a < 1" if hysteresis else "not (a > 1)"
    graph = Graph()
    when = lower_condition(syntax.parse("a > 1"), SCOPE, graph)
    clear = lower_condition(syntax.parse(clear_text), SCOPE, graph)
    rise = graph.add(Op.ON_DELAY, (when,), (on_delay * 1e6,)) if on_delay else when
    fall = graph.add(Op.OFF_DELAY, (clear,), (off_delay * 1e6,)) if off_delay else clear
    compiled = CompiledProgram(graph, [graph.add(Op.LATCH, (rise, fall))], (), ())
    oracle = ConditionOracle(on_delay * SECOND, off_delay * SECOND)
    at = 0
    for value, pause in rows:
        over = None if value is None else value > 1
        under = None if value is None else (value < 1 if hysteresis else value <= 1)
        assert truths(compiled, (value, 0, 0), at) == [TRUTHS[oracle.step(over, under, START + at)]]
        at += pause * SECOND


@settings(max_examples=60, deadline=None)
@given(SERIES, st.integers(0, 2))
def test_a_lost_signal_never_makes_a_condition_false(rows: list[tuple[float | None, ...]], lost: int) -> None:
    compiled = program("a > 1", "held(a > 1, 2 s)", "a > 1 or b > 1", "not (a > 1)")
    for tick, row in enumerate(rows):
        kept = tuple(None if place <= lost else value for place, value in enumerate(row))
        outcome = truths(compiled, kept, tick * SECOND)
        assert outcome[0] is outcome[1] is outcome[3] is Truth.UNKNOWN
        assert outcome[2] is not Truth.FALSE


CO = plant([equipment("co", "co_detector")])
L2 = "gas.co_high_high@co"


def test_a_value_that_comes_back_high_is_true_at_once_with_its_first_onset() -> None:
    bench = Bench(CO)
    assert run(bench, L2, {"co.concentration": "0x5 170x10 _x20 170x1"}) == "false@0 true@7 unknown@15 true@35"
    assert bench.since(L2) == 5.0


def test_a_value_that_comes_back_between_clear_and_raise_is_still_true() -> None:
    bench = Bench(CO)
    assert run(bench, L2, {"co.concentration": "0x5 170x10 _x20 150x30"}) == "false@0 true@7 unknown@15 true@35"
    assert bench.since(L2) == 5.0


def test_an_on_delay_keeps_its_onset_through_silence_but_does_not_end_in_it() -> None:
    bench = Bench(CO)
    assert run(bench, L2, {"co.concentration": "0x5 170x1 _x30 170x1"}) == "false@0 unknown@6 true@36"
    assert bench.since(L2) == 5.0


def test_silence_does_not_count_towards_the_return_to_normal() -> None:
    bench = Bench(CO)
    script = {"co.concentration": "170x5 0x5 _x30 0x15"}
    assert run(bench, L2, script) == "false@0 true@2 unknown@10 true@40 false@50"


def test_unknown_is_since_the_tick_that_noticed() -> None:
    bench = Bench(CO)
    run(bench, L2, {"co.concentration": "0x5 _x5"})
    assert bench.since(L2) == 5.0


def test_onset_is_the_source_time_and_never_in_the_future() -> None:
    for latency, expected in ((SECOND // 2, 9.5), (-3600 * SECOND, 10.0)):
        bench = Bench(CO)
        bench.put("co.concentration", 0.0)
        for _ in range(10):
            bench.step(SECOND)
        for _ in range(4):
            bench.put("co.concentration", 170.0, latency=latency)
            bench.step(SECOND)
        assert bench.truth(L2) is Truth.TRUE
        assert bench.since(L2) == expected


def test_a_delay_runs_on_without_new_samples() -> None:
    bench = Bench(CO)
    bench.put("co.concentration", 170.0)
    outcomes = [bench.step(SECOND).truth[bench.column(L2)] for _ in range(4)]
    assert outcomes == [Truth.FALSE, Truth.FALSE, Truth.TRUE, Truth.TRUE]


def test_time_that_runs_backwards_is_refused() -> None:
    compiled = program("a > 1")
    truths(compiled, (0.0, 0.0, 0.0), SECOND)
    with pytest.raises(ValueError, match="at or after"):
        truths(compiled, (0.0, 0.0, 0.0), 0)


def test_equal_computations_are_one_node() -> None:
    graph = Graph()
    first = lower_condition(syntax.parse("held(a > 1, 2 s) and b > 1"), SCOPE, graph)
    size = len(graph)
    assert lower_condition(syntax.parse("held(a > 1, 2000 ms) and b > 1"), SCOPE, graph) == first
    assert len(graph) == size


WINDOW = 16 * SECOND


def number(compiled: CompiledProgram, node: int) -> float:
    layout = compiled._layout
    return float(layout.frame.value[layout.places[node].slot])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=40, max_size=60))
def test_windows_cover_their_length_and_at_most_a_sixteenth_more(values: list[float]) -> None:
    graph = Graph()
    point = graph.add(Op.POINT, (), (0.0,))
    ops = (Op.MIN, Op.MAX, Op.AVG, Op.SPREAD)
    nodes = [graph.add(op, (point,), (float(WINDOW),)) for op in ops]
    compiled = CompiledProgram(graph, [graph.add(Op.KNOWN, (node,)) for node in nodes], (), ())
    for tick, value in enumerate(values):
        known = truths(compiled, (value,), tick * SECOND)
        assert known == [Truth.TRUE if tick >= 16 else Truth.FALSE] * 4
        if tick < 17:
            continue
        low, high, mean, spread = (number(compiled, node) for node in nodes)
        sure = values[tick - 16 : tick + 1]
        assert low == min(sure)
        assert high == max(sure)
        assert spread == high - low
        # A value counts from its tick to the next, in the slice where that stretch ends.
        assert mean == pytest.approx(sum(values[tick - 17 : tick]) / 17, abs=1e-9)


@pytest.mark.parametrize("rate", [-3.0, 0.0, 0.25, 40.0])
def test_slope_of_a_line_is_its_rate(rate: float) -> None:
    graph = Graph()
    slope = graph.add(Op.SLOPE, (graph.add(Op.POINT, (), (0.0,)),), (10e6,))
    compiled = CompiledProgram(graph, [graph.add(Op.KNOWN, (slope,))], (), ())
    for tick in range(300):
        truths(compiled, (rate * tick / 10 + 7,), tick * SECOND // 10)
    assert number(compiled, slope) == pytest.approx(rate, abs=1e-6)


def test_a_gap_as_long_as_the_window_empties_it() -> None:
    compiled = program("max(a, 8 s) > 2")
    outcomes = [truths(compiled, (3.0, 0, 0), t * SECOND)[0] for t in range(10)]
    assert outcomes[7:] == [Truth.UNKNOWN, Truth.TRUE, Truth.TRUE]
    assert truths(compiled, (None, 0, 0), 12 * SECOND) == [Truth.UNKNOWN]
    assert truths(compiled, (1.0, 0, 0), 13 * SECOND) == [Truth.TRUE]
    assert [truths(compiled, (1.0, 0, 0), t * SECOND)[0] for t in (40, 47, 48)] == [
        Truth.UNKNOWN,
        Truth.UNKNOWN,
        Truth.FALSE,
    ]


def test_the_same_samples_give_the_same_bits() -> None:
    rng = np.random.default_rng(7)
    rows = rng.normal(1.0, 1.0, size=(200, 3))
    texts = ("slope(a, 5 s) > 0", "count(b > 1, 20 s) >= 3", "held(c > 1, 1 s)", "avg(a, 3 s) > b")
    first, second = program(*texts), program(*texts)
    for tick, row in enumerate(rows):
        now = Instant(START + tick * SECOND // 4)
        one, two = first.step(columns(list(row), now), now), second.step(columns(list(row), now), now)
        assert one.truth.tobytes() == two.truth.tobytes()
        assert one.since.tobytes() == two.since.tobytes()


def test_memory_is_bounded_from_the_start() -> None:
    compiled = program("slope(a, 1 h) > 0", "count(b > 1, 30 d) >= 3")
    before = compiled.plan().memory
    for tick in range(500):
        truths(compiled, (float(tick), float(tick % 3), 0.0), tick * SECOND)
    assert compiled.plan().memory == before
