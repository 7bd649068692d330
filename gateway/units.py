"""Units of the field: spellings as plants write them, dimensions, conversion. The only user of pint.

Never guesses between kinds: a temperature is not a temperature difference (K is a difference), an absolute
pressure is not a gauge pressure, a volume is not a normal volume; ppm turns into mg/m3 and %LEL into %vol only
with a stated basis. The empty unit is that of states, counts and pure ratios; `%` is a hundredth of it.
"""

from __future__ import annotations

import difflib
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from gateway.gases import GASES, Basis, milligrams_per_ppm
from gateway.unit_tables import ALIASES, ATOMS, DEFINITIONS, DIMENSION_NAMES, FIELD_SPELLINGS

if TYPE_CHECKING:
    import pint

_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹（）", "0123456789()")
_POWER = re.compile(r"^(?P<atom>.+?)(?:\^|\*\*)?(?P<power>[1-9])$")


def check_unit(text: str) -> None:
    """Return if the unit is known; raise ValueError that names the nearest spellings otherwise."""
    _parse(text)


@lru_cache(maxsize=1024)
def dimension(unit: str) -> str:
    """What the unit measures, in words; equal for units that convert into one another."""
    dimensionality = _parse(unit).dimensionality
    return _named_dimensions().get(dimensionality) or str(dimensionality)


def a_dimension(unit: str) -> str:
    """The dimension with its article, for messages."""
    name = dimension(unit)
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def same_dimension(a: str, b: str) -> bool:
    """Whether values in `a` convert into `b`; raises ValueError for an unknown unit."""
    return bool(_parse(a).dimensionality == _parse(b).dimensionality)


def convertible(source: str, target: str, basis: Basis | None = None) -> bool:
    """Whether values convert, as `convert` does it; False for an unknown unit."""
    try:
        convert(1.0, source, target, basis)
    except ValueError:
        return False
    return True


def convert(value: float, source: str, target: str, basis: Basis | None = None) -> float:
    """The same quantity in `target`; raises ValueError where the kinds differ or the basis lacks what it takes.

    1 ppm = 1e-4 %vol always; ppm to mg/m3 takes the gas and the temperature of the basis, %LEL its explosive limit.
    """
    if source == target:
        check_unit(source)
        return value
    unit, aim = _parse(source), _parse(target)
    if unit.dimensionality != aim.dimensionality:
        factor, unit = _bridge(unit, aim, basis, (source, target))
        value *= factor
    converted = _registry().convert(value, unit, aim)
    # 1 bar is 0.1 MPa and not 0.09999999999999999: the last digits are those of the path, not of the value.
    return float(f"{converted:.14g}")


def product(a: str, b: str) -> str:
    """Unit of a value in `a` times a value in `b`, unscaled; ValueError for a temperature."""
    return _spell(_factor(a) * _factor(b))


def quotient(a: str, b: str) -> str:
    """Unit of a value in `a` divided by a value in `b`, unscaled; ValueError for a temperature."""
    return _spell(_factor(a) / _factor(b))


def difference(unit: str) -> str:
    """Unit of the difference of two values in `unit`: degC gives delta_degC, kPa(a) gives kPa, the rest themselves."""
    plain = _plain(unit)
    return _TEMPERATURE_STEPS.get(plain) or (plain.removesuffix("(a)") if plain.endswith("(a)") else unit)


def has_zero(unit: str) -> bool:
    """Whether zero in this unit is nothing at all, as in every unit but those of temperature."""
    return _plain(unit) not in _TEMPERATURE_STEPS


def known_spellings() -> tuple[str, ...]:
    """Every single spelling, and the common compound ones, for editors and messages."""
    return tuple(dict.fromkeys([*ATOMS, *ALIASES, *FIELD_SPELLINGS]))


@cache
def _registry() -> pint.UnitRegistry[float]:
    # Imported here and filled with our own few definitions: pint's full registry costs half a
    # second at every start, and its ppm, degree and kelvin mean other things than a plant's.
    import pint

    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None)
    for line in DEFINITIONS.strip().splitlines():
        registry.define(line)
    return registry


_TEMPERATURE_STEPS = {"degC": "delta_degC", "degF": "delta_degF"}


def _plain(text: str) -> str:
    """The preferred spelling of a single unit; of a compound the text without blanks."""
    plain = re.sub(r"\s", "", text.translate(_PLAIN))
    return ALIASES.get(plain, plain)


@lru_cache(maxsize=1024)
def _parse(text: str) -> Any:
    """The registry's unit, typed as Any: pint's annotations disagree with its own results."""
    plain = _plain(text)
    unit = _registry().Unit("")
    if plain in ATOMS or plain == "":
        return _registry().Unit(ATOMS.get(plain, ""))
    for position, part in enumerate(plain.split("/")):
        for number, factor in enumerate(re.split(r"(?<!\*)\*(?!\*)|·|⋅", part)):
            if factor == "1" and position == number == 0:
                continue
            parsed = _parse_factor(factor, text)
            unit = unit * parsed if position == 0 else unit / parsed
    return unit


def _parse_factor(factor: str, text: str) -> Any:
    whole = _atom(factor)
    if whole is not None:
        return whole
    match = _POWER.match(factor)
    base = _atom(match["atom"]) if match is not None else None
    if match is None or base is None:
        raise ValueError(f"expected a unit such as {_suggestions(text)}, got {text!r}")
    return base ** int(match["power"])


def _atom(spelling: str) -> Any:
    # Inside a compound such as degC/min a degree can only be a difference.
    known = ALIASES.get(spelling, spelling)
    known = _TEMPERATURE_STEPS.get(known, known)
    return _registry().Unit(ATOMS[known]) if known in ATOMS else None


def _suggestions(text: str) -> str:
    spellings = known_spellings()
    by_lower = {spelling.lower(): spelling for spelling in reversed(spellings)}
    close = difflib.get_close_matches(text.lower(), list(by_lower), n=3, cutoff=0.5)
    return " or ".join([by_lower[word] for word in close] or ["m3/h", "MPa", "degC", "mm", "ppm", "%LEL"])


def _factor(unit: str) -> Any:
    parsed = _parse(unit)
    if _spell(parsed) in {"degC", "degF"}:
        raise ValueError(
            f"expected a unit that can be multiplied, got {unit}; a temperature has no zero of its own: "
            f"take a difference of two first (delta_degC)"
        )
    return parsed


@cache
def _spellings() -> dict[str, str]:
    return {name: spelling for spelling, name in ATOMS.items()}


def _spell(unit: Any) -> str:
    """The unit in the spelling that `_parse` reads back."""
    above: list[str] = []
    below: list[str] = []
    # pint gives the container of units and exponents no public name on Unit.
    for name, exponent in sorted(unit._units.items()):  # noqa: SLF001
        power = int(abs(exponent))
        (above if exponent > 0 else below).append(_spellings()[name] + (str(power) if power > 1 else ""))
    head = "*".join(above) or ("1" if below else "")
    return "/".join([head, *below])


@cache
def _named_dimensions() -> dict[object, str]:
    return {_parse(unit).dimensionality: name for unit, name in DIMENSION_NAMES.items()}


def _bridge(unit: Any, aim: Any, basis: Basis | None, spelled: tuple[str, str]) -> tuple[float, Any]:
    """Factor and unit of the same gas concentration with the dimension of `aim`."""
    registry, factor = _registry(), 1.0
    explosive = _power(unit, "[lower_explosive_limit]") - _power(aim, "[lower_explosive_limit]")
    unit = unit * (registry.Unit("parts_per_million") / registry.Unit("lel_percent")) ** explosive
    volume = _power(unit, "[parts_by_volume]") - _power(aim, "[parts_by_volume]")
    unit = unit * (_parse("mg/m3") / registry.Unit("parts_per_million")) ** volume
    source, target = spelled
    if unit.dimensionality != aim.dimensionality:
        raise ValueError(
            f"expected a unit of {dimension(target)} (such as {target or 'none'}), "
            f"got {source or 'no unit'}, {a_dimension(source)}"
        )
    gas = basis.gas if basis is not None else None
    if gas is None:
        known = ", ".join(GASES)
        raise ValueError(
            f"expected a point kind that states its gas, one of [{known}], to turn {source} into {target}, got none"
        )
    if explosive:
        if gas.lower_explosive_limit is None:
            wanted = "a gas whose lower explosive limit is known"
            raise ValueError(f"expected {wanted} to turn {source} into {target}, got {gas.formula}")
        factor *= (gas.lower_explosive_limit * 100) ** explosive
    if volume:
        temperature = basis.temperature if basis is not None else None
        if temperature is None:
            wanted = "conversion_temperature of the point (0 degC or 20 degC)"
            raise ValueError(f"expected the {wanted} to turn {source} into {target}, got none")
        factor *= milligrams_per_ppm(gas, temperature) ** volume
    return factor, unit


def _power(unit: Any, dimension_name: str) -> int:
    return int(unit.dimensionality.get(dimension_name, 0))
