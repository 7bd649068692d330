"""Plants for the benches: generated ones of any size, and the demo plant on ports of our own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from gateway.plant.model import Plant
from gateway.sample import Floats
from tests.bench.harness import ROOT, BenchFailed, free_ports

DEMO = ROOT / "simulators" / "demo" / "plant.yaml"
CIRCUITS, DETECTORS = 20, 20
POINTS = 5 + 4 * CIRCUITS + 2 * DETECTORS
"""On every device: a furnace with its circuits, and detectors; one Modbus request holds them all."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a point of this kind is generated: it wanders by `wander` counts around `value`."""

    unit: str
    high: float
    scale: float
    value: float
    wander: int


_FURNACE = {
    "shell_temperature": _Kind("degC", 600, 0.1, 200, 20),
    "electrode_breaker_closed": _Kind("", 1, 1, 1, 0),
    "electrode_raised": _Kind("", 1, 1, 0, 0),
    "tilt_inhibited": _Kind("", 1, 1, 0, 0),
    "interlock_engaged": _Kind("", 1, 1, 1, 0),
}
_CIRCUIT = {
    "inlet_flow": _Kind("m3/h", 200, 0.01, 60, 20),
    "outlet_flow": _Kind("m3/h", 200, 0.01, 60, 20),
    "outlet_temperature": _Kind("degC", 150, 0.1, 40, 5),
    "inlet_pressure": _Kind("MPa", 1, 0.0001, 0.4, 50),
}
_OWN = {
    "journal_writable": _Kind("", 1, 1, 1, 0),
    "history_writable": _Kind("", 1, 1, 1, 0),
    "dropped_samples": _Kind("", 1e15, 1, 0, 0),
    "copies_reachable": _Kind("", 1, 1, 1, 0),
    "notifiers_reachable": _Kind("", 1, 1, 1, 0),
    "records_refused": _Kind("", 1e15, 1, 0, 0),
    "history_space_used": _Kind("%", 1e15, 1, 40, 0),
    "history_samples_cut": _Kind("", 1e15, 1, 0, 0),
    "impossible_samples": _Kind("", 1e15, 1, 0, 0),
    "heartbeats_written": _Kind("", 1, 1, 1, 0),
}
_DETECTOR = {"concentration": _Kind("ppm", 1000, 0.1, 5, 5), "fault": _Kind("", 1, 1, 0, 0)}


def generated(file: Path, devices: int, period_ms: int) -> list[dict[str, object]]:
    """Write a plant of `devices` x `POINTS` points; what the device process is to serve."""
    served: list[dict[str, object]] = []
    plant: dict[str, list[object]] = {"equipment": [], "devices": [], "points": []}
    for number, port in enumerate(free_ports(devices)):
        registers: list[int] = []
        wander: list[int] = []
        for equipment, class_, parent, kinds in _equipment(number):
            entry = {"id": equipment, "class": class_, "area": "room", "name": _name(equipment)}
            plant["equipment"].append(entry | ({"parent": parent} if parent else {}))
            for name, kind in kinds.items():
                source = {"device": f"d{number}", "table": "holding", "address": len(registers), "type": "uint16"}
                plant["points"].append(
                    {
                        "equipment": equipment,
                        "kind": name,
                        "unit": kind.unit,
                        "range": [0, kind.high],
                        "period": f"{period_ms} ms",
                        "stale_after": f"{max(5000, 3 * period_ms)} ms",
                        "calibration_due": "2099-01-01",
                        "source": source | {"scale": kind.scale},
                    }
                )
                registers.append(round(kind.value / kind.scale))
                wander.append(kind.wander)
        settings = {"driver": "modbus_tcp", "host": "127.0.0.1", "port": port, "timeout": "5 s"}
        plant["devices"].append({"id": f"d{number}", "name": _name(f"PLC {number}")} | settings)
        served.append({"port": port, "registers": registers, "wander": wander})
    _write(file, plant)
    return served


def calm(plant: Plant, rng: np.random.Generator) -> Floats:
    """A sound value for every point of a generated plant, by point index."""
    kinds = _FURNACE | _CIRCUIT | _DETECTOR | _OWN
    chosen = [kinds[point.kind] for point in plant.points]
    spread = np.array([kind.wander for kind in chosen])
    scale = np.array([kind.scale for kind in chosen])
    return np.array([kind.value for kind in chosen]) + scale * rng.integers(-spread, spread + 1)


def resting(kind: str) -> float:
    """The value about which a point of this kind wanders."""
    return (_FURNACE | _CIRCUIT | _DETECTOR)[kind].value


def _equipment(number: int) -> list[tuple[str, str, str, dict[str, _Kind]]]:
    furnace = f"eaf{number}"
    return [
        (furnace, "electric_arc_furnace", "", _FURNACE),
        *((f"{furnace}_c{i}", "water_cooled_circuit", furnace, _CIRCUIT) for i in range(CIRCUITS)),
        *((f"co{number}_{i}", "co_detector", "", _DETECTOR) for i in range(DETECTORS)),
    ]


def _name(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def _write(file: Path, plant: dict[str, list[object]]) -> None:
    site = {"id": "bench", "name": _name("bench"), "credit_code": "91000000DEM000006Q", "industry": "bench"}
    site |= {"risk_grade": "A", "address": "bench", "principal": "bench", "telephone": "0"}
    areas = [{"id": "room", "name": _name("room"), "staffed": True}]
    file.write_text(yaml.safe_dump({"site": site, "areas": areas} | plant, sort_keys=False), "utf-8")


def demo_elsewhere(file: Path) -> None:
    """The demo plant on free ports, so that a demo that somebody watches is left alone."""
    text = DEMO.read_text("utf-8")
    used = sorted(set(re.findall(r"^\s+port: (\d+)$", text, re.MULTILINE)))
    if not used:
        raise BenchFailed("expected ports in the demo plant, got none")
    for old, new in zip(used, free_ports(len(used))):
        text = re.sub(rf"^(\s+port: ){old}$", rf"\g<1>{new}", text, flags=re.MULTILINE)
    file.write_text(text, "utf-8")
