"""Every query of the provisioned dashboards, asked of a real InfluxDB that holds what the gateway writes."""

import json
import os
import time
from pathlib import Path

import pytest

from gateway.event import AlarmCleared, EffectJudged, Entry, TicketRecurred, Verdict, identity
from gateway.rule import EffectMode
from gateway.sample import Instant, Quality, Reason, Sample, SampleBatch
from gateway.stores.influxdb import InfluxAddress, InfluxHistory, SeriesPoint

DASHBOARDS = Path("dashboards/grafana/provisioning/dashboards")
POINTS = ("co_1.concentration", "panel.outlet_temperature", "caster.mould_water_flow", "dry.hopper_temperature")


def queries() -> list[tuple[str, str]]:
    """Panel title and query, with the variables that Grafana would fill in filled in."""
    return [
        (panel["title"], _filled(target["query"]))
        for file in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    ]


def _filled(query: str) -> str:
    bucket = json.dumps(os.environ.get("INFLUXDB_BUCKET", "tocsin"))
    filled = {"v.timeRangeStart": "-1h", "v.timeRangeStop": "now()", "v.windowPeriod": "1m", '"tocsin"': bucket}
    for name, value in filled.items():
        query = query.replace(name, value)
    return query


def test_every_dashboard_has_panels_with_queries() -> None:
    assert len(queries()) >= 7


@pytest.mark.influx
@pytest.mark.skipif("INFLUXDB_URL" not in os.environ, reason="needs INFLUXDB_URL and INFLUXDB_TOKEN")
async def test_every_panel_finds_what_the_gateway_wrote() -> None:
    from influxdb_client.client.influxdb_client import InfluxDBClient

    organisation = os.environ.get("INFLUXDB_ORG", "tocsin")
    bucket = os.environ.get("INFLUXDB_BUCKET", "tocsin")
    address = InfluxAddress(os.environ["INFLUXDB_URL"], organisation, bucket, os.environ["INFLUXDB_TOKEN"])
    target = InfluxHistory(address, [SeriesPoint(point, "test") for point in POINTS])
    now = Instant(time.time_ns() // 1000 - 5_000_000)
    try:
        await target.append_samples(
            SampleBatch.of(Sample(i, 20.0, Quality.GOOD, Reason.NONE, now, now) for i in range(len(POINTS)))
        )
        await target.append_events(
            [
                Entry(1, AlarmCleared(id=identity("a", now), at=now, alarm="r@e", occurrence="o")),
                Entry(
                    2,
                    EffectJudged(
                        id=identity("i", now), at=now, demand="d", interlock="i@e", effect="x",
                        mode=EffectMode.OBSERVE, verdict=Verdict.PASS, delay=1,
                    ),
                ),
                Entry(3, TicketRecurred(id=identity("t", now), at=now, ticket="HD-1", occurrence="o", onset=now)),
            ]
        )  # fmt: skip
    finally:
        await target.close()
    with InfluxDBClient(url=address.url, token=address.token, org=organisation) as client:
        empty = [title for title, query in queries() if not any(t.records for t in client.query_api().query(query))]
    assert empty == []
