"""What the `sirens` of a plant file mean together with its outputs. Collects problems and never raises."""

from __future__ import annotations

from collections.abc import Callable

from gateway.document import Path, one_of
from gateway.plant.duty_schema import SirenShape
from gateway.plant.schema import OutputShape
from gateway.plant.sections import Item, Sections

Add = Callable[[Path, str, str], None]


def check_sirens(sections: Sections, add: Add) -> None:
    """Each names an output that may be written with both its values, and that no other siren has."""
    outputs = {f"{item.get('equipment', str)}.{item.get('kind', str)}": item for item in sections.outputs}
    seen: set[str] = set()
    for item in sections.sirens:
        name = item.get("output", str)
        if name is None:
            continue
        if name in seen:
            add(item.field("output"), "an output that no other siren has", f"{name!r} again")
        seen.add(name)
        if name not in outputs:
            add(item.field("output"), one_of(outputs, name) if outputs else "an output of this file", repr(name))
            continue
        _values(item, outputs[name], add)


def _values(item: Item[SirenShape], output: Item[OutputShape], add: Add) -> None:
    if output.get("allowed", bool) is False:
        add(item.field("output"), "an output with `allowed: true`", "allowed: false")
    on, off, values = item.get("on", float), item.get("off", float), output.get("values", list)
    for name, value in (("on", on), ("off", off)):
        if value is not None and values and value not in values:
            add(item.field(name), f"one of the output's values {values}", f"{value:g}")
    if on is not None and on == off:
        add(item.field("off"), "another value than `on`", f"{off:g}")
