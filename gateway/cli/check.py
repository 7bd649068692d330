"""`tocsin check`: what is wrong, unwise or missing in a plant file, and what covers which clause.

Errors and warnings go to standard error, one a line; the coverage table goes to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import click
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from gateway.api.schema import CoverageRow
from gateway.cli.group import WRONG
from gateway.clock import SystemClock, to_datetime
from gateway.document import read_yaml
from gateway.duration import format_duration
from gateway.errors import ConfigurationError, Problem
from gateway.plant.advice import advice
from gateway.plant.bus_time import Line, bus_time
from gateway.plant.coverage import coverage

_LINES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Cost:
    """What the compiled rules cost at most, known before they run."""

    rules: int
    interlocks: int
    nodes: int
    groups: int
    """Kernels, each a handful of array operations a tick."""
    memory: int
    """Bytes of state."""
    operations: int
    """Array elements that a tick touches."""
    horizon: int
    """History (microseconds) after which every rule knows what it can."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `--json` prints."""

    problems: tuple[Problem, ...]
    """Errors, or warnings if there are no errors."""
    coverage: tuple[CoverageRow, ...]
    """Empty where there are errors."""
    cost: Cost | None
    """None where there are errors."""
    lines: tuple[Line, ...] = ()
    """How much of each line's time its scans take, the fullest first."""


@click.command()
@click.argument("plant", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def command(plant: Path, *, as_json: bool) -> None:
    """Check PLANT, and show which clause is covered by which points, rules and limits.

    Ends with exit code 2 if the file has errors, 0 otherwise; warnings do not count.
    """
    try:
        problems, rows, names, cost, lines = _checked(plant)
    except ConfigurationError as error:
        if not as_json:
            raise
        click.echo(TypeAdapter(Report).dump_json(Report(error.problems, (), None), indent=2).decode())
        sys.exit(WRONG)
    if as_json:
        click.echo(TypeAdapter(Report).dump_json(Report(tuple(problems), rows, cost, lines), indent=2).decode())
        return
    for problem in problems:
        click.echo(str(problem), err=True)
    from gateway.cli.coverage_table import show

    show(rows, names)
    click.echo(
        f"程序 program: {cost.rules} 条规则 rules, {cost.interlocks} 个联锁 interlocks, "
        f"{cost.nodes} 个节点 nodes in {cost.groups} 组 kernels; 状态 state {cost.memory / 1024:.0f} KiB, "
        f"每拍 a tick {cost.operations} 次运算 operations; 预热 warm after {format_duration(cost.horizon)}"
    )
    for line in lines[:_LINES_SHOWN]:
        click.echo(f"总线时间 bus time: {line}")
    if len(lines) > _LINES_SHOWN:
        least = lines[_LINES_SHOWN].share
        click.echo(f"总线时间 bus time: {len(lines) - _LINES_SHOWN} 条更空闲 lines more, {least:.0%} at most (--json)")


def _checked(
    path: Path,
) -> tuple[Sequence[Problem], tuple[CoverageRow, ...], dict[str, str], Cost, tuple[Line, ...]]:
    """Warnings, coverage, the equipment's names, the cost and the lines; raises ConfigurationError."""
    from gateway import app

    plant, program = app.load(path)
    criteria = app.load_criteria()
    document = read_yaml(path.read_text(encoding="utf-8-sig"), str(path))
    if outside := app.examine(plant):
        raise ConfigurationError(outside)
    warnings = advice(plant, document, app.DRIVERS, criteria, program.rules, _today())
    rows = coverage(plant, criteria, program.rules, program.interlocks, (), app.limits_by_rule(program))
    plan = program.plan()
    cost = Cost(plan.rules, plan.interlocks, plan.nodes, plan.groups, plan.memory, plan.operations, plan.horizon)
    names = {equipment.id: equipment.name.zh for equipment in plant.equipment}
    return [*warnings, *program.warnings], rows, names, cost, bus_time(plant, app.DRIVERS)


def _today() -> date:
    """The day in China, which keeps one time zone: dates in plant files are such days."""
    return (to_datetime(SystemClock().now()) + timedelta(hours=8)).date()
