"""`tocsin simulate`: the simulated plant on its own, with one scenario, with all of them, or quiet."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import click

from gateway.cli.group import WRONG
from gateway.cli.lifeline import end_with_parent

DEMO_PLANT = Path(__file__).parents[2] / "simulators" / "demo" / "plant.yaml"


@click.command()
@click.argument("name", required=False)
@click.option("--plant", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=DEMO_PLANT)
@click.option("--list", "listing", is_flag=True, help="Show the scenarios and end.")
@click.option("--loop", is_flag=True, help="Begin again after the last scenario, for ever.")
@click.option("--lifeline", is_flag=True, hidden=True, help="End when standard input closes.")
def command(name: str | None, plant: Path, *, listing: bool, loop: bool, lifeline: bool) -> None:
    """Serve a simulated plant and play the scenario NAME, or all in turn without it."""
    from simulators.scenarios.scenario import load_scenarios

    scenarios = load_scenarios()
    lines = [f"  {one.id:<10} {one.title.zh} · {one.title.en}" for one in scenarios.values()]
    if listing:
        click.echo("\n".join(lines))
        return
    if name is not None and name not in scenarios:
        click.echo(f"expected the name of a scenario, got {name!r}; there are:", err=True)
        click.echo("\n".join(lines), err=True)
        sys.exit(WRONG)
    if lifeline:
        end_with_parent()
    asyncio.run(_serve(plant, name, loop=loop))


async def _serve(file: Path, name: str | None, *, loop: bool) -> None:
    from gateway.app import DRIVERS, load_criteria
    from gateway.plant.loader import load_plant
    from simulators.run import simulate

    plant = load_plant(file, DRIVERS, load_criteria())
    playing = asyncio.ensure_future(simulate(plant, name, loop=loop, announce=_announce))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, playing.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await playing


def _announce(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
