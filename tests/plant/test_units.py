"""Laws of units: conversions return, kinds stay apart, mistakes name the nearest spelling."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import units

FAMILIES = (
    ("m3/h", "m³/h", "L/min", "m3/s"),
    ("MPa", "kPa", "Pa", "bar", "mbar", "mmH2O", "MPa(g)", "kPaG", "barg"),
    ("MPa(a)", "kPa(a)", "bara", "kPa（a）", "MPaA"),
    ("degC", "℃", "°C", "degF"),
    ("K", "delta_degC", "delta_degF"),
    ("mm", "cm", "m"),
    ("mm/min", "mm/s", "m/s"),
    ("deg", "rad"),
    ("%LEL", "%lel"),
    ("ppm", "ppb", "%vol", "vol%"),
    ("mg/m3", "mg/m³", "g/m3"),
    ("V", "kV"),
    ("A", "mA", "kA"),
    ("kW", "W", "MW"),
    ("Nm3/h", "Nm³/h"),
    ("s", "min", "h", "d", "ms"),
    ("r/min", "rpm"),
    ("", "%"),
)
PAIRS = [(a, b) for family in FAMILIES for a in family for b in family]


@given(st.sampled_from(PAIRS), st.floats(-1e6, 1e6))
def test_a_conversion_there_and_back_gives_the_same_value(pair: tuple[str, str], value: float) -> None:
    there, back = pair
    again = units.convert(units.convert(value, there, back), back, there)
    assert math.isclose(again, value, rel_tol=1e-9, abs_tol=1e-6)


@given(st.sampled_from(PAIRS), st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_a_conversion_keeps_the_order_of_values(pair: tuple[str, str], a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert units.convert(low, *pair) <= units.convert(high, *pair)


@pytest.mark.parametrize("a", range(len(FAMILIES)))
@pytest.mark.parametrize("b", range(len(FAMILIES)))
def test_kinds_do_not_convert_into_each_other(a: int, b: int) -> None:
    assert units.same_dimension(FAMILIES[a][0], FAMILIES[b][0]) is (a == b)
    if a != b:
        with pytest.raises(ValueError, match=r"expected a (unit of|point kind that states its gas)"):
            units.convert(1.0, FAMILIES[a][0], FAMILIES[b][0])


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (60.0, "L/min", "m3/h", 3.6),
        (1.0, "bar", "MPa", 0.1),
        (100.0, "degC", "degF", 212.0),
        (9.0, "delta_degF", "K", 5.0),
        (60.0, "mm/min", "mm/s", 1.0),
        (5.0, "%", "", 0.05),
        (1.0, "g/m3", "mg/m3", 1000.0),
        (100.0, "mmH2O", "Pa", 980.665),
        (180.0, "deg", "rad", math.pi),
    ],
)
def test_conversions_of_the_field(value: float, source: str, target: str, expected: float) -> None:
    assert units.convert(value, source, target) == pytest.approx(expected, rel=1e-12)


def test_a_round_figure_stays_round() -> None:
    assert units.convert(1.0, "bar", "MPa") == 0.1
    assert units.convert(60.0, "L/min", "m3/h") == 3.6


def test_a_difference_of_temperatures_is_no_temperature() -> None:
    assert units.difference("degC") == "delta_degC"
    assert units.difference("℃") == "delta_degC"
    assert units.difference("m3/h") == "m3/h"
    assert not units.same_dimension("degC", units.difference("degC"))
    assert units.same_dimension("degC/min", units.quotient("delta_degC", "min"))


@pytest.mark.parametrize("operation", [units.product, units.quotient])
def test_a_temperature_cannot_be_a_factor(operation: object) -> None:
    assert callable(operation)
    with pytest.raises(ValueError, match="delta_degC"):
        operation("degC", "s")


UNITS = sorted({unit for family in FAMILIES for unit in family} - {"degC", "℃", "°C", "degF"})


@given(
    st.sampled_from(UNITS),
    st.sampled_from(UNITS),
    st.floats(0.1, 1e4),
    st.floats(0.1, 1e4),
)
def test_the_value_of_a_product_needs_no_scaling(a: str, b: str, x: float, y: float) -> None:
    # In any other units of the same dimensions the same product must come out.
    base_a = next(family for family in FAMILIES if a in family)[0]
    base_b = next(family for family in FAMILIES if b in family)[0]
    direct = units.convert(x * y, units.product(a, b), units.product(base_a, base_b))
    assert direct == pytest.approx(units.convert(x, a, base_a) * units.convert(y, b, base_b))
    ratio = units.convert(x / y, units.quotient(a, b), units.quotient(base_a, base_b))
    assert ratio == pytest.approx(units.convert(x, a, base_a) / units.convert(y, b, base_b))


def test_a_ratio_of_like_units_has_no_unit() -> None:
    assert units.quotient("m3/h", "m3/h") == ""
    assert units.same_dimension(units.quotient("m3/h", "L/min"), "%")
    assert units.product("m3/h", "h") == "m3"


@pytest.mark.parametrize("spelling", [*units.known_spellings(), "m^3/h", "m**3/h", "m3 / h", "1/s", "N·m"])
def test_every_known_spelling_is_read(spelling: str) -> None:
    units.check_unit(spelling)
    assert units.dimension(spelling)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("Mpa", "MPa"), ("M3/H", "m3/h"), ("PPM", "ppm"), ("% LELL", "%LEL"), ("degc", "degC"), ("kpa", "kPa")],
)
def test_a_mistake_names_the_nearest_spelling(wrong: str, near: str) -> None:
    with pytest.raises(ValueError, match="expected a unit such as") as caught:
        units.check_unit(wrong)
    assert near in str(caught.value)
    assert repr(wrong) in str(caught.value)


@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_a_value_error(text: str) -> None:
    try:
        units.check_unit(text)
    except ValueError:
        return
    assert units.same_dimension(text, text)
