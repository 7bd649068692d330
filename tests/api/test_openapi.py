"""The document that the page's types are made from."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.api.app import describe_app
from gateway.cli.openapi import command

Document = dict[str, Any]

LIVE = ("Snapshot", "SamplesMessage", "ChangesMessage", "HeartbeatMessage")


@pytest.fixture
def document() -> Document:
    result = CliRunner().invoke(command)
    assert result.exit_code == 0
    return json.loads(result.output)


def test_the_command_prints_what_the_gateway_serves(document: Document) -> None:
    assert document == json.loads(json.dumps(describe_app().openapi()))


def test_the_live_messages_are_in_the_document(document: Document) -> None:
    schemas = document["components"]["schemas"]
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schemas["LiveMessage"])))
    assert named == set(LIVE)
    assert {"alarms", "sequence"} <= set(schemas["ChangesMessage"]["properties"])


def test_every_reference_in_the_document_leads_somewhere(
    document: Document,
) -> None:
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert wanted <= set(document["components"]["schemas"])


def test_every_refusal_has_one_shape(document: Document) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if status != "200":
                    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorView"), path


def test_nobody_is_no_name(document: Document) -> None:
    by = document["components"]["schemas"]["PersonAction"]["properties"]["by"]
    assert by["minLength"] == 1
