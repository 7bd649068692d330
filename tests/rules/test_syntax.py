"""Laws of the expression line: no text breaks the parser, every mistake has a place, nothing divides by zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.gases import GASES, Basis
from rules import syntax
from rules.checks import mistakes
from rules.scope import EquipmentScope, NamedLimit, NamedPoint
from rules.syntax import ExpressionError

SCOPE = EquipmentScope(
    {
        "flow": NamedPoint(0, "m3/h"),
        "other_flow": NamedPoint(1, "m3/h"),
        "co": NamedPoint(2, "ppm", Basis(GASES["CO"], 0.0)),
        "running": NamedPoint(3, ""),
        "temperature": NamedPoint(4, "degC"),
    },
    {"limit.flow": NamedLimit(3.0, "m3/h"), "limit.below": NamedLimit(-1.0, "m3/h")},
)
PIECES = [
    *SCOPE.names(),
    *("flow > 1 m3/h", "running == 1", "1", "0", "30 mg/m3", "65 degC", "3 K", "10 s", "5 %", "1 bar", "7 ells"),
    *("and", "or", "not", "+", "-", "*", "/", ">", ">=", "<", "<=", "==", "!=", "(", ")", "[", "]", ",", "always"),
    *("held(", "within(", "count(", "avg(", "slope(", "good(", "abs(", "age(", "stuck(", "changed(", "dev(", "since("),
    *("vote(2, [", "safety", "twa(", "ttt(", "margin(", "response(", "rises(", "nothing", ".", ";", "℃", "é"),
]


def outcome(text: str) -> list[ExpressionError]:
    """Every mistake of a text, from parsing on."""
    try:
        return list(mistakes(syntax.parse(text), SCOPE))
    except ExpressionError as error:
        return [error]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join) | st.text(max_size=40))
def test_every_mistake_has_its_place_and_says_what_was_expected(text: str) -> None:
    for error in outcome(text):
        assert 0 <= error.at <= len(text)
        assert error.expected
        assert error.got


@pytest.mark.parametrize("text", ["(", "not ", "-", "flow + ", "abs(", "[", "held(flow > ", "(flow + ", "1 + (2 * "])
def test_nothing_is_too_deep_to_be_refused(text: str) -> None:
    (error,) = outcome(text * 4000)
    assert "at most" in error.expected


def expressions() -> st.SearchStrategy[str]:
    leaf = st.sampled_from(["flow", "other_flow", "limit.flow", "2.5 m3/h"])
    number = st.recursive(
        leaf,
        lambda inner: (
            st.tuples(inner, st.sampled_from("+-"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
            | inner.map(lambda e: f"avg({e}, 10 s)")
            | inner.map(lambda e: f"-({e})")
        ),
        max_leaves=4,
    )
    base = st.tuples(number, st.sampled_from([">", "<=", "=="]), number).map(" ".join)
    return st.recursive(
        base,
        lambda inner: (
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})")
            | inner.map(lambda e: f"not ({e})")
            | inner.map(lambda e: f"held({e}, 3 s)")
        ),
        max_leaves=5,
    )


@given(expressions())
def test_an_expression_and_its_one_spelling_are_the_same(text: str) -> None:
    spelled = syntax.spelled(syntax.parse(text))
    assert syntax.spelled(syntax.parse(spelled)) == spelled
    assert outcome(text) == outcome(spelled) == []


def test_all_unknown_names_of_an_expression_are_told_at_once() -> None:
    found = outcome("folw > 1 m3/h and ohter_flow > 1 m3/h or temprature > 3")
    assert [(error.at, error.got) for error in found] == [(0, "'folw'"), (18, "'ohter_flow'"), (41, "'temprature'")]
    assert "flow" in found[0].expected


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("flow / other_flow > 3", 7),
        ("flow / 0 > 1 m3/h", 7),
        ("flow / (2 - 2) > 1 m3/h", 10),
        ("other_flow > 1 m3/h or flow / other_flow > 3", 30),
        ("other_flow > -1 m3/h and flow / other_flow > 3", 32),
        ("other_flow > limit.below and flow / other_flow > 3", 36),
        ("other_flow >= 0 and flow / other_flow > 3", 27),
        ("other_flow != 1 m3/h and flow / other_flow > 3", 32),
        ("not (other_flow > 0) and flow / other_flow > 3", 32),
        ("other_flow > 0 and held(flow / other_flow > 3, 5 s)", 31),
        ("other_flow > 0 and flow / (other_flow - 1 m3/h) > 3", 38),
        ("within(other_flow > 0, 5 s) and flow / other_flow > 3", 39),
        ("flow > other_flow and flow / other_flow > 3", 29),
    ],
)
def test_a_divisor_that_may_be_zero_is_refused_at_its_place(text: str, at: int) -> None:
    (error,) = outcome(text)
    assert "a divisor" in error.expected
    assert error.at == at


@pytest.mark.parametrize(
    "text",
    [
        "other_flow > 0 and flow / other_flow > 3",
        "flow / other_flow > 3 and limit.flow < other_flow",
        "other_flow >= 5 L/min and running == 1 and flow / other_flow > 3",
        "other_flow < 0 and flow / other_flow > 3",
        "other_flow == 0 or flow / other_flow > 3",
        "not (other_flow <= 0 or running == 0) and flow / other_flow > 3",
        "not (other_flow > 0 and flow / other_flow > 3)",
        "other_flow - 1 m3/h != 0 and flow / (other_flow - 1 m3/h) > 3",
        "avg((flow - other_flow) / flow, 10 s) > 3 % and flow > 1 m3/h",
        "held(other_flow > 0 and flow / other_flow > 3, 5 s)",
        "flow / limit.flow > 90 % and flow / 2 > 1 m3/h",
        "flow - other_flow > 5 % * flow",
    ],
)
def test_a_divisor_that_is_kept_from_zero_is_well(text: str) -> None:
    assert outcome(text) == []


def test_a_window_longer_than_the_history_is_refused() -> None:
    (error,) = outcome("avg(flow, 400 d) > 1 m3/h")
    assert (error.at, error.got) == (10, "400 d")
    assert "180 d" in error.expected
