"""`tocsin ledger`: a prescribed form as a workbook, from a journal, with or without a gateway running on it."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.moment import Moment
from gateway.sample import Instant


@click.command()
@click.argument("form", metavar="FORM")
@click.argument("plant", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--from", "start", type=Moment(), required=True, help="First day, in China's time.")
@click.option("--to", "end", type=Moment(), required=True, help="First day that is left out.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A new .xlsx file.")
def command(form: str, plant: Path, data: Path, start: Instant, end: Instant, output: Path) -> None:
    """Fill FORM for PLANT from the journal in the data directory."""
    from gateway import app
    from gateway.clock import SystemClock
    from gateway.ledgers.form import Period
    from gateway.ledgers.forms import FORMS, filled
    from gateway.ledgers.workbook import written
    from gateway.runtime.states import tickets_of
    from gateway.store import StateKind
    from gateway.stores.journal_offline import state_rows
    from gateway.stores.place import JOURNAL_FILE

    if form not in FORMS:
        raise click.UsageError(f"expected a form among [{', '.join(FORMS)}], got {form!r}")
    if end <= start:
        raise click.UsageError("expected --to after --from, got a range that ends before it starts")
    tickets = tickets_of(state_rows(data / JOURNAL_FILE, StateKind.TICKET))
    made = filled(form, app.load(plant)[0], tickets, Period(start, end), SystemClock().now())
    try:
        with output.open("xb") as file:
            file.write(written(*made))
    except FileExistsError:
        raise click.UsageError(f"expected {output} not to be there, got a file; nothing is written over") from None
    except OSError as error:
        raise click.UsageError(f"expected to be allowed to write {output}, got: {error.strerror}") from None
    click.echo(f"{made[0].title}: {len(made[0].rows)} 行 rows -> {output}", err=True)
