"""`tocsin journal`: look at a journal from outside, with or without a gateway running on it.

Never changes the journal that it is given. Exit code 1 says that a chain does not hold.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.bar import progress_bar
from gateway.cli.moment import Moment
from gateway.sample import Instant

if TYPE_CHECKING:
    from gateway.stores.journal_chain import Finding, Head

BROKEN = 1
"""Exit code of `verify` for a chain that does not hold."""

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class JournalPlace(click.Path):
    """A journal's file that is there, or the address of a database."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.startswith(("postgresql://", "postgres://")):
            return value
        return super().convert(value, param, ctx)


JOURNAL = JournalPlace(path_type=Path, exists=True, dir_okay=False)


@click.group()
def command() -> None:
    """事件日志 Verify, export, copy and restore a journal."""


def _head(_: click.Context, __: click.Parameter, value: str | None) -> Head | None:
    from gateway.stores.journal_chain import Head

    if value is None:
        return None
    sequence, _colon, hash_ = value.partition(":")
    if not sequence.isdecimal() or len(hash_) != 64:
        raise click.BadParameter(f"expected what 'verify' prints as the head, NUMBER:HASH, got {value!r}")
    return Head(int(sequence), hash_)


@command.command("verify")
@click.argument("journal", type=JOURNAL)
@click.option("--head", callback=_head, help="A head noted earlier: shows also that nothing was cut off since.")
def verify_command(journal: Path | str, head: Head | None) -> None:
    """核验 Recompute the hash chain of JOURNAL (its file, a postgresql:// address, or a whole export).

    Exit code 0 if it holds, 1 if not.
    """
    from gateway.stores import journal_offline as offline
    from gateway.stores.journal_chain import follow

    if isinstance(journal, Path) and journal.suffix == ".jsonl":
        with journal.open(encoding="utf-8") as lines:
            finding = follow(offline.read_export(lines, str(journal)), known=head)
    else:
        with progress_bar("核验 verifying") as progress:
            finding = offline.verify(journal, head, progress)
    _say(finding)
    if finding.broken_at is not None:
        click.echo(f"断链 BROKEN at entry {finding.broken_at}: {finding.reason}", err=True)
        sys.exit(BROKEN)


@command.command("export")
@click.argument("journal", type=JOURNAL)
@click.option("--from", "start", type=Moment(), help="First moment, China's time if it names no zone.")
@click.option("--to", "end", type=Moment(), help="First moment that is left out.")
@click.option("--subject", default="", help="Only what happened to this alarm, ticket, demand, device ...")
@click.option("--kind", default="", help="Only kinds that begin so: 'alarm.', 'ticket.moved' ...")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A new file; standard output otherwise."
)
def export_command(
    journal: Path | str, start: Instant | None, end: Instant | None, subject: str, kind: str, output: Path | None
) -> None:
    """导出 Print entries of JOURNAL as JSON lines, oldest first, each with what proves its place in the chain."""
    from gateway.stores import journal_offline as offline

    if start is not None and end is not None and end <= start:
        raise click.UsageError("expected --to after --from, got a range that ends before it starts")
    selection = offline.Selection(start, end, subject, kind)
    if output is None:
        offline.export(journal, selection, sys.stdout)
        return
    try:
        with output.open("x", encoding="utf-8") as into:
            count = offline.export(journal, selection, into)
    except FileExistsError:
        raise click.UsageError(f"expected {output} not to be there, got a file; nothing is written over") from None
    click.echo(f"{count} 条 entries -> {output}", err=True)


@command.command("backup")
@click.argument("journal", type=FILE)
@click.argument("copy", type=click.Path(path_type=Path, dir_okay=False))
def backup_command(journal: Path, copy: Path) -> None:
    """备份 Copy JOURNAL to the new file COPY while the gateway runs, and verify the copy."""
    from gateway.stores import journal_offline as offline

    with progress_bar("备份 copying") as progress:
        _say(offline.copy(journal, copy, progress))


@command.command("restore")
@click.argument("copy", type=FILE)
@click.argument("data", type=click.Path(path_type=Path, file_okay=False, exists=True))
def restore_command(copy: Path, data: Path) -> None:
    """恢复 Put a verified COPY as the journal of the data directory DATA, which must have none."""
    from gateway.stores import journal_offline as offline
    from gateway.stores.place import JOURNAL_FILE

    _say(offline.copy(copy, data / JOURNAL_FILE))


def _say(finding: Finding) -> None:
    from gateway.clock import to_datetime

    first, last = (
        "-" if at is None else to_datetime(at).isoformat(timespec="seconds")
        for at in (finding.first_at, finding.last_at)
    )
    click.echo(f"{finding.entries} 条 entries, {first} .. {last}")
    click.echo(f"链头 head {finding.head}")
