"""Laws of the JSON Schema: what the loader takes, editors take; and it knows the criteria's names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import jsonschema
import pytest

from gateway.document import read_yaml
from gateway.driver import DriverKind
from gateway.plant.criteria import Criteria
from gateway.plant.schema import check_digit, plant_json_schema


def as_json(value: object) -> object:
    """YAML values as JSON has them: dates are text, keys are text."""
    if isinstance(value, dict):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.fixture
def validator(drivers: Mapping[str, DriverKind], criteria: Criteria) -> jsonschema.Draft202012Validator:
    schema = plant_json_schema(drivers, criteria)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_good_file_passes(validator: jsonschema.Draft202012Validator, good: str) -> None:
    validator.validate(as_json(read_yaml(good, "plant.yaml").value))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class: furnace", "class: furnac"),
        ("kind: shell", "kind: shel"),
        ("kind: trip", "kind: tripp"),
        ("shell_alarm:", "shel_alarm:"),
        ("driver: topics", "driver: topic"),
        ("host: 10.0.0.2", "hots: 10.0.0.2"),
        ("register: 0}", "registr: 0}"),
        ("timeout: 2 s", "timeout: 2"),
        ("period: 100 ms", "period: 100"),
        ("range: [0, 600]", "range: [0]"),
        ("risk_grade: B", "risk_grade: E"),
        ("staffed: true", "staffed: 1"),
        ("unit: ℃, ", ""),
    ],
)
def test_what_the_loader_refuses_by_shape_the_schema_refuses(
    validator: jsonschema.Draft202012Validator, good: str, old: str, new: str
) -> None:
    assert old in good
    value = as_json(read_yaml(good.replace(old, new), "plant.yaml").value)
    assert list(validator.iter_errors(value))


def test_the_schema_explains_the_drivers_own_fields(drivers: Mapping[str, DriverKind], criteria: Criteria) -> None:
    schema = plant_json_schema(drivers, criteria)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    device = definitions["registers_device"]
    assert isinstance(device, dict)
    assert set(device["properties"]) == {"id", "driver", "name", "heartbeat", "host", "port", "timeout"}
    assert device["properties"]["driver"]["const"] == "registers"


def test_editors_are_not_offered_the_gateways_own_class(
    drivers: Mapping[str, DriverKind], criteria_with_gateway: Criteria
) -> None:
    text = json.dumps(plant_json_schema(drivers, criteria_with_gateway))
    assert '"furnace"' in text
    assert '"gateway"' not in text
    assert "journal_writable" not in text


@pytest.mark.parametrize(
    "code", ["91350100M000100Y43", "91330100799655058B", "9144030071526726XG", "914403001922038216"]
)
def test_the_check_digit_is_that_of_codes_in_use(code: str) -> None:
    assert check_digit(code[:17]) == code[17]


@pytest.mark.parametrize("place", range(17))
def test_the_check_digit_notices_any_one_wrong_character(place: int) -> None:
    code = "91350100M000100Y4"
    for other in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        if other != code[place]:
            assert check_digit(code[:place] + other + code[place + 1 :]) != "3"
