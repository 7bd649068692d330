"""`tocsin restore`: a verified backup as the content of a data directory. Writes over nothing."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.backup import DIRECTORY, say
from gateway.cli.bar import progress_bar


@click.command()
@click.argument("place", type=DIRECTORY)
@click.argument("data", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--check", is_flag=True, help="Only read the backup again, every byte of it; DATA is not needed.")
def command(place: Path, data: Path | None, check: bool) -> None:  # noqa: FBT001 - click's flag
    """恢复 Verify the backup PLACE and make it the content of DATA, which must have no stores."""
    from gateway.stores import backup

    if check == (data is not None):
        raise click.UsageError("expected either DATA, the directory to restore into, or --check")
    with progress_bar("核验 verifying" if data is None else "恢复 restoring") as progress:
        held = backup.verify(place, progress) if data is None else backup.put(place, data, progress)
    say(held)
