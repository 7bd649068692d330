"""`tocsin probe`: what a Modbus device answers, before anybody has written a plant file for it. Reads only."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from gateway.cli.group import WRONG
from gateway.clock import SystemClock

if TYPE_CHECKING:
    from drivers.modbus.probe import Found
    from drivers.modbus.settings import DeviceSettings, Table

TABLES = ("coil", "discrete", "input", "holding")
_MOST = 100_000


@click.command()
@click.argument("url")
@click.option("--table", "names", multiple=True, type=click.Choice(TABLES), help="Only this table; may be repeated.")
@click.option("--first", default=0, show_default=True, help="First address, from 0.")
@click.option("--last", default=199, show_default=True, help="Last address.")
@click.option(
    "--requests", default=1000, show_default=True, type=click.IntRange(1, _MOST), help="Most requests in all."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
def command(url: str, names: tuple[str, ...], first: int, last: int, requests: int, *, as_json: bool) -> None:
    """Ask the device at URL what it answers: addresses, exceptions, latency. Nothing is ever written.

    \b
      tocsin probe modbus://192.0.2.1:502/1
      tocsin probe 'modbus://192.0.2.1/1-16?timeout=300 ms'     units 1 to 16
      tocsin probe 'tls://192.0.2.1:802/1?ca=ca.pem'
      tocsin probe 'rtu:///dev/ttyS0?unit=1-8&baud=9600&parity=none&stop_bits=2'
      tocsin probe 'rtu+tcp://192.0.2.1:4001/1'

    After ? stand the settings that a plant file has for the device. Some devices change something when
    they are read, such as a counter that clears itself: leave such addresses out by --first and --last.
    Exit code 2 if nothing answers.
    """
    from drivers.modbus.probe import target_of, whole_range
    from drivers.modbus.settings import Table

    try:
        settings, units = target_of(url)
        whole_range(first, last)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    tables = [Table(name) for name in names or TABLES]
    try:
        every = asyncio.run(_probe(settings, units, tables, (first, last), requests))
    except TimeoutError:
        raise click.UsageError(f"expected a device that can be reached at {url}, got no connection in time") from None
    except (OSError, UnicodeError) as error:
        raise click.UsageError(f"expected a device that can be reached at {url}, got {error}") from error
    if as_json:
        _print_json(every)
    else:
        _print_tables(every)
    if not any(found.answers for found in every):
        click.echo("没有应答 expected an answer from some unit, got none", err=True)
        sys.exit(WRONG)


async def _probe(
    settings: DeviceSettings, units: Sequence[int], tables: Sequence[Table], addresses: tuple[int, int], most: int
) -> list[Found]:
    from drivers.modbus.probe import Probe

    probe = Probe(settings, SystemClock(), most)
    try:
        return [await probe.unit(unit, tables, *addresses) for unit in units]
    finally:
        probe.close()


def _print_json(every: Sequence[Found]) -> None:
    import json
    from dataclasses import asdict

    click.echo(json.dumps([asdict(found) for found in every], indent=2, ensure_ascii=False))


def _print_tables(every: Sequence[Found]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    silent = [str(found.unit) for found in every if not found.answers]
    for found in (each for each in every if each.answers):
        grid = Grid(title=f"单元 unit {found.unit}", title_justify="left")
        for heading in ("表 table", "地址 addresses", "结果 result", "前几个值 first values"):
            grid.add_column(heading)
        for span in found.spans:
            addresses = str(span.first) if span.first == span.last else f"{span.first}-{span.last}"
            result = f"{span.outcome}: {span.detail}" if span.detail else span.outcome
            grid.add_row(span.table, addresses, result, " ".join(map(str, span.words)))
        console.print(grid)
        ordered = sorted(found.latencies)
        half, most = ordered[len(ordered) // 2] * 1000, ordered[-1] * 1000
        at_once = ", ".join(f"{table} {count}" for table, count in found.longest.items()) or "-"
        console.print(f"  请求 requests {found.requests}; 时延 latency p50 {half:.1f} ms, max {most:.1f} ms")
        console.print(f"  一次最多 most at once: {at_once}\n")
    if silent:
        console.print(f"没有应答的单元 units that do not answer: {', '.join(silent)}")
