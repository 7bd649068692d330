"""Units of the field: spellings as plants write them, dimensions, conversion. The only user of pint.

Never guesses between kinds: %LEL, %vol, ppm and mg/m3 do not convert into one another, a temperature
is not a temperature difference (K is a difference), a volume is not a normal volume. The empty unit
is that of states, counts and pure ratios; `%` is a hundredth of it.
"""

from __future__ import annotations

import difflib
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pint

_DEFINITIONS = """
nano- = 1e-9
micro- = 1e-6
milli- = 1e-3
centi- = 1e-2
kilo- = 1e3
mega- = 1e6
metre = [length]
gram = [mass]
second = [time]
minute = 60 second
hour = 60 minute
day = 24 hour
ampere = [current]
kelvin = [temperature]
degree_celsius = kelvin; offset: 273.15
degree_fahrenheit = 5 / 9 * kelvin; offset: 255.37222222222222
temperature_step = [temperature_difference]
fahrenheit_step = 5 / 9 * temperature_step
degree = [angle]
radian = 57.29577951308232 degree
turn = 360 degree
litre = 0.001 metre ** 3
normal_cubic_metre = [normal_volume]
tonne = 1e6 gram
newton = 1000 gram * metre / second ** 2
pascal = newton / metre ** 2
bar = 1e5 pascal
water_column = 9806.65 pascal
watt = newton * metre / second
volt = watt / ampere
hertz = 1 / second
decibel = [sound_level]
percent = 0.01
lel_percent = [lower_explosive_limit]
volume_percent = [volume_fraction]
parts_per_million = [parts_by_volume]
parts_per_billion = 0.001 parts_per_million
"""

_ATOMS = {
    "m": "metre",
    "km": "kilometre",
    "cm": "centimetre",
    "mm": "millimetre",
    "um": "micrometre",
    "g": "gram",
    "kg": "kilogram",
    "mg": "milligram",
    "ug": "microgram",
    "t": "tonne",
    "s": "second",
    "ms": "millisecond",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "A": "ampere",
    "mA": "milliampere",
    "kA": "kiloampere",
    "V": "volt",
    "mV": "millivolt",
    "kV": "kilovolt",
    "W": "watt",
    "kW": "kilowatt",
    "MW": "megawatt",
    "N": "newton",
    "kN": "kilonewton",
    "Pa": "pascal",
    "kPa": "kilopascal",
    "MPa": "megapascal",
    "bar": "bar",
    "mbar": "millibar",
    "mmH2O": "milliwater_column",
    "Hz": "hertz",
    "dB": "decibel",
    "L": "litre",
    "mL": "millilitre",
    "Nm3": "normal_cubic_metre",
    "deg": "degree",
    "rad": "radian",
    "r": "turn",
    "degC": "degree_celsius",
    "degF": "degree_fahrenheit",
    "delta_degC": "temperature_step",
    "delta_degF": "fahrenheit_step",
    "%": "percent",
    "%LEL": "lel_percent",
    "%vol": "volume_percent",
    "ppm": "parts_per_million",
    "ppb": "parts_per_billion",
}
"""One preferred spelling for each unit, with its name in the registry."""

_ALIASES = {
    "K": "delta_degC",
    "delta_K": "delta_degC",
    "Δ℃": "delta_degC",
    "℃": "degC",
    "°C": "degC",
    "℉": "degF",
    "°F": "degF",
    "°": "deg",
    "l": "L",
    "ml": "mL",
    "%VOL": "%vol",
    "vol%": "%vol",
    "%Vol": "%vol",
    "LEL%": "%LEL",
    "%lel": "%LEL",
    "μm": "um",
    "µm": "um",
    "μg": "ug",
    "µg": "ug",
    "Nm³": "Nm3",
    "sec": "s",
    "hr": "h",
    "rpm": "r/min",
    "％": "%",
}
"""Other ways in which plants write the same."""

_FIELD_SPELLINGS = (
    "m3/h",
    "L/min",
    "mm/min",
    "mm/s",
    "m/s",
    "mg/m3",
    "Nm3/h",
    "r/min",
    "m3",
    "m2",
    "kg/h",
    "t/h",
)
"""Compound spellings that are worth proposing to somebody who mistyped one."""

_DIMENSION_NAMES = {
    "": "state, count or ratio",
    "m3/h": "volume flow",
    "Nm3/h": "normal volume flow",
    "kg/h": "mass flow",
    "MPa": "pressure",
    "degC": "temperature",
    "delta_degC": "temperature difference",
    "delta_degC/min": "rate of temperature change",
    "mm": "length",
    "m2": "area",
    "m3": "volume",
    "Nm3": "normal volume",
    "mm/min": "speed",
    "deg": "angle",
    "r/min": "rotational speed",
    "kg": "mass",
    "s": "time",
    "Hz": "frequency",
    "A": "current",
    "V": "voltage",
    "kW": "power",
    "N": "force",
    "dB": "sound level",
    "ppm": "gas concentration in ppm",
    "%LEL": "gas concentration in %LEL",
    "%vol": "gas concentration in %vol",
    "mg/m3": "mass concentration",
}

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_POWER = re.compile(r"^(?P<atom>.+?)(?:\^|\*\*)?(?P<power>[1-9])$")


def check_unit(text: str) -> None:
    """Return if the unit is known; raise ValueError that names the nearest spellings otherwise."""
    _parse(text)


@lru_cache(maxsize=1024)
def dimension(unit: str) -> str:
    """What the unit measures, in words; equal for units that convert into one another."""
    dimensionality = _parse(unit).dimensionality
    return _named_dimensions().get(dimensionality) or str(dimensionality)


def same_dimension(a: str, b: str) -> bool:
    """Whether values in `a` convert into `b`; raises ValueError for an unknown unit."""
    return bool(_parse(a).dimensionality == _parse(b).dimensionality)


def convert(value: float, source: str, target: str) -> float:
    """The same quantity in `target`; raises ValueError where the dimensions differ."""
    if source == target:
        check_unit(source)
        return value
    if not same_dimension(source, target):
        raise ValueError(
            f"expected a unit of {dimension(target)} (such as {target or 'none'}), "
            f"got {source or 'no unit'}, a {dimension(source)}"
        )
    converted = _registry().convert(value, _parse(source), _parse(target))
    # 1 bar is 0.1 MPa and not 0.09999999999999999: the last digits are those of the path, not of the value.
    return float(f"{converted:.14g}")


def product(a: str, b: str) -> str:
    """Unit of a value in `a` times a value in `b`, unscaled; ValueError for a temperature."""
    return _spell(_factor(a) * _factor(b))


def quotient(a: str, b: str) -> str:
    """Unit of a value in `a` divided by a value in `b`, unscaled; ValueError for a temperature."""
    return _spell(_factor(a) / _factor(b))


def difference(unit: str) -> str:
    """Unit of the difference of two values in `unit`: degC gives delta_degC, the rest themselves."""
    return {"degC": "delta_degC", "degF": "delta_degF"}.get(_ALIASES.get(unit, unit), unit)


def known_spellings() -> tuple[str, ...]:
    """Every single spelling, and the common compound ones, for editors and messages."""
    return tuple(dict.fromkeys([*_ATOMS, *_ALIASES, *_FIELD_SPELLINGS]))


@cache
def _registry() -> pint.UnitRegistry[float]:
    # Imported here and filled with our own few definitions: pint's full registry costs half a
    # second at every start, and its ppm, degree and kelvin mean other things than a plant's.
    import pint

    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None)
    for line in _DEFINITIONS.strip().splitlines():
        registry.define(line)
    return registry


@lru_cache(maxsize=1024)
def _parse(text: str) -> Any:
    """The registry's unit, typed as Any: pint's annotations disagree with its own results."""
    plain = re.sub(r"\s", "", text.translate(_SUPERSCRIPTS))
    plain = _ALIASES.get(plain, plain)
    unit = _registry().Unit("")
    if plain in _ATOMS or plain == "":
        return _registry().Unit(_ATOMS.get(plain, ""))
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
    known = difference(_ALIASES.get(spelling, spelling))
    return _registry().Unit(_ATOMS[known]) if known in _ATOMS else None


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
    return {name: spelling for spelling, name in _ATOMS.items()}


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
    return {_parse(unit).dimensionality: name for unit, name in _DIMENSION_NAMES.items()}
