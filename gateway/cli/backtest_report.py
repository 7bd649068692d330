"""The report of a back-test: as values, as JSON, and as tables for a terminal, Chinese with English beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, timezone

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.backtest.compare import Difference, Judged, difference, judged
from gateway.backtest.many import Subject
from gateway.backtest.run import Outcome
from gateway.cli.coverage_table import console
from gateway.clock import to_datetime
from gateway.duration import format_duration
from gateway.kpi import AlarmFigures
from gateway.sample import SECOND, Instant

_ROWS = 40
"""Alarms listed in a terminal; the JSON has all."""

_BEIJING = timezone(timedelta(hours=8))
_MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True)
class SetReport:
    """One rule set over the stretch."""

    name: str
    rules: int
    trials: int
    """Episodes of rules on trial, which are in no figure."""
    demands: int
    tickets: int
    unknown: dict[str, int]
    """Microseconds in which a rule could not be evaluated, by rule instance."""
    judged: Judged


@dataclass(frozen=True, slots=True)
class Report:
    """What `--json` writes; `difference` is from the rules compared against to the new ones."""

    start: Instant
    end: Instant
    samples: int
    ticks: int
    seconds: float
    samples_per_second: float
    sets: tuple[SetReport, ...]
    difference: Difference | None


def report_of(
    subjects: Sequence[Subject], outcomes: Sequence[Outcome], only: Sequence[str], samples: int, seconds: float
) -> Report:
    """The first subject is what is tried, the second, if any, what it is compared with."""
    chosen = [_only(outcome, only) for outcome in outcomes]
    sets = tuple(_set(subject.name, outcome) for subject, outcome in zip(subjects, chosen))
    return Report(
        start=outcomes[0].start,
        end=outcomes[0].end,
        samples=samples,
        ticks=sum(outcome.ticks for outcome in outcomes),
        seconds=round(seconds, 3),
        samples_per_second=round(samples / seconds) if seconds else 0.0,
        sets=sets,
        difference=difference(chosen[1], chosen[0]) if len(chosen) > 1 else None,
    )


def as_json(report: Report) -> str:
    return TypeAdapter(Report).dump_json(report, indent=1).decode() + "\n"


def show(report: Report) -> None:
    """Print it."""
    out = console()
    out.print(
        f"{moment(report.start)} – {moment(report.end)}  "
        f"{report.samples:,} 样本 samples, {report.ticks:,} 周期 ticks, {report.seconds:.1f} s, "
        f"{report.samples_per_second:,.0f} 样本/秒 samples/s"
    )
    out.print(_figures(report))
    if report.difference is not None:
        _show_difference(out, report.difference)
    for each in report.sets:
        if each.judged.figures.alarms:
            out.print(_alarms(each))


def moment(at: Instant) -> str:
    """In China's time."""
    return to_datetime(at).astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _only(outcome: Outcome, only: Sequence[str]) -> Outcome:
    if not only:
        return outcome
    wanted = frozenset(only)

    def chosen(rule: str) -> bool:
        return rule in wanted or rule.partition("@")[0] in wanted

    return replace(
        outcome,
        rules=tuple(rule for rule in outcome.rules if chosen(rule.id)),
        episodes=tuple(each for each in outcome.episodes if chosen(each.alarm)),
        trials=tuple(each for each in outcome.trials if chosen(each.alarm)),
        unknown={rule: time for rule, time in outcome.unknown.items() if chosen(rule)},
    )


def _set(name: str, outcome: Outcome) -> SetReport:
    return SetReport(
        name=name,
        rules=len(outcome.rules),
        trials=len(outcome.trials),
        demands=outcome.demands,
        tickets=outcome.tickets,
        unknown=dict(outcome.unknown),
        judged=judged(name, outcome),
    )


def _figures(report: Report) -> Table:
    table = Table(title="指标 Figures (ISA-18.2, EEMUA 191)", title_justify="left")
    table.add_column("")
    for each in report.sets:
        table.add_column(Text(each.name), justify="right", overflow="fold")
    span = report.end - report.start
    rows = [
        ("规则 rules", [f"{each.rules:,}" for each in report.sets]),
        ("报警 alarms", [f"{each.judged.figures.annunciations:,}" for each in report.sets]),
        ("每小时 per hour (≤6)", [f"{each.judged.figures.per_hour:.2f}" for each in report.sets]),
        ("每10分钟 per 10 min (≤1)", [f"{each.judged.figures.per_ten_minutes:.3f}" for each in report.sets]),
        ("最忙10分钟 busiest 10 min", [f"{each.judged.figures.busiest_slot:,}" for each in report.sets]),
        ("泛滥 floods", [f"{len(each.judged.figures.floods):,}" for each in report.sets]),
        ("泛滥时间 time in flood (<1 %)", [f"{each.judged.figures.time_in_flood / span:.2%}" for each in report.sets]),
        ("抖动 chattering (0)", [f"{each.judged.figures.chattering:,}" for each in report.sets]),
        ("瞬间 fleeting (0)", [f"{each.judged.figures.fleeting:,}" for each in report.sets]),
        ("陈旧 stale >24 h (<5)", [f"{each.judged.figures.stale:,}" for each in report.sets]),
        ("前十占比 top ten share", [f"{each.judged.figures.top_share:.0%}" for each in report.sets]),
        ("联锁要求 demands", [f"{each.demands:,}" for each in report.sets]),
        ("疑似隐患 tickets", [f"{each.tickets:,}" for each in report.sets]),
        ("试运行 on trial", [f"{each.trials:,}" for each in report.sets]),
        ("未知时间 unknown, rule time", [_share(each, span) for each in report.sets]),
    ]
    for name, cells in rows:
        table.add_row(name, *cells)
    return table


def _share(each: SetReport, span: int) -> str:
    return f"{sum(each.unknown.values()) / (span * max(each.rules, 1)):.2%}"


def _show_difference(out: Console, found: Difference) -> None:
    sooner = [each for each in found.both if each.gained > 0]
    later = [each for each in found.both if each.gained < 0]
    out.print(
        f"规则 rules: 新增 added {len(found.rules_added)}, 撤除 removed {len(found.rules_removed)}, "
        f"变更 changed {len(found.rules_changed)}"
    )
    same = len(found.both) - len(sooner) - len(later)
    out.print(
        f"报警 alarms: 新增 added {len(found.added)}, 消失 removed {len(found.removed)}, "
        f"提前 sooner {len(sooner)}, 推迟 later {len(later)}, 相同 the same {same}"
    )
    rows = [("新增 added", each, "") for each in found.added]
    rows += [("消失 removed", each, "") for each in found.removed]
    rows += [("提前 sooner", each.after, format_duration(each.gained)) for each in sooner]
    rows += [("推迟 later", each.after, format_duration(-each.gained)) for each in later]
    if not rows:
        return
    table = Table(title="差异 Differences", title_justify="left")
    for column in ("", "报警 alarm", "发生 raised", "恢复 returned", "相差 by"):
        table.add_column(column, overflow="fold")
    for what, each, by in rows[:_ROWS]:
        returned = "未恢复 stands" if each.cleared_at is None else moment(each.cleared_at)
        table.add_row(what, Text(each.alarm), moment(each.raised_at), returned, by)
    out.print(table)
    if len(rows) > _ROWS:
        out.print(f"另有 and {len(rows) - _ROWS} more; --json 有全部 has all of them")


def _alarms(each: SetReport) -> Table:
    table = Table(title=Text(f"{each.name}: 最多的报警 most frequent alarms"), title_justify="left")
    table.add_column("报警 alarm", overflow="fold")
    for column in ("次数 count", "抖动 chattering", "瞬间 fleeting", "陈旧 stale", "未知 unknown"):
        table.add_column(column, justify="right")
    for row in each.judged.figures.alarms[:15]:
        table.add_row(*_alarm(row, each))
    return table


def _alarm(row: AlarmFigures, each: SetReport) -> tuple[Text | str, ...]:
    unknown = each.unknown.get(row.alarm, 0) // _MINUTE
    counts = (row.count, row.chattering, row.fleeting, row.stale)
    return (Text(row.alarm), *(str(count) if count else "" for count in counts), f"{unknown} min" if unknown else "")
