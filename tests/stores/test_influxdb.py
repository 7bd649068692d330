"""The InfluxDB follower's target, against a real HTTP server and, where one is named, a real InfluxDB."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import example, given
from hypothesis import strategies as st
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from gateway.errors import RecordsRefused, StoreFailed
from gateway.event import Entry
from gateway.events.alarms import AlarmAcknowledged, AlarmCleared
from gateway.events.interlocks import EffectJudged, Verdict
from gateway.events.lifecycle import GatewayStopped
from gateway.identity import identity
from gateway.rule import EffectMode
from gateway.sample import Instant, Quality, Reason, Sample, SampleBatch
from gateway.store import Tally
from gateway.stores.influx_lines import SeriesPoint, event_line
from gateway.stores.influx_setup import InfluxPlan, thinned, thinning
from gateway.stores.influxdb import InfluxAddress, InfluxHistory
from tests.stores import drain

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
        assert self.headers["Content-Encoding"] == "gzip"
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))).decode()
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
    assert first.startswith("alarm,kind=alarm.cleared,alarm=co.high@co-1 sequence=2i,occurrence=")
    assert ',body="{\\"kind\\":' in first
    assert first.endswith('}" 5002'), "the sequence keeps events of one microsecond apart"
    assert second.startswith(
        "interlock,kind=interlock.effect,effect=tilt_back,interlock=caster.trip@dc-1,verdict=pass "
    )
    assert 'demand="caster.trip@dc-1 7"' in second, "a demand's id grows without end and must not be a tag"
    assert "delay=3i" in second


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_an_answer_that_confirms_nothing_is_a_failure_to_be_tried_again(server: Server, status: int) -> None:
    server.answer = status
    target = InfluxHistory(server.address, POINTS)
    with pytest.raises(StoreFailed, match=f"expected 204, got {status}"):
        await target.append_samples(batch())
    server.answer = 204
    await target.append_samples(batch())
    await target.close()
    assert len(server.requests) == 2, "it retried by itself, or did not send at all"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_an_answer_to_what_a_record_says_is_a_refusal_of_the_record(server: Server, status: int) -> None:
    server.answer = status
    target = InfluxHistory(server.address, POINTS)
    with pytest.raises(RecordsRefused, match="refuses what it is given"):
        await target.append_samples(batch())
    await target.close()


async def test_a_server_that_is_not_there_is_a_failure_and_so_is_a_closed_target() -> None:
    address = InfluxAddress("http://127.0.0.1:1", "plant", "tocsin", "secret")
    target = InfluxHistory(address, POINTS)
    with pytest.raises(StoreFailed, match="check that the server runs"):
        await target.append_samples(batch())
    with pytest.raises(StoreFailed, match="check that the server runs"):
        await target.prepare()
    await target.close()
    await target.close()
    with pytest.raises(StoreFailed, match="closed"):
        await target.append_samples(batch())
    assert "secret" not in repr(address)


@given(name=st.text(min_size=1, max_size=30), comment=st.text(max_size=40))
@example(name="a\\", comment='"\\')
@example(name="\r\n ,=", comment="\n")
def test_no_text_of_a_person_or_a_plant_file_can_break_a_line(name: str, comment: str) -> None:
    said = AlarmAcknowledged(id="i", at=Instant(5), alarm=name, occurrence="o", by=name, comment=comment)
    series, fields, at = parts_of(event_line(Entry(7, said)))
    wanted = re.sub("[\r\n]", " ", name.rstrip("\\"))
    assert series == ["alarm", "kind=alarm.acknowledged", *([f"alarm={wanted}"] if wanted else [])]
    assert f'by="{name}"' in fields
    assert at == "5007"


def parts_of(line: str) -> tuple[list[str], str, str]:
    """Measurement and tags, fields and time of a line, unescaped as InfluxDB's documentation says."""
    end = re.search(r"(?<!\\) ", line)
    assert end is not None
    fields, _, at = line[end.end() :].rpartition(" ")
    series = [re.sub(r"\\([,= ])", r"\1", part) for part in re.split(r"(?<!\\),", line[: end.start()])]
    return series, re.sub(r'\\(["\\])', r"\1", fields), at


def real_address() -> InfluxAddress:
    organisation = os.environ.get("INFLUXDB_ORG", "tocsin")
    bucket = f"test-{identity('bucket', time.time_ns())}"
    return InfluxAddress(os.environ["INFLUXDB_URL"], organisation, bucket, os.environ["INFLUXDB_TOKEN"])


REAL = [
    pytest.mark.influx,
    pytest.mark.skipif("INFLUXDB_URL" not in os.environ, reason="needs INFLUXDB_URL and INFLUXDB_TOKEN"),
]


class TestAgainstARealInfluxDB:
    """A bucket of its own for each test, made and removed by it."""

    pytestmark = REAL

    @pytest_asyncio.fixture(loop_scope="function")
    async def target(self) -> AsyncIterator[InfluxHistory]:
        address = real_address()
        target = InfluxHistory(address, POINTS, InfluxPlan(raw_days=30, thinned_days=3650))
        assert await target.prepare() == ""
        yield target
        await target.close()
        with client_of(address) as client:
            for task in client.tasks_api().find_tasks():
                if task.name.startswith(address.bucket):
                    client.tasks_api().delete_task(task.id)
            for name in (address.bucket, thinned(address.bucket)):
                client.buckets_api().delete_bucket(client.buckets_api().find_bucket_by_name(name))

    async def test_a_sample_written_twice_is_there_once_and_both_sides_count_alike(self, target: InfluxHistory) -> None:
        now = Instant(time.time_ns() // 1000)
        rows = [Sample(n % 2, float(n), Quality.GOOD, Reason.NONE, Instant(now - n), now) for n in range(5000)]
        rows += [Sample(0, float("nan"), Quality.BAD, Reason.TIMEOUT, Instant(now - 9000 - n), now) for n in range(7)]
        for _ in range(2):
            await target.append_samples(SampleBatch.of(rows))
        assert await target.tally(Instant(now - 20_000), Instant(now + 1)) == Tally(5007, 5000)
        assert await target.tally(Instant(now - 20_000), Instant(now - 9000)) == Tally(6, 0)
        assert await target.tally(Instant(0), Instant(10)) == Tally(0, 0)

    async def test_it_sets_up_buckets_and_tasks_once_and_leaves_what_is_there(self, target: InfluxHistory) -> None:
        assert await target.prepare() == ""
        with client_of(target._address) as client:
            bucket = target._address.bucket
            kept = client.buckets_api().find_bucket_by_name(bucket).retention_rules[0].every_seconds
            tasks = [task for task in client.tasks_api().find_tasks() if task.name.startswith(bucket)]
        assert kept == 30 * 86_400
        assert sorted(task.every for task in tasks) == ["1h", "1m"]

    async def test_the_thinning_keeps_extremes_and_counts_what_was_not_good(self, target: InfluxHistory) -> None:
        minute = time.time_ns() // 60_000_000_000 * 60_000_000 - 60_000_000
        rows = [
            Sample(0, value, quality, Reason.NONE, Instant(minute + second * 1_000_000), Instant(minute))
            for second, (value, quality) in enumerate(
                [(5.0, Quality.GOOD), (99.0, Quality.GOOD), (-3.0, Quality.UNCERTAIN), (float("nan"), Quality.BAD)]
            )
        ]
        await target.append_samples(SampleBatch.of(rows))
        bucket = target._address.bucket
        with client_of(target._address) as client:
            client.query_api().query(thinning(bucket, "1m"))
            found = client.query_api().query(
                f'from(bucket: "{thinned(bucket)}") |> range(start: -1h) |> filter(fn: (r) => r.every == "1m")'
            )
        values = {record["_field"]: record.get_value() for table in found for record in table.records}
        assert values == {"low": -3.0, "high": 99.0, "mean": (5.0 + 99.0 - 3.0) / 3, "not_good": 2}

    async def test_a_token_that_may_not_set_up_is_told_and_one_that_may_not_write_is_a_failure(
        self, target: InfluxHistory
    ) -> None:
        address = replace(target._address, token="revoked")
        other = InfluxHistory(address, POINTS)
        with pytest.raises(StoreFailed, match=r"401.*check the token"):
            await other.append_samples(batch())
        assert "may not set up" in await other.prepare()
        await other.close()

    async def test_a_record_of_another_type_is_refused_and_the_rest_can_be_written(self, target: InfluxHistory) -> None:
        now = Instant(time.time_ns() // 1000)
        good = Sample(0, 1.0, Quality.GOOD, Reason.NONE, now, now)
        await target.append_samples(SampleBatch.of([good]))
        with client_of(target._address) as client:
            writing = client.write_api(write_options=SYNCHRONOUS)
            series = "sample,equipment=eaf-1,point=eaf-1.inlet_flow"
            with pytest.raises(ApiException):
                writing.write(bucket=target._address.bucket, record=f'{series} value="text" {now * 1000 + 5}')
        await target.append_samples(SampleBatch.of([replace(good, source_time=Instant(now + 1))]))
        assert await target.tally(now, Instant(now + 2)) == Tally(2, 2)

    async def test_a_sample_beyond_the_retention_is_refused_and_one_of_2099_kept_and_neither_stops_the_rest(
        self, target: InfluxHistory
    ) -> None:
        now = Instant(time.time_ns() // 1000)
        of_1970 = SampleBatch.of([Sample(0, 1.0, Quality.GOOD, Reason.NONE, Instant(1), now)])
        with pytest.raises(RecordsRefused, match="retention"):
            await target.append_samples(of_1970)
        of_2099 = Sample(0, 1.0, Quality.GOOD, Reason.NONE, Instant(4_070_908_800_000_000), now)
        await target.append_samples(SampleBatch.of([of_2099]))
        await target.append_samples(SampleBatch.of([Sample(0, 1.0, Quality.GOOD, Reason.NONE, now, now)]))
        assert (await target.tally(now, Instant(now + 1))).samples == 1


def client_of(address: InfluxAddress) -> InfluxDBClient:
    return InfluxDBClient(url=address.url, token=address.token, org=address.organisation)


@pytest.mark.influx
@pytest.mark.skipif("INFLUXDB_URL" not in os.environ, reason="needs INFLUXDB_URL and INFLUXDB_TOKEN")
def test_a_drain_that_is_killed_again_and_again_ends_with_everything_there_once(tmp_path: Path) -> None:
    seconds, where = 60, drain.address(f"test-{identity('bucket', time.time_ns())}")
    start = (time.time_ns() // 1_000_000_000 - 600) * 1_000_000
    end = start + seconds * 1_000_000
    asyncio.run(drain.store_backlog(tmp_path, start, seconds))
    try:
        killed, done = drain.drain_with_kills(tmp_path, where.bucket, end, 3, random.Random(3))
        assert done
        assert killed > 0
        counts, sums = drain.held(where, start, end)
        wanted_counts, wanted_sums = drain.expected(seconds)
        assert counts.tolist() == wanted_counts.tolist()
        assert sums.tolist() == pytest.approx(wanted_sums.tolist(), rel=1e-12)
        assert drain.digest_held(where, start, end, [0, 99]) == drain.digest_expected(start, seconds, [0, 99])
    finally:
        drain.remove(where)
