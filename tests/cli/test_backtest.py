"""`tocsin backtest` as a person uses it: files in; a table, JSON and a picture out; exit code 2 for what is wrong."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from click.testing import CliRunner

from gateway.cli.group import main
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.stores.history_duckdb import DuckdbHistory
from tests.reload.works import CLASSES, CLAUSES, rule
from tests.stores.history_support import fingerprint

START = 1_793_462_400  # 2026-11-01 00:00 in China
PLANT = """
site: {id: works, name: {zh: 厂, en: Works}, credit_code: 91000000DEM000006Q, industry: x, risk_grade: A,
  address: x, principal: x, telephone: "0"}
areas: [{id: room, name: {zh: 室, en: Room}, staffed: true}]
equipment: [{id: v1, class: vessel, area: room, name: {zh: 容器, en: Vessel}}]
devices: [{id: plc, driver: modbus_tcp, name: {zh: 控制器, en: PLC}, host: 127.0.0.1, port: 1502, timeout: 1 s}]
points:
  - {equipment: v1, kind: pressure, unit: kPa, range: [0, 1000], period: 1 s, stale_after: 5 s,
      source: {device: plc, table: holding, address: 0, type: uint16}}
"""
LEVEL = """\
  - {equipment: v1, kind: level, unit: mm, range: [0, 1000], period: 1 s, stale_after: 5 s,
      source: {device: plc, table: holding, address: 1, type: uint16}}
"""
HIGH = rule("high", "pressure > 500 kPa")
SLOW = rule("high", "pressure > 500 kPa", on_delay="4 s")
LOWER = rule("low", "pressure < 100 kPa")

SURGES = {(60, 90), (200, 203), (400, 460)}


def value(second: int) -> float:
    return 900.0 if any(begin <= second < end for begin, end in SURGES) else 300.0


def pack(folder: Path, *rules: str) -> Path:
    (folder / "classes").mkdir(parents=True)
    (folder / "classes" / "vessel.yaml").write_text(CLASSES, encoding="utf-8")
    (folder / "clauses.yaml").write_text(CLAUSES, encoding="utf-8")
    text = "\n".join(["pack: vessel", "title: {zh: 容器, en: Vessel}", "rules:", *rules])
    (folder / "vessel.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def works(tmp_path: Path) -> Path:
    (tmp_path / "plant.yaml").write_text(PLANT, encoding="utf-8")
    pack(tmp_path / "quick", HIGH)
    pack(tmp_path / "slow", SLOW, LOWER)
    rows = [f"v1.pressure,{(START + second) * SECOND},{value(second)}" for second in range(600)]
    (tmp_path / "day.csv").write_text("\n".join(["point,time,value", *rows]) + "\n", encoding="utf-8")
    return tmp_path


def backtest(works: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("tocsin"), "backtest", "plant.yaml", *arguments],
        cwd=works,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_two_rule_sets_over_a_file_of_samples(works: Path) -> None:
    said = backtest(
        works, "--rules", "slow", "--against", "quick", "--data", "day.csv", "--json", "r.json", "--plot", "r.svg"
    )
    assert said.returncode == 0, said.stderr
    assert "消失 removed" in said.stdout
    assert "推迟 later" in said.stdout
    assert said.stderr == ""  # no bar where nobody looks
    report = json.loads((works / "r.json").read_text(encoding="utf-8"))
    slow, quick = report["sets"]
    assert (report["samples"], report["start"]) == (1200 // 2, START * SECOND)
    assert [each["judged"]["figures"]["annunciations"] for each in (slow, quick)] == [2, 3]
    found = report["difference"]
    assert [each["raised_at"] for each in found["removed"]] == [(START + 200) * SECOND]
    assert found["added"] == []
    assert [both["before"]["raised_at"] - both["after"]["raised_at"] for both in found["both"]] == [-4 * SECOND] * 2
    assert (found["rules_added"], found["rules_changed"]) == (["vessel.low@v1"], ["vessel.high@v1"])
    assert quick["judged"]["figures"]["fleeting"] == 1
    root = ElementTree.fromstring((works / "r.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own file
    assert root.tag.endswith("svg")
    assert any("removed" in (title.text or "") for title in root.iter("{http://www.w3.org/2000/svg}title"))


def test_the_stored_history_of_a_gateway_gives_the_same(works: Path) -> None:
    asyncio.run(_store(works))
    day = ("--from", "2026-11-01T00:00:00", "--to", "2026-11-01T00:10:00")
    stored = backtest(works, "--rules", "quick", *day, "--history", "data", "--json", "a.json")
    assert stored.returncode == 0, stored.stderr
    filed = backtest(works, "--rules", "quick", *day, "--data", "day.csv", "--json", "b.json")
    assert filed.returncode == 0, filed.stderr
    one, other = (json.loads((works / name).read_text(encoding="utf-8")) for name in ("a.json", "b.json"))
    assert one["samples"] == other["samples"] == 600
    assert one["sets"][0]["judged"] == other["sets"][0]["judged"]
    middle = backtest(works, "--rules", "quick", "--from", "2026-11-01T00:01:10+08:00", *day[2:], "--json", "c.json")
    assert middle.returncode == 0, middle.stderr
    half = json.loads((works / "c.json").read_text(encoding="utf-8"))["sets"][0]["judged"]["figures"]
    assert half["annunciations"] == 2


def test_a_back_test_changes_no_byte_of_the_data_directory(works: Path) -> None:
    asyncio.run(_store(works))
    (works / "plant.yaml").write_text(PLANT + LEVEL, encoding="utf-8")  # a point that was never stored
    before = fingerprint(works / "data")
    day = ("--from", "2026-11-01T00:00:00", "--to", "2026-11-01T00:10:00")
    said = backtest(works, "--rules", "slow", "--against", "quick", *day)
    assert said.returncode == 0, said.stderr
    assert fingerprint(works / "data") == before


async def _store(works: Path) -> None:
    (works / "data").mkdir()
    history = await DuckdbHistory.open(works / "data" / "history.duckdb", ["other", "v1.pressure"])
    at = [Instant((START + second) * SECOND) for second in range(600)]
    await history.append(
        SampleBatch.of(Sample(1, value(n), Quality.GOOD, Reason.NONE, when, when) for n, when in enumerate(at))
    )
    await history.close()


def test_a_parquet_file_with_a_column_for_each_point_will_do(works: Path) -> None:
    database = duckdb.connect()
    database.execute('CREATE TABLE wide (time TIMESTAMP, "v1.pressure" DOUBLE)')
    database.execute(
        "INSERT INTO wide SELECT make_timestamp(($start + n) * 1000000), CASE WHEN n BETWEEN 60 AND 89 THEN 900 "
        "ELSE 300 END FROM range(600) AS numbers(n)",
        {"start": START},
    )
    database.execute(f"COPY wide TO '{works / 'day.parquet'}'")
    said = backtest(works, "--rules", "quick", "--data", "day.parquet", "--json", "r.json")
    assert said.returncode == 0, said.stderr
    report = json.loads((works / "r.json").read_text(encoding="utf-8"))
    assert [each["raised_at"] for each in report["sets"][0]["judged"]["outcome"]["episodes"]] == [(START + 60) * SECOND]


WRONG = [
    (("--rules", "nowhere", "--data", "day.csv"), "--rules: expected a packs directory or a plant file"),
    (("--rules", "quick"), "--from: expected the time from which to run"),
    (("--rules", "quick", "--from", "2026-11-01", "--history", "empty"), "in which there is no history"),
    (("--rules", "quick", "--data", "day.csv", "--from", "2026-11-02"), "--to: expected a time after --from"),
    (("--rules", "quick", "--data", "day.csv", "--from", "yesterday"), "expected a time such as"),
    (("--rules", "quick", "--data", "day.csv", "--only", "vessel.hihg"), "did you mean 'vessel.high'?"),
    (("--rules", "quick", "--data", "day.csv", "--from", "2026-12-01", "--to", "2027-01-01"), "none between"),
    (("--rules", "quick", "--data", "day.csv", "--heartbeat", "1"), "--heartbeat: expected a duration"),
    (("--rules", "quick", "--data", "plant.yaml"), "ends in .csv or .parquet"),
    (("--rules", "quick", "--data", "gone.csv"), "gone.csv"),
    (("--rules", "quick", "--data", "other.csv"), "expected points of the plant"),
    (("--rules", "quick", "--data", "short.csv"), "a column receive_time or time"),
    (("--rules", "quick", "--data", "day.csv", "--json", "no/where.json"), "a file in a directory that is there"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_what_is_wrong_is_said_with_exit_code_2(
    works: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(works)
    (works / "empty").mkdir()
    (works / "other.csv").write_text("point,time,value\nx,1,2\n", encoding="utf-8")
    (works / "short.csv").write_text("point,value\nx,2\n", encoding="utf-8")
    said = CliRunner().invoke(main, ["backtest", "plant.yaml", *arguments])
    assert said.exit_code == 2, said.output
    assert words in " ".join(said.output.split())


def test_a_history_that_a_gateway_holds_is_refused_with_what_to_do(works: Path) -> None:
    asyncio.run(_store(works))
    holder = duckdb.connect(str(works / "data" / "history.duckdb"))
    try:
        said = backtest(works, "--rules", "quick", "--from", "2026-11-01")
    finally:
        holder.close()
    assert said.returncode == 2
    assert "a running gateway holds" in said.stderr
