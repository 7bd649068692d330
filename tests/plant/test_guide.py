"""The guide's plant file is one that the gateway takes."""

import re
from pathlib import Path

from gateway import app
from gateway.plant.loader import parse_plant

GUIDE = Path("docs/guide/plant-file.md")


def test_the_pieces_of_the_guide_are_together_a_plant_file_that_holds() -> None:
    pieces = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(pieces) == 5
    plant = parse_plant("\n".join(pieces), str(GUIDE), app.DRIVERS, app.load_criteria())
    assert plant.points[0].id == "eaf1_panel_a.inlet_flow"
    assert plant.equipment_by_id()["eaf1_panel_a"].limits["outlet_temperature_trip"].value == 62
    assert plant.history.budget == 500 * 10**9
    assert [output.allowed for output in plant.outputs] == [True]
