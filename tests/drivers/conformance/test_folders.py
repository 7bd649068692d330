"""A driver is a folder with the same file names as every other, and a manifest that its rigs bear out."""

from __future__ import annotations

import pytest

from gateway.app import DRIVERS
from gateway.driver import DriverKind
from tests.drivers.conformance.rig import Fault, Rig
from tests.drivers.conformance.rigs import RIGS
from tests.policy.source import ROOT

FILES = {"__init__.py", "address.py", "client.py", "codec.py", "driver.py", "manifest.py"}
FOLDERS = sorted(path.name for path in (ROOT / "drivers").iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_driver_has_the_files_that_every_driver_has(folder: str) -> None:
    assert {path.name for path in (ROOT / "drivers" / folder).glob("*.py")} >= FILES


def test_every_folder_is_a_driver_that_plant_files_can_name() -> None:
    homes = {kind.device_settings.__module__.split(".")[1] for kind in DRIVERS.values()}
    assert homes == set(FOLDERS)


@pytest.mark.parametrize("kind", DRIVERS.values(), ids=list(DRIVERS))
def test_every_transport_that_a_manifest_claims_is_put_through_the_suite(kind: DriverKind) -> None:
    assert {rig.transport for rig in RIGS if rig.kind.name == kind.name} == kind.manifest.transports


@pytest.mark.parametrize("rig", RIGS)
def test_every_fault_is_met_or_said_to_be_impossible(rig: type[Rig]) -> None:
    assert set(rig.reasons) | set(rig.impossible) == set(Fault)
    assert not set(rig.reasons) & set(rig.impossible)
    assert all(rig.impossible.values())
