"""Every query of the provisioned dashboards, asked of a real InfluxDB that holds the demo plant's points and events."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from gateway import app
from gateway.event import Entry, Event
from gateway.events.alarms import AlarmAcknowledged
from gateway.events.tickets import TicketAction, TicketMoved, TicketRecurred, TicketState
from gateway.identity import identity
from gateway.sample import Instant, Quality, Reason, Sample, SampleBatch
from gateway.stores.influx_lines import SeriesPoint
from gateway.stores.influxdb import InfluxAddress, InfluxHistory
from gateway.stores.journal_sqlite import SqliteJournal
from tests.e2e.site import DEMO

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "dashboards" / "grafana"
DASHBOARDS = GRAFANA / "provisioning" / "dashboards"
OLD_JOURNAL = Path(__file__).parent / "old" / "journal-1.sqlite"


def queries(bucket: str) -> list[tuple[str, str]]:
    """Dashboard and panel title, and the query with the variables that Grafana would fill in filled in."""
    filled = {"v.timeRangeStart": "-1h", "v.timeRangeStop": "now()", "v.windowPeriod": "1m", '"tocsin"': f'"{bucket}"'}
    found = []
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                query = target["query"]
                for name, value in filled.items():
                    query = query.replace(name, value)
                found.append((f"{file.stem}: {panel['title']}", query))
    return found


async def events(folder: Path, now: Instant) -> list[Entry]:
    """What a demo journalled, as of now, and what nobody did in it."""
    journal = await SqliteJournal.open(shutil.copy(OLD_JOURNAL, folder / "journal.sqlite"))
    told: list[Event] = [replace(entry.event, at=now) for entry in await journal.read(0, 1000)]
    await journal.close()
    told += [
        AlarmAcknowledged(id=identity("k", now), at=now, alarm="r@e", occurrence="o", by="张三", comment="seen"),
        TicketRecurred(id=identity("t", now), at=now, ticket="HD-1", occurrence="o", onset=now),
        TicketMoved(
            id=identity("m", now), at=now, ticket="HD-1", action=TicketAction.REGISTER, before=TicketState.SUSPECTED,
            after=TicketState.REGISTERED, by="李四", comment="", responsible="", due=None,
        ),
    ]  # fmt: skip
    return [Entry(sequence, event) for sequence, event in enumerate(told, 1)]


def test_the_files_are_what_the_generator_says() -> None:
    said = runpy.run_path(str(GRAFANA / "generate.py"))["rendered"]()
    assert {file.name: file.read_text(encoding="utf-8") for file in DASHBOARDS.glob("*.json")} == said


def test_nothing_in_a_dashboard_alerts_and_every_panel_has_a_question() -> None:
    assert len(queries("tocsin")) >= 40
    for file in DASHBOARDS.glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        assert '"alert' not in json.dumps(document).lower().replace("alert_", "")
        assert all(panel["datasource"]["uid"] == "tocsin" for panel in document["panels"])
        assert not document["editable"]


@pytest.mark.influx
@pytest.mark.skipif("INFLUXDB_URL" not in os.environ, reason="needs INFLUXDB_URL and INFLUXDB_TOKEN")
async def test_every_panel_finds_what_the_gateway_wrote_of_the_demo_plant(tmp_path: Path) -> None:
    plant, _ = app.load(DEMO)
    organisation = os.environ.get("INFLUXDB_ORG", "tocsin")
    bucket = f"grafana-{identity('grafana', time.time_ns())}"
    address = InfluxAddress(os.environ["INFLUXDB_URL"], organisation, bucket, os.environ["INFLUXDB_TOKEN"])
    target = InfluxHistory(address, [SeriesPoint(point.id, point.equipment) for point in plant.points])
    now = Instant(time.time_ns() // 1000 - 5_000_000)
    with InfluxDBClient(url=address.url, token=address.token, org=organisation) as client:
        made = client.buckets_api().create_bucket(bucket_name=bucket, org=organisation)
        try:
            samples = [Sample(p.index, 1.0, Quality.GOOD, Reason.NONE, now, now) for p in plant.points]
            await target.append_samples(SampleBatch.of(samples))
            await target.append_events(await events(tmp_path, now))
            asking = client.query_api()
            empty = [
                title for title, query in queries(bucket) if not any(table.records for table in asking.query(query))
            ]
        finally:
            await target.close()
            client.buckets_api().delete_bucket(made)
    assert empty == []
