"""What is kept, as it is asked for over HTTP: curves at a resolution, exports, evidence archives, metrics."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from gateway.api import archive, export
from gateway.rule import Truth
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from tests.api.support import LEAK, MORNING, NOTED, Rig, rig, served
from tests.stores.test_attachments import JPEG

POINT = "furnace.point_0"


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as whole, served(whole):
        yield whole


@pytest_asyncio.fixture
async def http(gateway: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{gateway.address}", trust_env=False, timeout=30) as client:
        yield client


async def leak(gateway: Rig) -> str:
    """A minute of samples, one of them bad, then a leak that files a ticket; its id."""
    for second in range(60):
        bad = second == 30
        sample = gateway.sample(0, float("nan") if bad else second / 60, Quality.BAD if bad else Quality.GOOD)
        await gateway.tick(samples=[sample, gateway.sample(1, 1.0)])
    await gateway.tick({0: Truth.TRUE})
    await gateway.tick(samples=[gateway.sample(0, 0.99)])
    await gateway.keep()
    return next(iter(gateway.services.hub.book.tickets))


async def refused(http: httpx.AsyncClient, url: str) -> tuple[int, list[str]]:
    answer = await http.get(url)
    return answer.status_code, [problem["field"] for problem in answer.json()["problems"]]


async def test_a_curve_has_extremes_counts_and_the_time_that_was_not_good(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    await leak(gateway)
    start = MORNING
    url = f"/api/history?point={POINT}&start={start}&end={start + 80 * SECOND}&resolution={20 * SECOND}"
    found = (await http.get(url)).json()
    assert found["start"] == [start + step * SECOND for step in (0, 20, 40, 60)]
    assert found["count"] == [20, 20, 20, 1]
    assert found["low"][0] == 0
    assert found["high"][2] == pytest.approx(59 / 60)
    assert found["worst_quality"] == [0, 3, 0, 0]
    assert found["not_good"][1] == SECOND


@pytest.mark.parametrize(
    ("query", "status", "fields"),
    [
        (f"point={POINT}&start=20&end=10&resolution=1", 422, ["start", "end"]),
        (f"point={POINT}&start=0&end=10&resolution=0", 422, ["resolution"]),
        (f"point={POINT}&start=0&end={10_000_000 * SECOND}&resolution={SECOND}", 422, ["resolution"]),
        (f"point={POINT}&start=-5&end={2**60}&resolution=x", 422, ["resolution"]),
        ("point=nowhere.flow&start=0&end=10&resolution=1", 404, []),
        (f"point={POINT}", 422, ["start", "end", "resolution"]),
    ],
)
async def test_a_question_that_does_not_hold_is_refused_with_every_field_that_is_wrong(
    http: httpx.AsyncClient, query: str, status: int, fields: list[str]
) -> None:
    assert await refused(http, f"/api/history?{query}") == (status, fields)


async def finished(http: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    answer = await http.post("/api/exports", json=asked)
    assert answer.status_code == 200, answer.text
    for _ in range(200):
        job: dict[str, Any] = (await http.get(f"/api/exports/{answer.json()['id']}")).json()
        if job["state"] != "running":
            return job
        await asyncio.sleep(0.02)
    raise AssertionError(f"still running: {job}")


async def test_an_export_says_how_far_it_is_and_its_file_has_every_sample_and_its_checksum(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    await leak(gateway)
    range_ = {"start": MORNING, "end": MORNING + 3600 * SECOND}
    written = await finished(http, **range_, points=[POINT], format="csv")
    assert (written["state"], written["samples"], written["progress"]) == ("done", 61, 1.0)
    answer = await http.get(f"/api/exports/{written['id']}/file")
    assert hashlib.sha256(answer.content).hexdigest() == written["sha256"] == answer.headers["x-sha256"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["quality"] for row in rows].count("bad") == 1
    assert [row["value"] for row in rows if row["quality"] == "bad"] == [""]
    assert rows[0]["source_time"] == "2027-01-15T08:00:00.000000Z"
    assert {row["point"] for row in rows} == {POINT}


async def test_an_export_in_parquet_can_be_read_by_anything(
    gateway: Rig, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    await leak(gateway)
    written = await finished(http, start=MORNING, end=MORNING + 3600 * SECOND, format="parquet")
    file = tmp_path / "out.parquet"
    file.write_bytes((await http.get(f"/api/exports/{written['id']}/file")).content)
    found = duckdb.execute(
        "SELECT point, count(*), count(value), min(source_microseconds), max(year(source_time)) "
        "FROM read_parquet(?) GROUP BY point ORDER BY point",
        [str(file)],
    ).fetchall()
    assert found == [(POINT, 61, 60, MORNING, 2027), ("furnace.point_1", 60, 60, MORNING, 2027)]


async def test_samples_of_1970_and_2099_and_of_no_calendar_at_all_are_exported(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    years = [0, 4_102_444_799 * SECOND, 2**62]
    await gateway.history.append(
        SampleBatch.of(Sample(0, 1.0, Quality.GOOD, Reason.NONE, Instant(at), MORNING) for at in years)
    )
    for wanted in ("csv", "parquet"):
        job = await finished(http, start=MORNING, end=MORNING + SECOND, format=wanted)
        assert (job["state"], job["samples"]) == ("done", 3), job
    text = (await http.get(f"/api/exports/{(await http.get('/api/exports')).json()[0]['id']}/file")).text
    assert "1970-01-01T00:00:00.000000Z" in text
    assert "2099-12-31T23:59:59.000000Z" in text
    assert str(2**62) in text


async def test_exports_that_do_not_hold_are_refused(
    gateway: Rig, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def begin(**asked: Any) -> int:
        return (await http.post("/api/exports", json=asked)).status_code

    assert await begin(start=10, end=5) == 422
    assert await begin(start=0, end=5, points=["nowhere"]) == 404
    assert await begin(start=0, end=5, format="xls") == 422
    assert (await http.get("/api/exports/none")).status_code == 404
    await leak(gateway)
    monkeypatch.setattr(export, "FREE_KEPT", 2**62)
    job = await finished(http, start=0, end=MORNING * 2)
    assert job["state"] == "failed"
    assert "free bytes" in job["failure"]
    assert (await http.get(f"/api/exports/{job['id']}/file")).status_code == 409
    assert (await http.delete(f"/api/exports/{job['id']}")).status_code == 200
    assert (await http.get(f"/api/exports/{job['id']}")).status_code == 404
    assert list((gateway.services.exports._directory).iterdir()) == []


def unpacked(content: bytes, into: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(into)
        return into / packed.namelist()[0].partition("/")[0]


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", folder / "verify.py"], capture_output=True, text=True, check=False)


async def test_a_tickets_archive_is_whole_and_proves_itself_without_us(
    gateway: Rig, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    ticket = await leak(gateway)
    answer = await http.get(f"/api/tickets/{ticket}/evidence.zip")
    assert answer.status_code == 200, answer.text
    folder = unpacked(answer.content, tmp_path / "pack")
    assert sorted(file.name for file in folder.iterdir()) == [
        "README.txt", "SHA256SUMS", "events.jsonl", "journal-head.txt", "journal.jsonl", "report.html",
        "samples.csv", "samples.parquet", "verify.py",
    ]  # fmt: skip
    done = checked(folder)
    assert (done.returncode, "OK" in done.stdout) == (0, True), done.stdout + done.stderr
    kinds = [json.loads(line)["kind"] for line in (folder / "events.jsonl").read_text().splitlines()]
    assert "ticket.filed" in kinds
    assert "alarm.raised" in kinds
    report = (folder / "report.html").read_text()
    assert "隐患单" in report
    assert "<svg" in report
    assert "http" not in report.replace("http-equiv", "")
    rows = list(csv.DictReader(io.StringIO((folder / "samples.csv").read_text(encoding="utf-8-sig"))))
    assert sum(row["point"] == POINT for row in rows) == 61


async def test_the_files_beside_a_ticket_are_in_its_archive_under_the_hash_that_the_journal_has(
    gateway: Rig, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    ticket = await leak(gateway)
    url = f"/api/tickets/{ticket}/attachments?name=before.jpg&by=Wang"
    answer = await http.post(url, content=JPEG, headers={"content-type": "application/octet-stream"})
    (held,) = answer.json()["attachments"]
    await gateway.keep()
    folder = unpacked((await http.get(f"/api/tickets/{ticket}/evidence.zip")).content, tmp_path / "whole")
    (file,) = (folder / "attachments").iterdir()
    assert (file.name, file.read_bytes()) == (f"{held['file']['sha256'][:12]}-before.jpg", JPEG)
    assert checked(folder).returncode == 0
    assert held["file"]["sha256"] in (folder / "report.html").read_text()
    assert held["file"]["sha256"] in (folder / "events.jsonl").read_text()
    stored = await gateway.services.attachments.find(held["file"]["sha256"])
    stored.chmod(0o600)
    stored.write_bytes(JPEG[:-1] + b"!")
    touched = unpacked((await http.get(f"/api/tickets/{ticket}/evidence.zip")).content, tmp_path / "touched")
    assert (checked(touched).returncode, "before.jpg: changed" in checked(touched).stdout) == (1, True)
    stored.unlink()
    gone = unpacked((await http.get(f"/api/tickets/{ticket}/evidence.zip")).content, tmp_path / "gone")
    assert (checked(gone).returncode, "before.jpg: missing" in checked(gone).stdout) == (1, True)
    assert list(gateway.services.attachments.scratch.iterdir()) == []


@pytest.mark.parametrize("member", ["samples.csv", "journal.jsonl", "report.html"])
async def test_an_archive_that_was_touched_says_so(
    gateway: Rig, http: httpx.AsyncClient, tmp_path: Path, member: str
) -> None:
    ticket = await leak(gateway)
    folder = unpacked((await http.get(f"/api/tickets/{ticket}/evidence.zip")).content, tmp_path / "pack")
    text = (folder / member).read_text(encoding="utf-8")
    (folder / member).write_text(text.replace("0", "1", 1), encoding="utf-8")
    done = checked(folder)
    assert done.returncode == 1
    assert member in done.stdout
    sums = (folder / "SHA256SUMS").read_text()
    fresh = hashlib.sha256((folder / member).read_bytes()).hexdigest()
    old = next(line.partition("  ")[0] for line in sums.splitlines() if line.endswith(member))
    (folder / "SHA256SUMS").write_text(sums.replace(old, fresh))
    assert checked(folder).returncode == (1 if member == "journal.jsonl" else 0), "the chain needs no checksum"


async def test_an_alarm_has_an_archive_once_it_has_been_raised(
    gateway: Rig, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert (await http.get(f"/api/alarms/{NOTED}/evidence.zip")).status_code == 409
    assert (await http.get("/api/alarms/nothing@nowhere/evidence.zip")).status_code == 404
    assert (await http.get("/api/tickets/none/evidence.zip")).status_code == 404
    await leak(gateway)
    answer = await http.get(f"/api/alarms/{LEAK}/evidence.zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="evidence-leak_furnace.zip"'
    assert checked(unpacked(answer.content, tmp_path / "pack")).returncode == 0


async def test_an_archive_whose_journal_was_cut_says_so_on_its_first_page_and_still_verifies(
    gateway: Rig, http: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await leak(gateway)
    whole = unpacked((await http.get(f"/api/tickets/{ticket}/evidence.zip")).content, tmp_path / "whole")
    assert "截断" not in (whole / "report.html").read_text() + (whole / "README.txt").read_text()
    monkeypatch.setattr(archive, "MOST_CHAINED", 2)
    folder = unpacked((await http.get(f"/api/tickets/{ticket}/evidence.zip")).content, tmp_path / "cut")
    assert len((folder / "journal.jsonl").read_text().splitlines()) == 2
    for page in ("report.html", "README.txt"):
        said = (folder / page).read_text()
        assert "日志段在第 2 条处截断" in said
        assert "cut after 2 entries" in said
    assert checked(folder).returncode == 0


async def test_an_archive_of_too_much_is_refused(
    gateway: Rig, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await leak(gateway)
    monkeypatch.setattr(archive, "MOST_SAMPLES", 5)
    answer = await http.get(f"/api/tickets/{ticket}/evidence.zip")
    assert answer.status_code == 409
    assert "export them instead" in answer.json()["message"]


async def test_metrics_say_what_is_measured(gateway: Rig, http: httpx.AsyncClient) -> None:
    await leak(gateway)
    ahead = replace(gateway.sample(0, 0.5), source_time=Instant(gateway.clock.now() + 60 * SECOND))
    await gateway.tick(samples=[ahead, gateway.sample(1, float("inf"))])
    answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert values["tocsin_samples_received_total",] == 123
    assert values["tocsin_samples_dropped_total", "intake"] == 0
    assert values["tocsin_samples_irregular_total", "plc", "future"] == 1
    assert values["tocsin_samples_irregular_total", "plc", "not_a_number"] == 1
    assert values["tocsin_samples_irregular_total", "plc", "out_of_order"] == 0
    assert values["tocsin_journal_writable",] == 1
    assert values["tocsin_follower_lag_entries", "history"] == gateway.loop.sequence
    assert values["tocsin_rule_step_seconds_count",] == gateway.loop.steps.count > 0
    assert values["tocsin_scan_period_seconds_sum", "plc"] == pytest.approx(62)
    assert values["tocsin_alarms", "unacknowledged"] >= 1
    assert values["tocsin_points", "bad"] >= 1
    assert ("tocsin_sample_age_seconds", "plc") in values
