"""Spellings, definitions and names of the units of the field, as tables. No logic; `gateway.units` reads them.

Gauge pressure is the plain one (what an instrument shows against the air around it, or between its two sides);
absolute pressure is a kind of its own.
"""

from __future__ import annotations

DEFINITIONS = """
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
absolute_pascal = [absolute_pressure]
absolute_bar = 1e5 absolute_pascal
water_column = 9806.65 pascal
watt = newton * metre / second
volt = watt / ampere
hertz = 1 / second
decibel = [sound_level]
percent = 0.01
lel_percent = [lower_explosive_limit]
parts_per_million = [parts_by_volume]
volume_percent = 10000 parts_per_million
parts_per_billion = 0.001 parts_per_million
"""

ATOMS = {
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
    "Pa(a)": "absolute_pascal",
    "kPa(a)": "kiloabsolute_pascal",
    "MPa(a)": "megaabsolute_pascal",
    "bar(a)": "absolute_bar",
    "mbar(a)": "milliabsolute_bar",
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

ALIASES = {
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
    **{
        pressure + mark: pressure
        for pressure in ("Pa", "kPa", "MPa", "bar", "mbar", "mmH2O")
        for mark in ("(g)", "(G)", "(表压)", "G", "g")
    },
    **{
        pressure + mark: f"{pressure}(a)"
        for pressure in ("Pa", "kPa", "MPa", "bar", "mbar")
        for mark in ("(A)", "(abs)", "(绝压)", "A", "a")
    },
}
"""Other ways in which plants write the same."""

FIELD_SPELLINGS = (
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

DIMENSION_NAMES = {
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
    "MPa(a)": "absolute pressure",
    "ppm": "gas concentration by volume",
    "%LEL": "gas concentration in %LEL",
    "mg/m3": "mass concentration",
}
