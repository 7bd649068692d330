"""The coverage of clauses as a table for a terminal, Chinese with English beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.api.schema import CoverageRow, CoverageStatus, LimitView
from gateway.plant.criteria import ClauseCertainty

_STATUS = {
    CoverageStatus.COVERED: ("已覆盖 covered", "green"),
    CoverageStatus.FAILED: ("失效 failed", "red"),
    CoverageStatus.BYPASSED: ("旁路 bypassed", "red"),
    CoverageStatus.MISSING: ("缺失 missing", "bold red"),
    CoverageStatus.LEDGER: ("台账 by ledger", "cyan"),
}
_CERTAINTY = {
    ClauseCertainty.VERIFIED: "",
    ClauseCertainty.NUMBER_FROM_MEMORY: "条款号凭记忆 number from memory",
    ClauseCertainty.CONFIRMED: "凭记忆，地方通知可印证 from memory, a local notice agrees",
    ClauseCertainty.FROM_MEMORY: "凭记忆，待核对原文 from memory, to be checked",
    ClauseCertainty.UNLISTED: "非单列条款 no item of the order",
}
"""What is said of a clause that was not read in the published text."""

_WIDTH_IN_A_FILE = 180
"""Columns where nobody looks at a terminal: in a pipe or a file."""


class _QuietConsole(Console):
    """Leaves a broken pipe to the command line, which knows how to end on one."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """Where tables go: as wide as the terminal, or as a page of its own in a pipe."""
    screen = _QuietConsole(highlight=False)
    return screen if screen.is_terminal else _QuietConsole(highlight=False, width=_WIDTH_IN_A_FILE)


def show(rows: Sequence[CoverageRow], names: Mapping[str, str]) -> None:
    """Print one table per clause, and a count at the end. `names` are the equipment's, by id."""
    screen = console()
    watched = [row for row in rows if row.ledger is None]
    for clause in dict.fromkeys(row.clause for row in watched):
        screen.print(_table([row for row in watched if row.clause == clause], names))
        screen.print()
    screen.print(_ledger(rows))
    counts = {status: sum(row.status is status for row in rows) for status in CoverageStatus}
    screen.print(
        "合计 total: " + ", ".join(f"{_STATUS[status][0]} {count}" for status, count in counts.items() if count)
    )
    if any(limit.overridden for row in rows for limit in row.limits):
        screen.print(
            "* 由工厂文件设定，附其依据 set by the plant file, with its source; "
            "其余为默认值 the others are the criteria's defaults"
        )


def _ledger(rows: Sequence[CoverageRow]) -> Table:
    """What no sensor can watch, in one table."""
    title = Text("无法由测点监测，按台账管理\nNo sensor can watch it: kept in the ledger", style="bold")
    table = Table(title=title, title_justify="left", expand=True, padding=(0, 1))
    table.add_column("条款 clause", no_wrap=True)
    table.add_column("要求 what it asks", ratio=1)
    table.add_column("台账 what is checked", ratio=1)
    for row in rows:
        if row.ledger is not None:
            asks, checked = f"{row.title.zh}{_mark(row)}\n{row.title.en}", f"{row.ledger.zh}\n{row.ledger.en}"
            table.add_row(row.clause, Text(asks), Text(checked))
    return table


def _table(rows: Sequence[CoverageRow], names: Mapping[str, str]) -> Table:
    first = rows[0]
    table = Table(
        title=_title(first),
        title_justify="left",
        expand=True,
        padding=(0, 1),
    )
    table.add_column("设备 equipment", ratio=3)
    table.add_column("状态 status", no_wrap=True)
    table.add_column("测点 points", ratio=5)
    table.add_column("规则与联锁 rules, interlocks", ratio=6)
    table.add_column("限值 limits", ratio=6)
    for row in rows:
        word, style = _STATUS[row.status]
        table.add_row(
            Text(f"{row.equipment}\n{names.get(row.equipment, '')}"),
            Text(word, style=style),
            _points(row),
            _rules(row),
            Text("\n".join(_limit(limit) for limit in row.limits)),
        )
    return table


def _title(row: CoverageRow) -> Text:
    title = Text(f"{row.clause}  {row.title.zh}", style="bold")
    title.append(_mark(row), style="not bold yellow")
    return title.append(f"\n{row.title.en}")


def _mark(row: CoverageRow) -> str:
    return f"  ({_CERTAINTY[row.certainty]})" if _CERTAINTY[row.certainty] else ""


def _points(row: CoverageRow) -> Text:
    short = row.equipment + "."
    lines = [
        Text(point.removeprefix(short) + (" 失效 failed" if point in row.failed_points else "")) for point in row.points
    ]
    lines += [Text(f"缺 missing: {point.removeprefix(short)}", style="red") for point in row.missing_points]
    return Text("\n").join(lines)


def _rules(row: CoverageRow) -> Text:
    # Rules per point have one instance for each; the rule's name once says as much.
    names = dict.fromkeys(rule.split("@")[0] for rule in (*row.rules, *row.interlocks))
    lines = [Text(name) for name in names]
    lines += [Text(f"缺 missing: {name}", style="red") for name in row.missing_rules]
    return Text("\n").join(lines)


def _limit(limit: LimitView) -> str:
    value = f"{limit.name} = {limit.value:g} {limit.unit}".rstrip()
    if not limit.overridden:
        return f"{value} ({limit.certainty})"
    default = f"{limit.default:g} {limit.default_unit}".rstrip()
    return f"{value} * {limit.source}\n  默认 default {default} ({limit.certainty})"
