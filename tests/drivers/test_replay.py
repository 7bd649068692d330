"""Laws of replay: the recording comes up as it was, when it is due, and a mistake in it has a line and a column."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.replay import KIND
from drivers.replay.client import readings
from drivers.replay.codec import FileFault
from drivers.replay.driver import CROWDED
from gateway.driver import LinkState
from gateway.sample import SECOND, Quality, Reason
from tests.drivers.support import device, points, running

START = 1_800_000_000
WIDE = [{"column": "co", "quality": "co_q"}, {"column": "flow"}]


def record(folder: Path, *lines: str, name: str = "day.csv") -> str:
    file = folder / name
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return str(file)


def play(file: str, *addresses: dict[str, object], **settings: object) -> list[tuple[int, float, Quality, Reason]]:
    """Every reading of the recording, in order, without an event loop."""
    own = device(KIND, {"file": file, **settings}).settings
    some = points(KIND, addresses or WIDE, low=0, high=1000)
    return [(r.point, r.value, r.quality, r.reason) for part in readings(own, some) for r in part]


def mistake(file: str, *addresses: dict[str, object], **settings: object) -> str:
    with pytest.raises(FileFault) as told:
        play(file, *addresses, **settings)
    return str(told.value).removeprefix(file)


def test_a_column_for_each_point_with_quality_gaps_and_ranges(tmp_path: Path) -> None:
    file = record(
        tmp_path,
        "time,co,co_q,flow",
        f"{START},12.5,good,80",
        f"{START + 1},,good,NaN",
        "2027-01-15T08:00:02Z,13,fault,2000",
        "2027-01-15T16:00:03+08:00,14,Uncertain,",
    )
    found = play(file)
    assert [(point, quality, reason) for point, _, quality, reason in found] == [
        (0, Quality.GOOD, Reason.NONE),
        (1, Quality.GOOD, Reason.NONE),
        (1, Quality.BAD, Reason.NOT_A_NUMBER),
        (0, Quality.BAD, Reason.SENSOR_FAULT),
        (1, Quality.BAD, Reason.OUT_OF_RANGE),
        (0, Quality.UNCERTAIN, Reason.SOURCE_DOUBT),
    ]
    assert [value for _, value, quality, _ in found if quality < Quality.BAD] == [12.5, 80, 14]


def test_a_row_for_each_value(tmp_path: Path) -> None:
    file = record(
        tmp_path,
        "when,tag,reading,status",
        "20270115160000,CO-7,12,192",
        "20270115160000,other,99,192",
        "20270115160001,FT-1,80,0",
    )
    found = play(
        file,
        {"column": "CO-7", "good": [192]},
        {"column": "FT-1", "good": [192]},
        time="when",
        time_format="%Y%m%d%H%M%S",
        time_zone="Asia/Shanghai",
        names="tag",
        values="reading",
        qualities="status",
    )
    assert [(point, reason) for point, _, _, reason in found] == [(0, Reason.NONE), (1, Reason.SENSOR_FAULT)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["time,co,flow"], ":1:1: error: expected a column 'co_q', got only time, co, flow"),
        (["time,co,co_q,flow"], ":1:1: error: expected at least one value of the points of this device, got none"),
        (["time,co,co_q,flow", "1800000000,1,good"], ":2:3: error: expected 4 cells as in the header, got 3"),
        (["time,co,co_q,flow", "1800000000,12mA,good,1"], ":2:2: error: co: expected a number or nothing, got '12mA'"),
        (
            ["time,co,co_q,flow", "1800000009,1,good,1", "1800000008,1,good,1"],
            ":3:1: error: time: expected a time not before that of the row above, got '1800000008'",
        ),
        (
            ["time,co,co_q,flow", "2027-01-15 08:00,1,good,1"],
            ":2:1: error: time: expected a time (with a zone, or set time_zone), got '2027-01-15 08:00'",
        ),
        (
            ["time,co,co_q,flow", '1800000000,"1,good,1'],
            ":2:1: error: expected well-formed CSV, got unexpected end of data",
        ),
    ],
)
def test_a_mistake_is_told_with_line_and_column(tmp_path: Path, lines: list[str], said: str) -> None:
    assert mistake(record(tmp_path, *lines)) == said


def test_a_file_that_is_cut_or_no_text_or_not_there_is_told_too(tmp_path: Path) -> None:
    cut = tmp_path / "cut.csv"
    cut.write_bytes(b"time,co,co_q,flow\n1800000000,1,good,1000")
    assert mistake(str(cut)) == ":2:1: error: expected a line end after the last row, got a file that was cut"
    cut.write_bytes(b"time,co,co_q,flow\n1800000000,1,\xff\xfe,1\n")
    assert mistake(str(cut)) == ":2:3: error: expected UTF-8, got byte 0xff"
    cut.unlink()
    assert mistake(str(cut)) == ": error: expected a recording to read, got no such file or directory"
    table = tmp_path / "table.parquet"
    table.write_bytes(b"PAR1 and nothing else")
    assert "expected a Parquet file" in mistake(str(table))


def test_check_tells_a_mistake_in_a_recording(tmp_path: Path) -> None:
    file = record(tmp_path, "time,co,co_q,flow", f"{START},x,good,1")
    (problem,) = KIND.examine(device(KIND, {"file": file}), points(KIND, WIDE))
    assert (problem.line, problem.column, problem.field, problem.got) == (2, 2, "co", "'x'")
    assert (
        KIND.examine(device(KIND, {"file": record(tmp_path, "time,co,co_q,flow", f"{START},1,,")}), points(KIND, WIDE))
        == []
    )


def test_parquet_and_csv_are_the_same_recording(tmp_path: Path) -> None:
    text = record(tmp_path, "time,co,co_q,flow", *(f"{START + n},{n % 1000},good,{n / 10}" for n in range(5000)))
    plain, stamped = tmp_path / "plain.parquet", tmp_path / "stamped.parquet"
    with duckdb.connect() as database:
        recorded = database.read_csv(text)
        recorded.write_parquet(str(plain))
        recorded.project("make_timestamp(time * 1000000) AS time, co, co_q, flow").write_parquet(str(stamped))
    assert play(str(plain)) == play(text) == play(str(stamped), time_zone="+00:00")


async def test_a_recording_is_played_at_its_speed_and_its_times_are_moved(tmp_path: Path) -> None:
    file = record(tmp_path, "time,co,co_q,flow", *(f"{START + n},{n},good,1" for n in range(31)))
    async with running(KIND, {"file": file, "speed": 60}, points(KIND, WIDE)) as (kept, _):
        began = time.monotonic()
        await kept.until(lambda: kept.states()[-1:] == [LinkState.DOWN])
        assert 0.5 <= time.monotonic() - began < 3
        played = [s for s in kept.all(0) if s.quality is Quality.GOOD]
        assert [s.value for s in played] == list(range(31))
        assert all(s.receive_time - s.source_time >= 0 for s in played)
        assert played[-1].source_time - played[0].source_time == SECOND // 2
        assert "over" in kept.links[-1].detail
        await kept.until(lambda: [s.reason for s in kept.all(0)][-2:] == [Reason.DISCONNECTED] * 2)


async def test_original_times_are_kept_and_a_time_to_come_is_not_believed(tmp_path: Path) -> None:
    ahead = int(time.time()) + 3600
    file = record(tmp_path, "time,co,co_q,flow", "1700000000,1,good,1", f"{ahead},2,good,2")
    wired = {"file": file, "times": "original", "speed": "max"}
    async with running(KIND, wired, points(KIND, WIDE)) as (kept, _):
        await kept.until(lambda: len(kept.all(0)) >= 2)
        old, to_come = kept.all(0)[:2]
        assert (old.source_time, old.quality) == (1_700_000_000 * SECOND, Quality.GOOD)
        assert (to_come.quality, to_come.reason) == (Quality.UNCERTAIN, Reason.SOURCE_CLOCK)
        assert to_come.source_time <= to_come.receive_time


async def test_as_fast_as_it_goes_waits_for_who_takes_and_loses_nothing(tmp_path: Path) -> None:
    file = record(tmp_path, "time,co,co_q,flow", *(f"{START + n},{n % 1000},good,1" for n in range(20_000)))
    async with running(KIND, {"file": file, "speed": "max"}, points(KIND, WIDE)) as (kept, _):
        kept.waiting = CROWDED + 1
        await kept.until(lambda: LinkState.UP in kept.states())
        held = len(kept.batches)
        kept.waiting = 0
        await kept.until(lambda: LinkState.DOWN in kept.states())
        assert held == 0
        values = [
            v for b in kept.batches for v, p, q in zip(b.value, b.point, b.quality, strict=True) if p == 0 and not q
        ]
        assert values == [float(n % 1000) for n in range(20_000)]


async def test_a_mended_recording_plays_by_itself(tmp_path: Path) -> None:
    file = record(tmp_path, "time,co,co_q,flow", f"{START},oops,good,1")
    async with running(KIND, {"file": file}, points(KIND, WIDE)) as (kept, _):
        await kept.until(lambda: LinkState.DOWN in kept.states())
        assert f"{file}:2:2: error: co: expected a number" in kept.links[-1].detail
        record(tmp_path, "time,co,co_q,flow", f"{START},7,good,1")
        assert (await kept.next(0, lambda s: s.quality is Quality.GOOD)).value == 7


@given(content=st.binary(max_size=200))
def test_no_file_makes_it_crash_and_no_value_comes_that_is_not_in_it(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "noise.csv"
    file.write_bytes(b"time,co,co_q,flow\n" + content)
    try:
        found = play(str(file))
    except FileFault:
        return
    cells = {cell.strip().strip('"').casefold() for line in content.decode().splitlines() for cell in line.split(",")}
    numbers = {float({"true": "1", "false": "0"}.get(cell, cell)) for cell in cells if _is_number(cell)}
    assert all(value in numbers for _, value, quality, _ in found if quality < Quality.BAD)


def _is_number(cell: str) -> bool:
    try:
        float({"true": "1", "false": "0"}.get(cell, cell))
    except ValueError:
        return False
    return True


def test_what_cannot_be_a_recording_is_refused_in_the_plant_file() -> None:
    for wrong in ({"file": "x.xlsx"}, {"file": "x.csv", "speed": 0}, {"file": "x.csv", "time_zone": "Mars"}):
        with pytest.raises(ValueError, match="validation error"):
            KIND.device_settings.model_validate(wrong)
