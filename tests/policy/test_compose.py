"""The compose file, by reading: no container engine is needed to see a root user or a default password."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

TEXT = Path("docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_the_four_services_of_a_plant_are_there() -> None:
    assert set(SERVICES) == {"gateway", "mosquitto", "influxdb", "grafana"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    assert int(str(service["user"]).split(":")[0]) > 0
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_healthy_it_is_and_keeps_its_data(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    kept = [volume.split(":")[0] for volume in service["volumes"] if not volume.startswith(("./", "${"))]
    assert kept
    assert set(kept) <= set(COMPOSE["volumes"])


def test_no_secret_has_a_default_or_a_value() -> None:
    secrets = re.findall(r"^\s+\w*(?:PASSWORD|TOKEN|USERNAME|ADMIN_USER)\w*: (.+)$", TEXT, flags=re.MULTILINE)
    assert len(secrets) >= 8
    assert [value for value in secrets if not re.fullmatch(r"\$\{\w+:\?[^}]+\}", value)] == []


def test_the_example_names_every_variable_and_fills_none() -> None:
    wanted = set(re.findall(r"\$\{(\w+):\?", TEXT))
    lines = Path(".env.example").read_text(encoding="utf-8").splitlines()
    named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(named) == wanted
    assert set(named.values()) == {""}


def test_what_the_compose_file_mounts_from_here_is_here() -> None:
    mounted = [v.split(":")[0] for s in SERVICES.values() for v in s["volumes"] if v.startswith("./")]
    assert mounted
    assert [path for path in mounted if not Path(path).exists()] == []


def test_the_broker_speaks_tls_with_accounts_and_nothing_else() -> None:
    script = SERVICES["mosquitto"]["command"][0]
    configuration = re.search(r"printf '(.+?)'", script)
    assert configuration is not None
    lines = configuration[1].split("\\n")
    assert [line for line in lines if line.startswith("listener")] == ["listener 8883"]
    assert "allow_anonymous false" in lines
    assert {"certfile", "keyfile", "password_file", "tls_version"} <= {line.split(" ")[0] for line in lines}


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
