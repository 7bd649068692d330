"""The analysis beside a fixture that was counted by hand, and the laws that hold for any tickets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events.tickets import RectificationPlan, TicketAction
from gateway.ledgers.analysis import NOBODY, Analysis, Dimension, Tally, analysed
from gateway.ledgers.analysis_form import TITLES, analysis_sheet
from gateway.ledgers.filling import Filling
from gateway.ledgers.form import Period, Share
from gateway.machines.ticket import Step, Ticket
from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import Instant
from tests.engine.scripted import plant
from tests.ledgers.test_forms import DAY, HOUR, MARCH, at, dismissed, ticket

NOW = at(2026, 3, 20)


def of(*tickets: Ticket, now: Instant = NOW, period: Period = MARCH) -> Analysis:
    return analysed(Filling.of(plant(), tickets, period, now))


#   day  area  title  unit    due      rectified        written off      else
#   1    melt  flow   设备部  +30 d    after 3 hours    after 5 hours    major
#   2    melt  flow   设备部  day 4    day 10           -                major, late, came back twice
#   3    melt  gas    能源部  day 5    -                -                ordinary, overdue
#   4    dust  gas    -       -        -                -                ordinary, suspected, seen before
#   5    dust  flow   -       -        -                -                a false alarm
#   and two that were filed outside the period, or later than now
HAND = (
    ticket("HD-1", at(2026, 3, 1), steps=5),
    replace(
        ticket("HD-2", at(2026, 3, 2), steps=2),
        due=at(2026, 3, 4),
        recurrences=2,
        steps=(Step(at(2026, 3, 10), TicketAction.RECTIFY, "李师傅", "换泵"),),
    ),
    replace(
        ticket("HD-3", at(2026, 3, 3), steps=2, grade=TicketGrade.ORDINARY),
        due=at(2026, 3, 5),
        plan=RectificationPlan(department="能源部"),
        title=Text("煤气浓度超限", "Gas"),
    ),
    replace(
        ticket("HD-4", at(2026, 3, 4), grade=TicketGrade.ORDINARY),
        area="dust",
        title=Text("煤气浓度超限", "Gas"),
        previous="HD-0",
    ),
    replace(dismissed("HD-5", at(2026, 3, 5)), area="dust"),
    ticket("HD-6", at(2026, 2, 28), steps=5),
    ticket("HD-7", at(2026, 3, 25), steps=5),
)


def test_the_whole_is_what_a_hand_counts() -> None:
    assert of(*HAND).total == Tally(
        name="合计", found=4, major=2, false_alarms=1, mended=1, due=3, on_time=1, overdue=1, recurrences=2,
        returned=1, days=(3 / 24 + 8) / 2,
    )  # fmt: skip


def test_its_parts_are_what_a_hand_counts() -> None:
    found = of(*HAND)

    def counts(dimension: Dimension) -> list[tuple[object, ...]]:
        return [(t.name, t.found, t.false_alarms, t.on_time, t.due, t.overdue) for t in found.parts[dimension]]

    assert counts(Dimension.AREA) == [("melt", 3, 0, 1, 3, 1), ("dust", 1, 1, 0, 0, 0)]
    assert counts(Dimension.RULE) == [("进出水流量差过大", 2, 1, 1, 2, 0), ("煤气浓度超限", 2, 0, 0, 1, 1)]
    assert counts(Dimension.UNIT) == [("设备部", 2, 0, 1, 2, 0), (NOBODY, 1, 1, 0, 0, 0), ("能源部", 1, 0, 0, 1, 1)]
    assert counts(Dimension.GRADE) == [("重大", 2, 1, 1, 2, 0), ("一般", 2, 0, 0, 1, 1)]
    assert counts(Dimension.MONTH) == [("2026-03", 4, 1, 1, 3, 1)]


def test_the_same_tickets_some_days_earlier_were_not_late_yet() -> None:
    """What has not happened by the end of the period, or by now, does not count."""
    early = of(*HAND, now=at(2026, 3, 3, 20)).total
    assert (early.found, early.due, early.overdue, early.on_time) == (3, 1, 0, 1)
    until_the_third = of(*HAND, period=Period(MARCH.start, at(2026, 3, 3, 0))).total
    assert (until_the_third.found, until_the_third.mended, until_the_third.overdue) == (2, 1, 0)


def test_a_rectification_that_the_recheck_rejected_is_none() -> None:
    steps = (
        Step(at(2026, 3, 3), TicketAction.RECTIFY, "李师傅", "换泵"),
        Step(at(2026, 3, 4), TicketAction.REJECT_RECHECK, "赵安全", "仍漏"),
    )
    rejected = replace(ticket("HD-1", at(2026, 3, 2), steps=2), due=at(2026, 3, 5), steps=steps)
    assert (of(rejected).total.on_time, of(rejected).total.overdue) == (0, 1)


def test_of_nothing_there_is_no_share() -> None:
    nothing = of().total
    assert (nothing.mended_share.ratio, nothing.on_time_share.ratio, nothing.days) == (None, None, None)
    assert of().parts[Dimension.AREA] == ()


def test_the_sheet_has_the_whole_first_and_a_block_for_each_dimension() -> None:
    form = analysis_sheet(Filling.of(plant(), HAND, MARCH, NOW))
    assert form.rows[0][:4] == ("合计", "合计", 4, 2)
    assert form.rows[0][6] == Share(1, 4)
    blocks = list(dict.fromkeys(str(row[0]) for row in form.rows))
    assert blocks == ["合计", *TITLES.values()]


MADE = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.sampled_from(list(TicketGrade))), max_size=15)
COUNTS = ("found", "major", "false_alarms", "mended", "due", "on_time", "overdue", "recurrences", "returned")


@settings(max_examples=60, deadline=None)
@given(MADE, st.integers(0, 60))
def test_every_dimension_but_the_clauses_adds_up_to_the_whole(
    made: list[tuple[int, int, TicketGrade]], passed: int
) -> None:
    tickets = [
        replace(ticket(f"HD-{n}", Instant(MARCH.start + day * DAY), steps, grade), area=f"area{n % 3}")
        for n, (day, steps, grade) in enumerate(made)
    ]
    found = of(*tickets, now=Instant(MARCH.start + passed * DAY + HOUR))
    for dimension, parts in found.parts.items():
        if dimension is Dimension.CLAUSE:
            continue
        for name in COUNTS:
            assert sum(getattr(part, name) for part in parts) == getattr(found.total, name)
    assert found.total.on_time + found.total.overdue <= found.total.due <= found.total.found
