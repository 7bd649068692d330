"""Laws of gas concentrations and of pressures: nothing converts without what it takes, and what converts returns."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import units
from gateway.gases import GASES, Basis, milligrams_per_ppm

CO = Basis(GASES["CO"], 0.0)
BY_VOLUME_AND_MASS = ("ppm", "ppb", "%vol", "mg/m3", "ug/m3", "g/m3", "mg/L")


@pytest.mark.parametrize(
    ("value", "source", "target", "gas", "temperature", "expected"),
    [
        (24.0, "ppm", "mg/m3", "CO", 0.0, 30.0),
        (160.0, "ppm", "mg/m3", "CO", 0.0, 200.0),
        (1.0, "ppm", "mg/m3", "CO", 20.0, 1.165),
        (30.0, "mg/m3", "ppm", "CO", 20.0, 25.8),
        (10.0, "mg/m3", "ppm", "H2S", 20.0, 7.06),
        (30.0, "mg/m3", "ppm", "NH3", 25.0, 43.1),
        (1.0, "mg/m3", "ppm", "Cl2", 25.0, 0.345),
        (10.0, "mg/m3", "ppm", "SO2", 25.0, 3.82),
    ],
)
def test_published_pairs_of_ppm_and_milligrams(
    value: float, source: str, target: str, gas: str, temperature: float, expected: float
) -> None:
    converted = units.convert(value, source, target, Basis(GASES[gas], temperature))
    assert converted == pytest.approx(expected, rel=2e-3)


@given(
    st.sampled_from(BY_VOLUME_AND_MASS),
    st.sampled_from(BY_VOLUME_AND_MASS),
    st.sampled_from(sorted(GASES)),
    st.floats(-20, 50),
    st.floats(-1e6, 1e6),
)
def test_a_gas_conversion_there_and_back_gives_the_same_value(
    source: str, target: str, gas: str, temperature: float, value: float
) -> None:
    basis = Basis(GASES[gas], temperature)
    again = units.convert(units.convert(value, source, target, basis), target, source, basis)
    assert math.isclose(again, value, rel_tol=1e-9, abs_tol=1e-9)


@given(st.floats(-1e5, 1e5), st.sampled_from(["H2", "CH4"]))
def test_explosive_limits_convert_there_and_back(value: float, gas: str) -> None:
    basis = Basis(GASES[gas])
    assert math.isclose(units.convert(units.convert(value, "%LEL", "ppm", basis), "ppm", "%LEL", basis), value)


def test_a_quarter_of_the_explosive_limit_of_hydrogen_is_one_percent() -> None:
    assert units.convert(25.0, "%LEL", "%vol", Basis(GASES["H2"])) == 1.0


def test_a_rate_of_a_concentration_converts_like_the_concentration() -> None:
    assert units.convert(15.0, "ppm/min", "mg/m3/min", CO) == pytest.approx(15.0 * milligrams_per_ppm(GASES["CO"], 0.0))


@pytest.mark.parametrize(
    ("source", "target", "basis", "missing"),
    [
        ("ppm", "mg/m3", None, "states its gas"),
        ("%LEL", "%vol", None, "states its gas"),
        ("ppm", "mg/m3", Basis(GASES["CO"]), "conversion_temperature"),
        ("%LEL", "ppm", Basis(GASES["CO"], 0.0), "explosive limit"),
    ],
)
def test_what_a_conversion_lacks_is_named(source: str, target: str, basis: Basis | None, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        units.convert(1.0, source, target, basis)


def test_a_basis_opens_no_other_door() -> None:
    for target in ("MPa", "", "degC", "kg", "mg/m2"):
        with pytest.raises(ValueError, match="expected a unit of"):
            units.convert(1.0, "ppm", target, CO)


@pytest.mark.parametrize("gauge", ["MPa", "MPa(g)", "kPaG", "barg", "bar(G)", "kPa(表压)", "mmH2O"])
@pytest.mark.parametrize("absolute", ["MPa(a)", "kPaA", "bara", "bar(abs)", "kPa(绝压)", "kPa（a）"])
def test_gauge_is_never_absolute(gauge: str, absolute: str) -> None:
    assert units.dimension(absolute) == "absolute pressure"
    assert units.dimension(gauge) == "pressure"
    for pair in ((gauge, absolute), (absolute, gauge)):
        assert not units.convertible(*pair)
        assert not units.convertible(*pair, CO)


def test_the_difference_of_absolute_pressures_is_a_pressure() -> None:
    assert units.difference("kPa(a)") == "kPa"
    assert units.difference("MPaA") == "MPa"
    assert units.has_zero("kPa(a)")
    assert not units.has_zero("℃")


def test_one_standard_atmosphere_is_the_same_in_every_absolute_unit() -> None:
    assert units.convert(101.325, "kPa(a)", "MPaA") == 0.101325
    assert units.convert(1.01325, "bara", "kPa(a)") == 101.325
