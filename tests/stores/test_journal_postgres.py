"""What only a server can go through: another writer, a lost connection, a crash, a setting that forgets."""

from __future__ import annotations

import io
import json
import signal

import psycopg
import pytest

from gateway.errors import StoreFailed
from gateway.store import StateKind, StateRow
from gateway.stores import journal_offline as offline
from gateway.stores.journal_postgres import PostgresJournal
from tests.stores.child import event
from tests.stores.postgres import Server


def row(body: str) -> StateRow:
    return StateRow(StateKind.ALARM, "one", True, body)


async def test_a_second_gateway_is_refused_until_the_first_has_gone(postgres: Server) -> None:
    address = postgres.database()
    first = await PostgresJournal.open(address)
    with pytest.raises(StoreFailed, match="another that holds the lock"):
        await PostgresJournal.open(address)
    await first.close()
    second = await PostgresJournal.open(address)
    assert await second.commit([event(1)], [])
    await second.close()


async def test_a_lost_connection_costs_one_refusal_and_nothing_that_was_kept(postgres: Server) -> None:
    journal = await PostgresJournal.open(postgres.database())
    await journal.commit([event(1)], [row("1")])
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND pid <> pg_backend_pid()"
    )
    with pytest.raises(StoreFailed):
        await journal.commit([event(2)], [row("2")])
    assert [entry.sequence for entry in await journal.commit([event(1), event(2)], [row("2")])] == [2]
    with pytest.raises(StoreFailed):
        await journal.read(0, 10)
    assert [entry.event for entry in await journal.read(0, 10)] == [event(1), event(2)]
    assert await journal.verify() is None
    await journal.close()


async def test_a_server_that_crashes_keeps_what_was_acknowledged(postgres: Server) -> None:
    journal = await PostgresJournal.open(postgres.database())
    await journal.commit([event(number) for number in range(50)], [row("49")])
    postgres.stop(signal.SIGQUIT)
    with pytest.raises(StoreFailed, match=r"server"):
        await journal.commit([event(50)], [])
    with pytest.raises(StoreFailed):
        await journal.commit([event(50)], [])
    postgres.start()
    assert [entry.sequence for entry in await journal.commit([event(49), event(50)], [])] == [51]
    await journal.close()


async def test_a_server_that_does_not_sync_is_refused(postgres: Server) -> None:
    address = postgres.database()
    postgres.execute("ALTER SYSTEM SET fsync = off")
    postgres.stop()
    postgres.start()
    try:
        with pytest.raises(StoreFailed, match="fsync = on"):
            await PostgresJournal.open(address)
    finally:
        postgres.execute("ALTER SYSTEM RESET fsync")
        postgres.stop()
        postgres.start()


async def test_tables_of_a_newer_version_are_refused_and_left(postgres: Server) -> None:
    address = postgres.database()
    await (await PostgresJournal.open(address)).close()
    with psycopg.connect(address, autocommit=True) as newer:
        newer.execute("UPDATE tocsin.alembic_version SET version_num = '9999'")
    with pytest.raises(StoreFailed, match="got 9999 of a newer Tocsin"):
        await PostgresJournal.open(address)


async def test_a_database_that_serves_others_keeps_their_tables_apart(postgres: Server) -> None:
    address = postgres.database()
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("CREATE TABLE event (invoice integer)")
    journal = await PostgresJournal.open(address)
    await journal.commit([event(1)], [])
    await journal.close()
    with psycopg.connect(address) as other:
        assert other.execute("SELECT count(*) FROM public.event").fetchone() == (0,)


async def test_a_journal_in_a_database_is_verified_and_exported_while_it_is_written_to(postgres: Server) -> None:
    address = postgres.database()
    journal = await PostgresJournal.open(address)
    await journal.commit([event(number) for number in range(2500)], [])
    finding = offline.verify(address)
    assert (finding.entries, finding.broken_at) == (2500, None)
    out = io.StringIO()
    assert offline.export(address, offline.Selection(kind="condition."), out) == 2500
    assert json.loads(out.getvalue().splitlines()[-1])["hash"] == finding.head.hash
    with psycopg.connect(address, autocommit=True) as forger:
        forger.execute("DELETE FROM tocsin.event WHERE sequence = 1700")
    assert offline.verify(address).broken_at == 1700
    assert await journal.verify() == 1700
    await journal.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://u:secret@h/d", "expected an address such as postgresql://"),
        ("postgresql://u:secret@127.0.0.1:1/d", "check that the server runs"),
        ("postgresql://u:secret@127.0.0.1:1", "expected an address such as"),
        ("no address", "expected an address such as"),
    ],
)
async def test_a_wrong_address_is_told_without_its_password(address: str, said: str) -> None:
    with pytest.raises(StoreFailed) as failure:
        await PostgresJournal.open(address)
    assert said in str(failure.value)
    assert "secret" not in str(failure.value)
