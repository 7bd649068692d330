"""`tocsin interlocks`: the register and the proof-test calendar of a plant, from its journal. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.table import Table

from gateway.api.report import local_time
from gateway.cli.coverage_table import console
from gateway.duration import format_duration
from gateway.machines.interlock_record import InterlockRecord
from gateway.plant.interlock_keeping import InterlockPolicy
from gateway.proof_calendar import ProofStanding, proof_standing
from gateway.rule import InterlockInstance, RuleInstance
from gateway.sample import Instant

_HEADINGS = (
    "联锁 interlock",
    "状态 state",
    "已证明 proven",
    "最近整体证明 proven as a whole",
    "周期 every",
    "下次试验 due",
)


@click.command()
@click.argument("plant", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def command(plant: Path, data: Path) -> None:
    """Show who bypasses or tests which interlock of PLANT, how far each is proven, and when its proof is due.

    Reads the journal in the data directory, whether or not a gateway runs on it.
    """
    from gateway import app
    from gateway.clock import SystemClock
    from gateway.runtime.states import interlocks_of
    from gateway.store import StateKind
    from gateway.stores.journal_offline import state_rows
    from gateway.stores.place import JOURNAL_FILE

    loaded, program = app.load(plant)
    records = interlocks_of(state_rows(data / JOURNAL_FILE, StateKind.INTERLOCK))
    now = SystemClock().now()
    table, overdue = _table(program.interlocks, program.rules, records, loaded.interlocks, now)
    screen = console()
    screen.print(table)
    screen.print(
        f"旁路 bypassed: {sum(each.bypass is not None for each in records.values())}; 试验超期 overdue: {overdue}"
    )


def _table(
    interlocks: Sequence[InterlockInstance],
    rules: Sequence[RuleInstance],
    records: Mapping[str, InterlockRecord],
    policy: InterlockPolicy,
    now: Instant,
) -> tuple[Table, int]:
    """One line an interlock, and how many proofs are overdue."""
    table, overdue = Table(*_HEADINGS, show_lines=True), 0
    for row in interlocks:
        record = records.get(row.id, InterlockRecord(row.id))
        proof = proof_standing(row, rules, record, policy.of(row.id))
        overdue += proof.overdue(now)
        table.add_row(
            f"{row.name.zh} {row.name.en}\n{row.id}",
            _state(record, now),
            f"{proof.proven}/{proof.cells}" + (f"\n规则已改 changed since {proof.lapsed}" if proof.lapsed else ""),
            "—" if proof.proven_at is None else local_time(proof.proven_at, precise=False),
            "—" if proof.every is None else format_duration(proof.every),
            _due(proof, now),
        )
    return table, overdue


def _state(record: InterlockRecord, now: Instant) -> str:
    lines = []
    if (held := record.bypass) is not None:
        word = "旁路超期 bypass past its time" if now >= held.until else "旁路至 bypassed until"
        lines.append(f"[red]{word} {local_time(held.until, precise=False)}[/red]")
        lines.append(f"{held.comment} · {held.measure} · {held.by} · 批准 approved by {held.approved_by}")
    if record.test is not None:
        lines.append(f"试验至 under test until {local_time(record.test.until, precise=False)}")
    lines += [f"[red]{found.finding.value}[/red] {found.effect}" for found in record.findings]
    return "\n".join(lines) or "—"


def _due(proof: ProofStanding, now: Instant) -> str:
    if proof.every is None:
        return "—"
    when = "" if proof.due_at is None else local_time(proof.due_at, precise=False)
    return f"[red]超期 overdue[/red] {when}".rstrip() if proof.overdue(now) else when
