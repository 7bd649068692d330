"""The InfluxDB follower's target, against a real HTTP server and, where one is named, a real InfluxDB."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.errors import StoreFailed
from gateway.event import AlarmCleared, EffectJudged, Entry, GatewayStopped, Verdict, identity
from gateway.rule import EffectMode
from gateway.sample import Instant, Quality, Reason, Sample, SampleBatch
from gateway.stores.influxdb import InfluxAddress, InfluxHistory, SeriesPoint

POINTS = [SeriesPoint("eaf-1.inlet_flow", "eaf-1"), SeriesPoint("a b,c=d", "e")]


class Server(ThreadingHTTPServer):
    """Takes what is written and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str | None, list[str]]] = []
        self.answer = 204

    @property
    def address(self) -> InfluxAddress:
        return InfluxAddress(f"http://127.0.0.1:{self.server_port}", "plant", "tocsin", "secret")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((self.path, self.headers["Authorization"], body.splitlines()))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def batch() -> SampleBatch:
    good = Sample(0, 1.5, Quality.GOOD, Reason.NONE, Instant(7), Instant(8))
    bad = Sample(1, float("nan"), Quality.BAD, Reason.TIMEOUT, Instant(9), Instant(9))
    return SampleBatch.of([good, bad])


async def test_a_sample_is_a_line_with_its_quality_and_a_value_only_where_there_is_one(server: Server) -> None:
    target = InfluxHistory(server.address, POINTS)
    await target.append_samples(batch())
    await target.append_samples(SampleBatch.of([]))
    await target.close()
    [(path, authorisation, lines)] = server.requests
    assert "bucket=tocsin" in path
    assert "org=plant" in path
    assert "precision=ns" in path
    assert authorisation == "Token secret"
    assert lines == [
        "sample,equipment=eaf-1,point=eaf-1.inlet_flow value=1.5,quality=0i,reason=0i 7000",
        r"sample,equipment=e,point=a\ b\,c\=d quality=3i,reason=3i 9000",
    ]


async def test_alarm_interlock_and_ticket_events_are_written_and_others_are_not(server: Server) -> None:
    cleared = AlarmCleared(id="c", at=Instant(5), alarm="co.high@co-1", occurrence="o")
    judged = EffectJudged(
        id="d",
        at=Instant(6),
        demand="caster.trip@dc-1 7",
        interlock="caster.trip@dc-1",
        effect="tilt_back",
        mode=EffectMode.OBSERVE,
        verdict=Verdict.PASS,
        delay=3,
    )
    target = InfluxHistory(server.address, POINTS)
    await target.append_events([Entry(1, GatewayStopped(id="s", at=Instant(1)))])
    assert server.requests == []
    await target.append_events([Entry(2, cleared), Entry(3, GatewayStopped(id="s", at=Instant(1))), Entry(4, judged)])
    await target.close()
    first, second = server.requests[0][2]
    assert first.startswith('alarm,kind=alarm.cleared,subject=co.high@co-1 sequence=2i,id="c",body="{\\"kind\\":')
    assert first.endswith('}" 5000')
    assert second.startswith(
        r"interlock,kind=interlock.effect,subject=caster.trip@dc-1\ 7,effect=tilt_back sequence=4i"
    )


@pytest.mark.parametrize("status", [401, 404, 500, 503])
async def test_an_answer_that_confirms_nothing_is_a_failure(server: Server, status: int) -> None:
    server.answer = status
    target = InfluxHistory(server.address, POINTS)
    with pytest.raises(StoreFailed, match=f"expected 204, got {status}"):
        await target.append_samples(batch())
    server.answer = 204
    await target.append_samples(batch())
    await target.close()
    assert len(server.requests) == 2, "it retried by itself, or did not send at all"


async def test_a_server_that_is_not_there_is_a_failure_and_so_is_a_closed_target(server: Server) -> None:
    address = InfluxAddress("http://127.0.0.1:1", "plant", "tocsin", "secret")
    target = InfluxHistory(address, POINTS)
    with pytest.raises(StoreFailed, match="check that the server runs"):
        await target.append_samples(batch())
    await target.close()
    await target.close()
    with pytest.raises(StoreFailed, match="closed"):
        await target.append_samples(batch())


@pytest.mark.influx
@pytest.mark.skipif("INFLUXDB_URL" not in os.environ, reason="needs INFLUXDB_URL and INFLUXDB_TOKEN")
async def test_a_real_influxdb_keeps_a_sample_written_twice_once() -> None:
    from influxdb_client.client.influxdb_client import InfluxDBClient

    organisation = os.environ.get("INFLUXDB_ORG", "tocsin")
    bucket = os.environ.get("INFLUXDB_BUCKET", "tocsin")
    address = InfluxAddress(os.environ["INFLUXDB_URL"], organisation, bucket, os.environ["INFLUXDB_TOKEN"])
    now = time.time_ns() // 1000
    name = identity("real", now)
    target = InfluxHistory(address, [SeriesPoint(name, "test")])
    one = SampleBatch.of([Sample(0, 2.5, Quality.GOOD, Reason.NONE, Instant(now), Instant(now))])
    await target.append_samples(one)
    await target.append_samples(one)
    await target.close()
    with InfluxDBClient(url=address.url, token=address.token, org=organisation) as client:
        found = client.query_api().query(
            f'from(bucket: "{bucket}") |> range(start: -1h) '
            f'|> filter(fn: (r) => r.point == "{name}" and r._field == "value")'
        )
    assert [record.get_value() for table in found for record in table.records] == [2.5]
