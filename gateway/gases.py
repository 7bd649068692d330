"""What turns a gas concentration by volume into one by mass, and %LEL into %vol: data of the gases, with their sources.

Never guesses: a basis that lacks the gas, the temperature or the explosive limit converts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_GAS_CONSTANT = 8.314462618
"""J/(mol K), CODATA 2018 (exact since the SI of 2019)."""
_ATMOSPHERE = 101_325.0
"""Pa; GBZ 2.1 and GB 6222 state concentrations at this pressure."""
_ICE_POINT = 273.15


@dataclass(frozen=True, slots=True)
class Gas:
    """A gas that detectors of the field measure."""

    formula: str
    molar_mass: float
    """g/mol, from the abridged standard atomic weights (IUPAC 2021)."""
    lower_explosive_limit: float | None = None
    """%vol; None where the gas does not burn or the standards disagree."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a detector's figures rest on: the gas, and the temperature (degC) at which ppm and mg/m3 were matched."""

    gas: Gas | None = None
    temperature: float | None = None


def milligrams_per_ppm(gas: Gas, temperature: float) -> float:
    """mg/m3 of 1 ppm at 101.325 kPa; for CO 1.25 at 0 degC and 1.164 at 20 degC (ideal gas)."""
    return gas.molar_mass * _ATMOSPHERE / (_GAS_CONSTANT * (_ICE_POINT + temperature)) * 1e-3


# H2 and CH4 as in the appendix of GB/T 50493-2019. IEC 60079-20-1 has 4.4 for CH4, and the two differ for CO, H2S and
# NH3 as well: there a detector's maker has to say what his 100 %LEL is.
GASES: Mapping[str, Gas] = {
    gas.formula: gas
    for gas in (
        Gas("CO", 28.010),
        Gas("H2S", 34.08),
        Gas("NH3", 17.031),
        Gas("Cl2", 70.90),
        Gas("SO2", 64.06),
        Gas("NO2", 46.006),
        Gas("CO2", 44.009),
        Gas("AsH3", 77.946),
        Gas("PH3", 33.998),
        Gas("O2", 31.998),
        Gas("H2", 2.016, lower_explosive_limit=4.0),
        Gas("CH4", 16.043, lower_explosive_limit=5.0),
    )
}
