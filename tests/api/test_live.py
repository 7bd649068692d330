"""The live stream: nothing lost, nothing doubled, nobody slowed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import socket
import tempfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from gateway.api import live, stream
from gateway.api.live import Subscription
from gateway.api.views import sample_columns
from gateway.driver import LinkState
from gateway.errors import IllegalTransition, StoreFailed
from gateway.events.tickets import DismissalCause, TicketAction
from gateway.machines.ticket_step import Move
from gateway.rule import PointColumns, Truth
from gateway.sample import SECOND, Quality
from gateway.stores.history_duckdb import DuckdbHistory
from tests.api import support
from tests.api.support import LEAK, RULES, Picture, Rig, strict
from tests.engine.scripted import FALSE, TRUE

STEP = st.one_of(
    st.tuples(st.just("truth"), st.integers(0, 3), st.sampled_from(list(Truth))),
    st.tuples(st.just("sample"), st.integers(0, 2), st.floats(), st.sampled_from(list(Quality))),
    st.tuples(st.just("acknowledge"), st.integers(0, 2)),
    st.tuples(st.just("reset"), st.integers(0, 2)),
    st.tuples(st.just("dismiss")),
    st.tuples(st.just("link"), st.sampled_from(list(LinkState))),
    st.tuples(st.just("disk"), st.booleans()),
    st.tuples(st.just("wait"), st.integers(0, 20)),
    st.tuples(st.just("flush")),
)


async def take(gateway: Rig, step: tuple[Any, ...]) -> None:
    match step:
        case ("truth", column, truth):
            await gateway.tick({column: truth})
        case ("sample", point, value, quality):
            await gateway.tick(samples=[gateway.sample(point, value, quality)], after=1)
        case ("acknowledge", index):
            await act(gateway, lambda now: [gateway.loop.engine.alarm_desk.acknowledge(RULES[index].id, "Li", "", now)])
        case ("reset", index):
            await act(gateway, lambda now: [gateway.loop.engine.alarm_desk.reset(RULES[index].id, "Li", "", now)])
        case ("dismiss",):
            move = Move(TicketAction.DISMISS, "Li", "a test", cause=DismissalCause.CALIBRATION)
            for ticket in [view for view in gateway.hub.book.tickets.values() if view.actions]:
                await act(gateway, lambda now, t=ticket: [gateway.loop.engine.hazard_desk.move(t.id, move, now)])
        case ("link", state):
            gateway.clock.advance(1)
            gateway.link(state)
            await gateway.tick(after=0)
        case ("disk", is_full):
            gateway.journal.is_full = is_full
        case ("wait", seconds):
            await gateway.tick(after=seconds * SECOND)
        case ("flush",):
            gateway.hub.send_samples()
            gateway.hub.send_heartbeat()


async def act(gateway: Rig, decide: Any) -> None:
    """A person's action, taken or refused."""
    gateway.clock.advance(1)
    with contextlib.suppress(IllegalTransition, StoreFailed):
        await gateway.loop.act(decide)


def waiting(subscription: Subscription) -> list[dict[str, Any]]:
    messages = []
    while not subscription.queue.empty():
        messages.append(strict(subscription.queue.get_nowait()))
    return messages


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=st.lists(STEP, max_size=12), after=st.lists(STEP, max_size=25))
def test_snapshot_and_changes_amount_to_the_next_snapshot(
    history: DuckdbHistory, before: list[Any], after: list[Any]
) -> None:
    async def story() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with support.rig(Path(directory), shared=history) as gateway:
                for step in before:
                    await take(gateway, step)
                subscription = gateway.hub.subscribe()
                picture = Picture(strict(subscription.snapshot))
                for step in after:
                    await take(gateway, step)
                gateway.journal.is_full = False
                await gateway.tick()
                gateway.hub.send_samples()
                for message in waiting(subscription):
                    picture.apply(message)
                assert picture == Picture(strict(gateway.hub.subscribe().snapshot))
                assert picture.sequence == await gateway.journal.last_sequence()

    asyncio.run(story())


async def test_a_client_gets_snapshot_then_stream_without_gap(gateway: Rig) -> None:
    over = asyncio.Event()

    async def plant_life() -> None:
        for turn in range(60):
            await gateway.tick({0: TRUE if turn % 2 else FALSE, 2: FALSE if turn % 3 else TRUE})
            gateway.hub.send_samples()
            await asyncio.sleep(0)
        over.set()

    async def client() -> Picture:
        async with gateway.live() as socket:
            picture = Picture(await support.heard(socket))
            while not (over.is_set() and picture.sequence == gateway.hub.sequence):
                picture.apply(await support.heard(socket))
            return picture

    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(client())]
        group.create_task(plant_life())
        for _ in range(4):
            await asyncio.sleep(0.02)
            clients.append(group.create_task(client()))
    async with gateway.live() as socket:
        last = Picture(await support.heard(socket))
    assert last.sequence > 60
    for each in clients:
        assert each.result().views == last.views


async def test_a_client_that_stops_reading_is_dropped_and_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CLOSE_WITHIN", 0.1)
    async with support.rig(tmp_path, points=2_000) as unserved, support.served(unserved) as gateway:
        await gateway.tick()
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        narrow.connect(("127.0.0.1", int(gateway.address.rpartition(":")[2])))
        narrow.setblocking(False)
        async with gateway.live() as reader, gateway.live(sock=narrow, max_queue=1) as sleeper:
            await support.heard(reader)
            everything = np.ones(2_000, dtype=np.bool_)
            sent = 0
            while not gateway.hub.clients_dropped:
                gateway.hub._fresh |= everything
                gateway.hub.send_samples()
                await support.heard_of(reader, "samples")
                sent += 1
                assert sent < 5_000, "a client that does not read was never dropped"
            assert sent > live.MESSAGES_WAITING
            await gateway.tick({0: TRUE})
            changes = await support.heard_of(reader, "changes")
            assert changes["alarms"][0]["id"] == LEAK
            assert len(gateway.hub._clients) == 1
            await asyncio.sleep(3 * stream.CLOSE_WITHIN)  # it wakes only after the gateway has given it up
            assert await support.close_code(sleeper) == 1013


async def test_a_client_that_leaves_is_forgotten(gateway: Rig) -> None:
    async with gateway.live() as socket:
        await support.heard(socket)
        assert len(gateway.hub._clients) == 1
    async with asyncio.timeout(10):
        while gateway.hub._clients:  # noqa: ASYNC110 - the hub owes nobody an event for this
            await asyncio.sleep(0.01)
    assert gateway.hub.clients_dropped == 0


async def test_what_a_client_says_is_ignored(gateway: Rig) -> None:
    async with gateway.live() as socket:
        await support.heard(socket)
        await socket.send("open the furnace")
        await socket.send(b"\xff")
        await gateway.tick({0: TRUE})
        assert (await support.heard(socket))["type"] == "changes"


async def test_one_client_too_many_is_told_to_come_later(gateway: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CLIENTS", 1)
    async with gateway.live() as first, gateway.live() as second:
        await support.heard(first)
        assert await support.close_code(second) == 1013


async def test_a_foreign_page_may_not_listen(gateway: Rig) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.live(origin="http://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403
    async with gateway.live(origin=f"http://{gateway.address}") as socket:
        assert (await support.heard(socket))["type"] == "snapshot"


async def test_a_message_is_encoded_once_for_all(gateway: Rig) -> None:
    one, other = gateway.hub.subscribe(), gateway.hub.subscribe()
    await gateway.tick({0: TRUE})
    assert one.queue.get_nowait() is other.queue.get_nowait()


async def test_an_alarm_goes_out_in_its_tick_and_samples_are_gathered(gateway: Rig) -> None:
    gateway.hub.send_samples()
    client = gateway.hub.subscribe()
    for value in range(5):
        await gateway.tick(samples=[gateway.sample(1, value)], after=0)
    assert waiting(client) == []
    await gateway.tick({0: TRUE})
    assert [message["type"] for message in waiting(client)] == ["changes"]
    gateway.hub.send_samples()
    gateway.hub.send_samples()
    (message,) = waiting(client)
    assert (message["samples"]["point"], message["samples"]["value"]) == ([1], [4.0])


async def test_a_value_that_goes_stale_is_sent_although_nothing_came(gateway: Rig) -> None:
    await gateway.tick(samples=[gateway.sample(1, 0.5)], after=0)
    gateway.hub.send_samples()
    client = gateway.hub.subscribe()
    await gateway.tick(after=60 * SECOND)
    gateway.hub.send_samples()
    (message,) = waiting(client)
    columns = message["samples"]
    assert (columns["point"], columns["value"], columns["quality"]) == ([1], [None], [int(Quality.STALE)])


async def test_no_heartbeat_goes_out_while_the_tick_loop_stands_still(gateway: Rig) -> None:
    client = gateway.hub.subscribe()
    await gateway.tick()
    gateway.hub.send_heartbeat()
    assert [message["type"] for message in waiting(client)] == ["heartbeat"]
    gateway.hub.send_heartbeat()
    assert waiting(client) == []


async def test_heartbeats_and_samples_come_by_themselves(gateway: Rig) -> None:
    running = asyncio.create_task(gateway.hub.run())
    async with gateway.live() as socket:
        await support.heard(socket)
        await gateway.tick(samples=[gateway.sample(1, 0.5)])
        assert (await support.heard_of(socket, "samples"))["samples"]["value"]
        await gateway.tick()
        heartbeat = await support.heard_of(socket, "heartbeat")
        assert heartbeat["health"]["links"] == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_full_disk_hides_no_alarm_and_loses_no_event(gateway: Rig) -> None:
    picture = Picture(strict((client := gateway.hub.subscribe()).snapshot))
    gateway.journal.is_full = True
    await gateway.tick({0: TRUE})
    (shown,) = waiting(client)
    assert (shown["events"], shown["alarms"][0]["state"]) == ([], "unacknowledged")
    picture.apply(shown)
    gateway.journal.is_full = False
    await gateway.tick()
    (kept,) = waiting(client)
    picture.apply(kept)
    assert "alarm.raised" in [entry["event"]["kind"] for entry in kept["events"]]
    assert picture.sequence == gateway.loop.sequence


async def test_many_events_come_in_several_messages(gateway: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVENTS_AT_ONCE", 3)
    client = gateway.hub.subscribe()
    picture = Picture(strict(client.snapshot))
    await gateway.tick(dict.fromkeys(range(3), TRUE))
    messages = waiting(client)
    assert len(messages) > 1
    assert all(len(message["events"]) <= 3 for message in messages)
    for message in messages:
        picture.apply(message)
    assert picture == Picture(strict(gateway.hub.subscribe().snapshot))


@given(
    rows=st.lists(
        st.tuples(st.floats(), st.sampled_from(list(Quality))),
        min_size=1,
        max_size=20,
    )
)
def test_a_bad_value_never_travels_as_a_number(rows: list[tuple[float, Quality]]) -> None:
    count = len(rows)
    times = np.zeros(count, dtype=np.int64)
    columns = PointColumns(
        value=np.array([value for value, _ in rows]),
        quality=np.array([quality for _, quality in rows], dtype=np.uint8),
        reason=np.zeros(count, dtype=np.uint8),
        source_time=times,
        receive_time=times,
    )
    sent = sample_columns(columns, np.arange(count))
    json.dumps(sent.value, allow_nan=False)
    for (value, quality), travelled in zip(rows, sent.value, strict=True):
        readable = quality in (Quality.GOOD, Quality.UNCERTAIN) and math.isfinite(value)
        assert travelled == (value if readable else None)


async def test_not_a_number_is_null_everywhere(gateway: Rig, http: httpx.AsyncClient) -> None:
    client = gateway.hub.subscribe()
    await gateway.tick({0: TRUE}, [gateway.sample(0, math.nan, Quality.BAD), gateway.sample(1, math.inf)], after=0)
    gateway.hub.send_samples()
    changes, samples = waiting(client)
    assert changes["alarms"][0]["readings"][0]["value"] is None
    assert samples["samples"]["value"][:2] == [None, None]
    assert strict((await http.get("/api/points")).content)["value"] == [None, None, None]
    assert strict(gateway.hub.subscribe().snapshot)["samples"]["value"] == [None, None, None]
