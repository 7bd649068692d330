"""`tocsin backup`: a whole data directory copied and verified, with or without a gateway running on it.

Never changes a store that it copies, and writes over nothing.
"""

from __future__ import annotations

import asyncio
import getpass
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.ask import ask, url_option
from gateway.cli.bar import progress_bar
from gateway.errors import refusal

if TYPE_CHECKING:
    from gateway.stores.backup import Held

_LONGEST = 3600.0
"""Seconds that a gateway may take to put its history down."""

DIRECTORY = click.Path(path_type=Path, file_okay=False, exists=True)
_SNAPSHOT = "/api/history/snapshot"


@click.command()
@click.argument("data", type=DIRECTORY)
@click.argument("place", type=click.Path(path_type=Path))
@click.option("--like", type=DIRECTORY, help="An earlier backup on the same disk: what has not changed is linked.")
@url_option
def command(data: Path, place: Path, like: Path | None, url: str) -> None:
    """备份 Copy the data directory DATA to the new directory PLACE: journal, history and all else, as of now, verified.

    If a gateway runs on DATA it is asked at --url for its history as of one moment, and goes on. The plant file and
    the packs are not in DATA.
    """
    from gateway.clock import SystemClock
    from gateway.stores import backup
    from gateway.stores.place import HISTORY_FILE, JOURNAL_FILE

    if not any((data / name).is_file() for name in (HISTORY_FILE, JOURNAL_FILE)):
        raise click.UsageError(f"expected the data directory of a gateway, got {data}, which has no store in it")
    with _snapshot(data, url) as snapshot, progress_bar("备份 copying") as progress:
        held = backup.take(data, snapshot, place, SystemClock().now(), like=like, progress=progress)
    say(held)


@contextmanager
def _snapshot(data: Path, url: str) -> Iterator[Path]:
    """The history as of one moment: our own where nobody holds the file, the gateway's otherwise."""
    from gateway.stores.history_snapshot import is_held
    from gateway.stores.place import HISTORY_FILE, SNAPSHOT

    directory = data / SNAPSHOT
    if (data / HISTORY_FILE).is_file() and is_held(data / HISTORY_FILE):
        _ask_for(directory, url)
        try:
            yield directory
        finally:
            _let_go(url)
        return
    _remove(directory)
    directory.mkdir()
    try:
        if (data / HISTORY_FILE).is_file():
            asyncio.run(_put_down(data / HISTORY_FILE, directory / HISTORY_FILE))
        yield directory
    finally:
        _remove(directory)


async def _put_down(history_file: Path, target: Path) -> None:
    """A snapshot of a history that no gateway holds; while it is made none can."""
    from gateway.stores.history_duckdb import DuckdbHistory

    history = await DuckdbHistory.open(history_file, ())
    try:
        await history.snapshot(target)
    finally:
        await history.close()


def _ask_for(directory: Path, url: str) -> None:
    from gateway.stores.place import HISTORY_FILE

    body = {"by": _user()}
    told = ask(url, _SNAPSHOT, body, method="POST", refused="a snapshot of the history", patience=_LONGEST)
    if not (directory / HISTORY_FILE).is_file() or not Path(told["directory"]).samefile(directory):
        _let_go(url)
        raise refusal("--url", f"the gateway that runs on {directory.parent}", f"one that runs on {told['directory']}")


def _let_go(url: str) -> None:
    ask(url, _SNAPSHOT, None, method="DELETE", refused="to be told that the snapshot can go", patience=60.0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "tocsin backup"


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


def say(held: Held) -> None:
    """What a backup holds, for whoever asked."""
    click.echo(f"{held.made_at}　{held.samples} 个样本 samples, {held.files} 个文件 files, {held.size} 字节 bytes")
    if held.entries is None:
        click.echo(
            "日志不在此目录，请用数据库自带工具备份 the journal is elsewhere: back it up with its server's tools",
            err=True,
        )
    else:
        click.echo(f"{held.entries} 条 entries, 链头 head {held.head}")
    for name in held.missing:
        click.echo(f"缺失 missing: {name} (该文件在备份前就已丢失 it had been lost before)", err=True)
