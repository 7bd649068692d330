"""`tocsin test-rules`: lint a packs directory, run the tests that its rules carry, and show what failed and how.

Exit code 0 if all hold, 1 if one fails, 2 if the packs cannot be read. Writes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.errors import ConfigurationError, Severity, UnknownSubject
from gateway.rule import Truth
from gateway.sample import SECOND

if TYPE_CHECKING:
    from rich.table import Table

    from gateway.errors import Problem
    from rules.interlock_trials import InterlockOutcome, InterlockTrial
    from rules.packs import Packs
    from rules.series import Expected
    from rules.trials import Outcome, Trial

FAILED = 1
"""Exit code where a rule does not do what its tests say; wrong input ends with 2."""
_WIDTH = 80
"""Most columns of a timeline."""
_MARKS = {Truth.FALSE: "·", Truth.TRUE: "█", Truth.UNKNOWN: "?"}


@click.command()
@click.option("--pack", type=click.Path(path_type=Path), help="A directory of packs in place of the shipped criteria.")
@click.option(
    "--rule", "rules", multiple=True, metavar="ID", help="Only this rule or interlock, with its timelines; repeatable."
)
def command(pack: Path | None, rules: tuple[str, ...]) -> None:
    """Run the tests that rules and interlocks carry, and tell what is unwise in them.

    \b
    A timeline has a mark for each sample:  · clear  █ raised  ? unknown
    """
    from gateway import app
    from rules.interlock_trials import run_interlock
    from rules.packs import load_packs
    from rules.trials import run

    packs = load_packs(pack) if pack is not None else app.load_packs()
    trials, rows, advice = _read(packs)
    known = {trial.rule.model.id for trial in trials} | {trial.row.model.id for trial in rows}
    for rule in rules:
        if rule not in known:
            raise UnknownSubject("rule", rule)
    for problem in advice:
        click.echo(str(problem), err=True)
    outcomes = [run(trial, packs.criteria) for trial in trials if not rules or trial.rule.model.id in rules]
    _show(packs, outcomes, verbose=bool(rules))
    proven = [run_interlock(trial, packs) for trial in rows if not rules or trial.row.model.id in rules]
    _show_interlocks(proven, verbose=bool(rules))
    sys.exit(0 if all(each.passed for each in outcomes) and all(each.passed for each in proven) else FAILED)


def _read(packs: Packs) -> tuple[Sequence[Trial], Sequence[InterlockTrial], Sequence[Problem]]:
    """Every test, and what is unwise; raises ConfigurationError with every mistake in rules, rows and tests."""
    from rules.interlock_trials import read_interlock_trials
    from rules.lint import lint
    from rules.trials import read_trials

    found = lint(packs)
    mistakes = {problem for problem in found if problem.severity is Severity.ERROR}
    trials: Sequence[Trial] = ()
    rows: Sequence[InterlockTrial] = ()
    try:
        trials = read_trials(packs)
    except ConfigurationError as error:
        mistakes |= set(error.problems)
    try:
        rows = read_interlock_trials(packs)
    except ConfigurationError as error:
        mistakes |= set(error.problems)
    if mistakes:
        raise ConfigurationError(list(mistakes))
    return trials, rows, found


def _show_interlocks(outcomes: Sequence[InterlockOutcome], *, verbose: bool) -> None:
    """Row by row what was demanded and done, where it was asked for or is not as expected."""
    for outcome in outcomes:
        trial = outcome.trial
        if verbose or not outcome.passed:
            place = trial.row.document.place((*trial.row.path, "tests", trial.number))
            verdict = "通过 passed" if outcome.passed else "失败 FAILED"
            width = max(map(len, [*trial.model.given, "expected"]))
            click.echo(f"\n{verdict}  {trial.id}  {trial.row.document.file}:{place[0]}")
            for name, text in trial.model.given.items():
                click.echo(f"  {name:{width}}  {text}")
            click.echo(f"  {'expected':{width}}  {', '.join(map(str, trial.expected)) or 'never demanded'}")
            click.echo(f"  {'got':{width}}  {', '.join(map(str, outcome.got)) or 'never demanded'}")
    failed = sum(not outcome.passed for outcome in outcomes)
    rows = len({outcome.trial.row.model.id for outcome in outcomes})
    click.echo(f"联锁 interlocks {rows}, 试验 tests {len(outcomes)}, 失败 failed {failed}")


def _show(packs: Packs, outcomes: Sequence[Outcome], *, verbose: bool) -> None:
    from gateway.cli.coverage_table import console

    screen = console()
    if not verbose:
        screen.print(_table(packs, outcomes))
    for outcome in outcomes:
        if verbose or not outcome.passed:
            screen.print("\n" + _timelines(outcome), markup=False)
    failed = sum(not outcome.passed for outcome in outcomes)
    rules = len({outcome.trial.rule.model.id for outcome in outcomes})
    screen.print(f"\n规则 rules {rules}, 试验 tests {len(outcomes)}, 失败 failed {failed}")


def _table(packs: Packs, outcomes: Sequence[Outcome]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(padding=(0, 1))
    for heading in ("包 pack", "规则 rule", "名称 title", "试验 tests", "结果 result"):
        table.add_column(heading)
    for pack in packs.packs:
        for rule in pack.rules:
            mine = [outcome for outcome in outcomes if outcome.trial.rule is rule]
            passed = all(outcome.passed for outcome in mine)
            if mine:
                verdict = Text("通过 passed", "green") if passed else Text("失败 failed", "bold red")
                table.add_row(pack.id, rule.model.id, rule.model.title.zh, str(len(mine)), verdict)
    return table


def _timelines(outcome: Outcome) -> str:
    trial = outcome.trial
    file, (line, _) = trial.rule.document.file, trial.rule.document.place((*trial.rule.path, "tests", trial.number))
    verdict = "通过 passed" if outcome.passed else "失败 FAILED"
    width = max(map(len, [*trial.model.given, "expected"]))
    lines = [f"{verdict}  {trial.id}  {file}:{line}"]
    lines += [f"  {name:{width}}  {text}" for name, text in trial.model.given.items()]
    wanted = _marks(_expand(trial.expected, trial))
    lines += [f"  {'expected':{width}}  {wanted}  {_words(trial.expected)}"]
    lines += [f"  {'got':{width}}  {_marks(outcome.truths)}  {_words(outcome.got)}"]
    if trial.early is not None:
        lines += [f"  {'early':{width}}  {_marks(_expand(trial.early, trial))}  {_words(trial.early)}"]
        lines += [f"  {'got':{width}}  {_marks(outcome.early_truths)}  {_words(outcome.early_got)}"]
    lines += [f"  {'':{width}}  0{trial.ticks * trial.model.every / SECOND:>{max(len(wanted) - 1, 1)}g} s"]
    return "\n".join(lines)


def _words(changes: Sequence[Expected]) -> str:
    return ", ".join(map(str, changes)) or "always clear"


def _expand(expected: Sequence[Expected], trial: Trial) -> list[Truth]:
    """The truth at every tick, each change at its earliest."""
    truths = [Truth.FALSE] * trial.ticks
    for change in expected:
        first = -(-change.earliest // trial.model.every)
        truths[first:] = [change.truth] * max(trial.ticks - first, 0)
    return truths


def _marks(truths: Sequence[Truth]) -> str:
    """A mark for each tick, or for each run of them where there are many; what is not clear shows through."""
    run = -(-len(truths) // _WIDTH)
    runs = (truths[at : at + run] for at in range(0, len(truths), run))
    return "".join(_MARKS[next((each for each in some if each is not Truth.FALSE), Truth.FALSE)] for some in runs)
