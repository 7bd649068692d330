"""The history put down for a backup, as it is asked for over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.api import snapshots
from gateway.sample import Instant
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.place import HISTORY_FILE
from tests.api.support import Rig, client, rig, served

URL = "/api/history/snapshot"


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as whole, served(whole):
        await whole.tick(samples=[whole.sample(0, 1.0), whole.sample(1, 2.0)])
        await whole.keep()
        yield whole


async def test_a_snapshot_is_a_history_of_its_own_and_goes_when_told(gateway: Rig, tmp_path: Path) -> None:
    async with client(gateway) as http:
        told = await http.post(URL, json={"by": "李值班"})
        assert told.status_code == 200
        where = Path(told.json()["directory"])
        copy = await DuckdbHistory.open(where / HISTORY_FILE, [point.id for point in gateway.plant.points])
        found = [each.value.tolist() async for each in copy.samples(None, Instant(0), Instant(2**62))]
        await copy.close()
        assert found == [[1.0, 2.0]]
        assert (await http.delete(URL)).status_code == 200
        assert not (tmp_path / "snapshot").exists()
        assert (await http.delete(URL)).status_code == 200


async def test_there_is_one_at_a_time_and_the_second_is_told_what_to_do(gateway: Rig) -> None:
    async with client(gateway) as http:
        assert (await http.post(URL, json={"by": "a"})).status_code == 200
        second = await http.post(URL, json={"by": "b"})
        assert second.status_code == 409
        assert "DELETE /api/history/snapshot" in second.json()["message"]
        await http.delete(URL)
        assert (await http.post(URL, json={"by": "b"})).status_code == 200


@pytest.mark.parametrize("body", [{}, {"by": ""}, {"by": "a", "directory": "/etc"}])
async def test_nobody_takes_one_in_no_name_or_to_a_place_of_their_own(gateway: Rig, body: dict[str, str]) -> None:
    async with client(gateway) as http:
        assert (await http.post(URL, json=body)).status_code == 422
        foreign = await http.post(URL, content=b'{"by": "a"}', headers={"content-type": "text/plain"})
        assert foreign.status_code == 422


async def test_one_that_is_not_taken_away_goes_by_itself_and_so_does_what_a_crash_left(
    gateway: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / HISTORY_FILE).write_text("left by a crash")
    monkeypatch.setattr(snapshots, "KEPT_FOR", 0.05)
    async with client(gateway) as http:
        assert (await http.post(URL, json={"by": "a"})).status_code == 200
        for _ in range(500):
            again = await http.post(URL, json={"by": "a"})
            if again.status_code == 200:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it is still there after ten seconds")


async def test_one_that_cannot_be_made_is_refused_and_leaves_nothing(gateway: Rig, tmp_path: Path) -> None:
    (tmp_path / "snapshot").write_text("a file in the way")
    async with client(gateway) as http:
        refused = await http.post(URL, json={"by": "a"})
        assert refused.status_code == 503
        assert "snapshot" in refused.json()["message"]
        (tmp_path / "snapshot").unlink()
        assert (await http.post(URL, json={"by": "a"})).status_code == 200
    await gateway.tick(samples=[gateway.sample(0, 3.0)])
    await gateway.keep()
    assert await gateway.history.sample_count() == 3
