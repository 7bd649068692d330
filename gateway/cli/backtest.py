"""`tocsin backtest`: what one rule set, or two side by side, would have said of the past.

Reads stored samples and rules; changes nothing. The report goes to standard output, progress to a terminal alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.clock import SystemClock, from_datetime, to_datetime
from gateway.duration import parse_duration
from gateway.errors import RequestRefused, StoreFailed, refusal, wrong_field
from gateway.sample import SECOND, Instant

if TYPE_CHECKING:
    from gateway.backtest.many import Stretch, Subject
    from gateway.backtest.run import Outcome
    from gateway.stores.history_reader import HistoryReader
    from gateway.stores.sample_file import SampleFile

BEIJING = timezone(timedelta(hours=8))
"""Where a time without a zone is meant."""

Tell = Callable[[Instant, int], None]


class Moment(click.ParamType[datetime]):
    """A date or a date and time; without a zone it is China's."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"expected a time such as 2026-11-01 or 2026-11-01T08:00:00+08:00, got {value!r}", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    start: datetime | None
    end: datetime | None
    resolution: int
    heartbeat: int
    only: tuple[str, ...]


@click.command()
@click.argument("plant", type=click.Path(path_type=Path))
@click.option("--rules", type=click.Path(path_type=Path), help="Packs directory, or a plant file with other limits.")
@click.option("--against", type=click.Path(path_type=Path), help="The same; what RULES are compared with.")
@click.option("--from", "start", type=Moment(), help="Beginning; without a zone in China's time.")
@click.option("--to", "end", type=Moment(), help="End, not included.")
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Data directory of a gateway that does not run now; only read, never changed.",
)
@click.option("--data", type=click.Path(path_type=Path), help="CSV or Parquet file of samples in place of a history.")
@click.option("--only", multiple=True, help="Report only this rule or rule instance; may be given again.")
@click.option("--resolution", default="100 ms", show_default=True, help="How finely receipt times are told apart.")
@click.option("--heartbeat", default="1 s", show_default=True, help="Longest time between two looks at silence.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this SVG file.")
def command(
    plant: Path,
    rules: Path | None,
    against: Path | None,
    start: datetime | None,
    end: datetime | None,
    history: Path,
    data: Path | None,
    only: tuple[str, ...],
    resolution: str,
    heartbeat: str,
    json_file: Path | None,
    plot: Path | None,
) -> None:
    """Run RULES over the stored samples of PLANT, and say what they would have said.

    With --against both sets run over the same samples, and the report tells which alarms were added, which were
    removed, and which come sooner or later. Rules default to those that Tocsin ships.
    """
    from gateway.cli import backtest_report as reports

    asked = Asked(start, end, _duration("--resolution", resolution), _duration("--heartbeat", heartbeat), only)
    _require_places(json_file, plot)
    subjects = [_subject(plant, rules, "rules")]
    subjects += [] if against is None else [_subject(plant, against, "against")]
    _require_rules(subjects, only)
    clock = SystemClock()
    began = clock.now()
    with _progress() as tell:
        outcomes, samples = asyncio.run(_run(subjects, asked, history, data, tell))
    report = reports.report_of(subjects, outcomes, only, samples, (clock.now() - began) / SECOND)
    reports.show(report)
    if json_file is not None:
        json_file.write_text(reports.as_json(report), encoding="utf-8")
    if plot is not None:
        from gateway.cli.backtest_plot import draw

        plot.write_text(draw(report), encoding="utf-8")


def _subject(plant: Path, rules: Path | None, name: str) -> Subject:
    from gateway import app
    from gateway.backtest.many import Subject

    if rules is None:
        configuration = app.configure(plant)
    elif rules.is_dir():
        configuration = app.configure(plant, rules)
    elif rules.is_file():
        configuration = app.configure(rules)
    else:
        raise refusal(f"--{name}", "a packs directory or a plant file", f"{rules}, which is not there")
    return Subject(str(rules or "shipped rules"), configuration.plant, configuration.program)


def _require_rules(subjects: Sequence[Subject], only: Sequence[str]) -> None:
    from gateway.document.words import one_of

    known = {name for subject in subjects for rule in subject.program.rules for name in (rule.id, rule.rule)}
    problems = [wrong_field("--only", one_of(known, each), repr(each)) for each in only if each not in known]
    if problems:
        raise RequestRefused(problems)


def _require_places(*files: Path | None) -> None:
    """An hour of work must not end at a folder that is not there."""
    for file in files:
        if file is not None and not file.absolute().parent.is_dir():
            raise refusal(str(file), "a file in a directory that is there", f"no directory {file.absolute().parent}")


async def _run(
    subjects: Sequence[Subject], asked: Asked, history: Path, data: Path | None, tell: Callable[[Stretch], Tell]
) -> tuple[list[Outcome], int]:
    from gateway.backtest.many import point_names, run_all

    names = point_names(subjects)
    if data is not None:
        from gateway.stores.sample_file import SampleFile

        with SampleFile(data) as file:
            first, last = file.extent()
            stretch = _stretch(asked, (first, Instant(last + 1)))
            _require_points(file, names, data)
            batches = file.samples(names, stretch.begin(subjects), stretch.end)
            outcomes, samples = await run_all(subjects, batches, stretch, tell(stretch))
    else:
        stretch = _stretch(asked, None)
        async with _history(_file_of(history), names) as opened:
            batches = opened.samples(stretch.begin(subjects), stretch.end)
            outcomes, samples = await run_all(subjects, batches, stretch, tell(stretch))
    if not samples:
        raise refusal("--from", "a stretch in which this plant's points have samples", "none between --from and --to")
    return outcomes, samples


@asynccontextmanager
async def _history(file: Path, names: Sequence[str]) -> AsyncIterator[HistoryReader]:
    """The stored history, which stays as it is; refused where a gateway holds it."""
    from gateway.stores.history_reader import HistoryReader

    try:
        history = await HistoryReader.open(file, names)
    except StoreFailed as failure:
        if "lock" not in str(failure):
            raise
        got = f"{file}, which a running gateway holds; stop it, or copy the data directory while it is stopped"
        raise refusal("--history", "a history that nobody holds", got) from failure
    if history.damaged:
        shown = f"{', '.join(history.damaged[:5])}{' ...' if len(history.damaged) > 5 else ''}"
        click.echo(f"缺失或损坏的历史文件 history files missing or damaged, left out: {shown}", err=True)
    try:
        yield history
    finally:
        await history.close()


def _file_of(place: Path) -> Path:
    from gateway.stores.place import HISTORY_FILE

    file = place / HISTORY_FILE if place.is_dir() else place
    if not file.is_file():
        raise refusal("--history", "a gateway's data directory, or --data", f"{place}, in which there is no history")
    return file


def _stretch(asked: Asked, extent: tuple[Instant, Instant] | None) -> Stretch:
    from gateway.backtest.many import Stretch

    if asked.start is None and extent is None:
        raise refusal("--from", "the time from which to run", "nothing")
    start = extent[0] if asked.start is None and extent is not None else _instant(asked.start)
    latest = SystemClock().now() if extent is None else extent[1]
    end = latest if asked.end is None else _instant(asked.end)
    if end <= start:
        raise refusal("--to", f"a time after --from ({_words(start)})", _words(end))
    return Stretch(start, end, asked.resolution, asked.heartbeat)


def _instant(moment: datetime | None) -> Instant:
    assert moment is not None  # noqa: S101 - asked before
    return from_datetime(moment)


def _words(at: Instant) -> str:
    return to_datetime(at).astimezone(BEIJING).isoformat(timespec="seconds")


def _require_points(file: SampleFile, names: Sequence[str], data: Path) -> None:
    """At least one; which of the others are missing is told, for their rules stay unknown."""
    there = file.names()
    known = [name for name in names if name in there]
    if not known:
        shown = ", ".join(sorted(there)[:10])
        raise refusal(str(data), f"points of the plant such as {', '.join(names[:3])}", shown)
    missing = [name for name in names if name not in there and not name.startswith("gateway.")]
    if missing:
        click.echo(
            f"无数据的测点 points without data: {len(missing)} ({', '.join(missing[:5])}"
            f"{' ...' if len(missing) > 5 else ''}); 其规则为未知 their rules stay unknown",
            err=True,
        )


def _duration(option: str, text: str) -> int:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise refusal(option, "a duration such as 100 ms or 1 s", repr(text)) from error
    if duration <= 0:
        raise refusal(option, "a duration above zero", repr(text))
    return duration


@contextmanager
def _progress() -> Iterator[Callable[[Stretch], Tell]]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("回测 back-test"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[samples]:,} 样本 samples"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:

        def begin(stretch: Stretch) -> Tell:
            task = bar.add_task("", total=stretch.end - stretch.start, samples=0)

            def tell(seen: Instant, samples: int) -> None:
                bar.update(task, completed=max(0, seen - stretch.start), samples=samples)

            return tell

        yield begin
