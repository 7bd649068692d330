"""The composition root: the one module that names drivers and rules for the gateway to run with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from drivers import modbus
from gateway.driver import DriverKind
from gateway.plant.criteria import Criteria
from gateway.plant.loader import load_plant
from gateway.plant.model import Plant
from gateway.rule import Program
from rules import packs

DRIVERS: Mapping[str, DriverKind] = {kind.name: kind for kind in (modbus.KIND,)}
"""Drivers by the word that plant files use."""

PACKS_DIRECTORY: Path = packs.PACKS


def load_criteria() -> Criteria:
    """The criteria that Tocsin ships; raises ConfigurationError."""
    return packs.load_criteria(PACKS_DIRECTORY)


def load(path: Path) -> tuple[Plant, Program]:
    """The plant, and the rules compiled for it; raises ConfigurationError."""
    plant = load_plant(path, DRIVERS, load_criteria())
    return plant, packs.load_program(PACKS_DIRECTORY, plant)
