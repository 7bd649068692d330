"""`tocsin ledger`: a prescribed form as a workbook, from a journal; and an existing ledger into a running gateway."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import click

from gateway.cli.moment import Moment
from gateway.errors import Problem, RequestRefused, wrong_field
from gateway.sample import Instant

_LONGEST = 120.0
"""Seconds that a gateway may take for a ledger of some thousand lines."""


class Forms(click.Group):
    """`import`, and a command for every form."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from gateway.ledgers.forms import FORMS

        return [*super().list_commands(ctx), *FORMS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from gateway.ledgers.forms import FORMS

        known = super().get_command(ctx, cmd_name)
        if known is not None:
            return known
        if cmd_name not in FORMS:
            raise click.UsageError(f"expected 'import' or a form among [{', '.join(FORMS)}], got {cmd_name!r}")
        name = FORMS[cmd_name].name
        return click.Command(
            cmd_name,
            params=list(_form_command.params),
            callback=_form_command.callback,
            help=f"{name.zh} {name.en}: fill it for PLANT from the journal in the data directory.",
            short_help=f"{name.zh} {name.en}",
        )


@click.command(cls=Forms)
def command() -> None:
    """台账 Write a prescribed form as a workbook, or take over a ledger that was kept elsewhere."""


@click.command()
@click.argument("plant", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--from", "start", type=Moment(), required=True, help="First day, in China's time.")
@click.option("--to", "end", type=Moment(), required=True, help="First day that is left out.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A new .xlsx file.")
@click.pass_context
def _form_command(ctx: click.Context, plant: Path, data: Path, start: Instant, end: Instant, output: Path) -> None:
    from gateway import app
    from gateway.clock import SystemClock
    from gateway.ledgers.form import Period
    from gateway.ledgers.forms import filled
    from gateway.ledgers.proof_form import proven
    from gateway.ledgers.workbook import written
    from gateway.runtime.states import interlocks_of, tickets_of
    from gateway.store import StateKind
    from gateway.stores.journal_offline import state_rows
    from gateway.stores.place import JOURNAL_FILE

    if end <= start:
        raise click.UsageError("expected --to after --from, got a range that ends before it starts")
    tickets = tickets_of(state_rows(data / JOURNAL_FILE, StateKind.TICKET))
    form = str(ctx.info_name)
    records = interlocks_of(state_rows(data / JOURNAL_FILE, StateKind.INTERLOCK))
    site, program = app.load(plant)
    interlocks = proven(program.interlocks, program.rules, records, site.interlocks)
    made = filled(form, site, tickets, Period(start, end), SystemClock().now(), interlocks)
    try:
        with output.open("xb") as file:
            file.write(written(*made))
    except FileExistsError:
        raise click.UsageError(f"expected {output} not to be there, got a file; nothing is written over") from None
    except OSError as error:
        raise click.UsageError(f"expected to be allowed to write {output}, got: {error.strerror}") from None
    click.echo(f"{made[0].title}: {len(made[0].rows)} 行 rows -> {output}", err=True)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Look through FILE only; no gateway is asked and nothing is filed.")
@click.option("--by", default="", help="姓名 Who hands it in.")
@click.option("--comment", default="", help="说明 Why, or where it comes from.")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The running gateway.")
def import_command(file: Path, by: str, comment: str, url: str, *, check: bool) -> None:
    """导入 Take over the hazard ledger (隐患排查台账) in FILE: every line as a ticket, once, however often it is asked.

    If anything in it is wrong, every mistake is told with its cell, nothing is filed, and the exit code is 2.
    """
    from gateway.clock import SystemClock
    from gateway.ledgers.hazard_reader import read_ledger
    from gateway.ledgers.workbook_reader import read_workbook

    data = file.read_bytes()
    try:
        entries = read_ledger(read_workbook(data, file.name), file.name, SystemClock().now())
    except RequestRefused as refused:
        raise _told(refused.problems) from refused
    if check:
        click.echo(f"{file}: {len(entries)} 条隐患，可以导入 hazards, ready to be taken over", err=True)
        return
    if not by.strip():
        raise click.UsageError("expected --by with the name of who hands the ledger in, got nothing")
    done = _sent(url, data, {"by": by, "comment": comment, "file": file.name})
    click.echo(f"新建工单 filed {len(done['filed'])}，已有 already there {len(done['known'])}", err=True)
    for ticket in done["filed"]:
        click.echo(ticket)


def _told(problems: tuple[Problem, ...]) -> click.UsageError:
    """Every mistake on a line of its own."""
    lines = "\n".join(f"  {each.field}: expected {each.expected}, got {each.got}" for each in problems)
    return click.UsageError(f"{len(problems)} 处错误，未导入 mistakes, nothing was taken over:\n{lines}")


def _sent(url: str, data: bytes, query: dict[str, str]) -> dict[str, list[str]]:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"expected --url as http://host:port, got {url!r}")
    from gateway.api.answers import IMPORT_PATH
    from gateway.api.workbooks import WORKBOOK

    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        f"{url.rstrip('/')}{IMPORT_PATH}?{urlencode(query)}", data, {"content-type": WORKBOOK}
    )
    try:
        with urllib.request.urlopen(request, timeout=_LONGEST) as answer:  # noqa: S310
            found: dict[str, list[str]] = json.load(answer)
            return found
    except urllib.error.HTTPError as refused:
        raise _refusal(url, refused) from refused
    except (urllib.error.URLError, OSError) as error:
        raise click.UsageError(f"expected a gateway that answers at {url}, got: {error}") from error


def _refusal(url: str, refused: urllib.error.HTTPError) -> click.UsageError:
    try:
        told = json.load(refused)
        problems = tuple(wrong_field(p["field"], p["expected"], p["got"]) for p in told["problems"])
        return _told(problems) if problems else click.UsageError(told["message"])
    except (ValueError, KeyError):
        return click.UsageError(f"expected a Tocsin gateway at {url}, got HTTP {refused.code}")
