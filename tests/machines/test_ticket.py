"""The hazard ticket: a person moves it, step by step, and every step says enough."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from gateway.clock import from_datetime, to_datetime
from gateway.errors import IllegalTransition, RequestRefused
from gateway.event import Event
from gateway.events.tickets import TicketAction, TicketRecurred, TicketState
from gateway.machines import ticket, ticket_step
from gateway.machines.deadline import CHINA
from gateway.machines.hazard_report import on_alarm
from gateway.machines.ticket import STEPS_KEPT, TABLE, ProductionStop, Supervision, Ticket
from gateway.machines.ticket_step import Move
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant
from gateway.store import DAY
from tests.machines.tickets import NOW, PLAN, alarm_raised, filed, filing, full, moved, through

AXES = {"supervise", "end_supervision", "stop_production"}
LEGAL = {
    "suspected": {"register": "registered", "dismiss": "dismissed", "stop_production": "suspected"},
    "registered": {
        "assess": "assessed",
        "assign": "rectifying",
        "dismiss": "dismissed",
        **dict.fromkeys(AXES, "registered"),
    },
    "assessed": {"assess": "assessed", "assign": "rectifying", **dict.fromkeys(AXES, "assessed")},
    "rectifying": {
        "assess": "assessed",
        "assign": "rectifying",
        "extend": "rectifying",
        "rectify": "awaiting_recheck",
        **dict.fromkeys(AXES, "rectifying"),
    },
    "awaiting_recheck": {
        "pass_recheck": "rechecked",
        "reject_recheck": "rectifying",
        **dict.fromkeys(AXES, "awaiting_recheck"),
    },
    "rechecked": {
        "write_off": "written_off",
        "reject_recheck": "rectifying",
        **dict.fromkeys((*AXES, "resume_production"), "rechecked"),
    },
    "written_off": {},
    "dismissed": {},
}
"""排查-登记-评估-整改-复查-销号, written down a second time."""

ORDINARY, MAJOR = TicketGrade.ORDINARY, TicketGrade.MAJOR
LISTED, STOPPED = Supervision(NOW, "县应急管理局", ""), ProductionStop(NOW, "1# 炉", "王", "漏水")


def refused_by_an_axis(state: str, action: str, grade: TicketGrade, *, listed: bool, stopped: bool) -> bool:
    """What the axes forbid beside the stage, written down a second time."""
    return (
        (action == "supervise" and listed)
        or (action == "end_supervision" and not listed)
        or (action == "stop_production" and stopped)
        or (action == "resume_production" and not stopped)
        or (action == "write_off" and (listed or stopped))
        or (action == "dismiss" and listed)
        or (action == "assign" and state == "registered" and grade is MAJOR)
    )


def refusals(standing: Ticket, wanted: Move, barred: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(RequestRefused) as refused:
        ticket_step.move(standing, wanted, NOW, barred)
    return [problem.field for problem in refused.value.problems]


@pytest.mark.parametrize(("state", "action"), list(itertools.product(TicketState, TicketAction)))
def test_every_pair_on_every_axis_is_either_in_the_table_or_refused(state: TicketState, action: TicketAction) -> None:
    for listed, stopped, grade in itertools.product((False, True), (False, True), TicketGrade):
        standing = replace(
            filed(),
            state=state,
            grade=grade,
            supervision=LISTED if listed else None,
            production=STOPPED if stopped else None,
            rectified_by="李",
        )
        due = Instant(standing.deadline + DAY) if action is TicketAction.EXTEND else Instant(NOW + SECOND)
        wanted = replace(full(action), due=due, grade=grade)
        legal = {
            each: after
            for each, after in LEGAL[state].items()
            if not refused_by_an_axis(state, each, grade, listed=listed, stopped=stopped)
        }
        assert {each.value for each in ticket.allowed(standing)} == set(legal)
        if action.value in legal:
            assert moved(standing, wanted).state == legal[action.value]
            continue
        with pytest.raises(IllegalTransition) as refused:
            ticket_step.move(standing, wanted, NOW)
        assert set(refused.value.allowed) == set(legal)


PEOPLE = ["赵", "李", " 李 ", "王", "钱"]
WALK = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(PEOPLE)), min_size=20, max_size=40)


@settings(max_examples=300)
@given(WALK)
def test_no_path_leads_to_a_write_off_without_a_recheck_by_another_person_than_who_rectified(
    steps: list[tuple[int, str]],
) -> None:
    standing, done = walked(steps)
    if standing.state is not TicketState.WRITTEN_OFF:
        return
    stages = [(action, by) for action, by in done if action not in {*AXES, "resume_production"}]
    assert [action for action, _ in stages[-3:]] == ["rectify", "pass_recheck", "write_off"]
    (_, rectifier), (_, rechecker), (_, closer) = stages[-3:]
    assert rectifier != rechecker
    assert "钱" not in (rechecker, closer)
    assert "assess" in dict(stages)
    assert standing.plan.emergency_plan


def test_the_walks_of_the_law_above_do_reach_write_offs() -> None:
    reached = find(WALK, lambda steps: walked(steps)[0].state is TicketState.WRITTEN_OFF)
    assert walked(reached)[1][-1][0] == "write_off"


def walked(steps: list[tuple[int, str]]) -> tuple[Ticket, list[tuple[str, str]]]:
    """A ticket after steps that its state allows, whoever tries them, and those that were taken."""
    standing, done = filed(), []
    for choice, by in steps:
        choices = ticket.allowed(standing)
        if not choices:
            break
        action = choices[choice % len(choices)]
        try:
            standing = moved(standing, full(action, by), barred=("钱",))
        except RequestRefused:
            continue
        done.append((action.value, by.strip()))
    return standing, done


@given(st.integers(min_value=1, max_value=2 * STEPS_KEPT + 5))
def test_the_software_never_moves_a_ticket_on(recurrences: int) -> None:
    standing = filed()
    for _ in range(recurrences):
        event: Event = on_alarm(alarm_raised(), filing(standing))
        assert isinstance(event, TicketRecurred)
        standing = ticket.evolve(standing, event) or standing
    assert standing.state is TicketState.SUSPECTED
    assert standing.recurrences == recurrences
    assert len(standing.steps) == min(recurrences + 1, STEPS_KEPT)
    assert standing.steps[0].action == "filed"


def test_a_ticket_begins_as_suspected_and_names_its_evidence() -> None:
    opened = filed()
    assert opened.state is TicketState.SUSPECTED
    assert opened.occurrences == (alarm_raised().occurrence,)
    assert opened.evidence_points == ("furnace.temperature",)
    assert opened.clauses == ("3.5",)


def test_the_same_breach_filed_twice_is_the_same_ticket() -> None:
    assert on_alarm(alarm_raised(), filing()) == on_alarm(alarm_raised(), filing())


def test_two_breaches_are_two_tickets() -> None:
    first, second = (on_alarm(alarm_raised(script), filing()) for script in ("TRUE", "TRUE FALSE TRUE"))
    assert first.id != second.id


@pytest.mark.parametrize("recheck", ["pass_recheck", "reject_recheck"])
@pytest.mark.parametrize(
    ("rectifier", "rechecker"), [("李", "李"), ("李", " 李 "), (" 李", "李"), ("李 四", "李四"), ("Ｌｉ", "LI")]
)
def test_nobody_rechecks_their_own_work(recheck: str, rectifier: str, rechecker: str) -> None:
    standing = through("register", "assess", "assign", f"rectify:{rectifier}")
    assert refusals(standing, full(TicketAction(recheck), rechecker)) == ["by"]


def test_after_a_rejection_it_is_the_new_rectifier_who_may_not_recheck() -> None:
    standing = through("register", "assess", "assign", "rectify:李", "reject_recheck:王", "rectify:王")
    assert moved(standing, full(TicketAction.PASS_RECHECK, "李")).state is TicketState.RECHECKED
    assert refusals(standing, full(TicketAction.PASS_RECHECK, "王")) == ["by"]


def test_nobody_who_bypassed_an_interlock_closes_its_ticket() -> None:
    for before, action in (
        ((), "dismiss"),
        (("register", "assess", "assign", "rectify:李"), "pass_recheck"),
        (("register", "assess", "assign", "rectify:李", "pass_recheck"), "write_off"),
    ):
        standing = through(*before)
        assert refusals(standing, full(TicketAction(action), "钱 工"), barred=("钱工",)) == ["by"]
        assert moved(standing, full(TicketAction(action)), barred=("钱工",)).state is not standing.state
    registered = replace(full(TicketAction.DISMISS), approver="钱工")
    assert refusals(through("register"), registered, barred=("钱工",)) == ["approver"]


def test_an_assignment_of_a_major_hazard_hears_of_all_five_fields_at_once() -> None:
    standing = through("register", "assess")
    missing = ["by", "responsible", "measures", "funds", "emergency_plan", "due"]
    assert refusals(standing, Move(TicketAction.ASSIGN, by=" ")) == missing


def test_an_ordinary_hazard_needs_a_person_and_a_deadline_and_no_assessment() -> None:
    standing = replace(through("register"), grade=ORDINARY)
    assert refusals(standing, Move(TicketAction.ASSIGN, by="赵")) == ["responsible", "due"]
    assigned = moved(standing, Move(TicketAction.ASSIGN, "赵", responsible="李", due=Instant(NOW + SECOND)))
    assert assigned.state is TicketState.RECTIFYING


@pytest.mark.parametrize("due", [NOW - 1, NOW])
def test_a_deadline_is_in_the_future(due: int) -> None:
    standing = through("register", "assess")
    assert refusals(standing, replace(full(TicketAction.ASSIGN), due=Instant(due))) == ["due"]
    rectifying = through("register", "assess", "assign")
    assert "due" in refusals(rectifying, replace(full(TicketAction.EXTEND), due=Instant(due)))


@pytest.mark.parametrize("grade", list(TicketGrade))
def test_a_deadline_beyond_the_limit_needs_interim_measures_and_a_second_person(grade: TicketGrade) -> None:
    standing = replace(through("register", "assess"), grade=grade)
    wish = replace(
        full(TicketAction.ASSIGN), due=Instant(standing.limit + 1), approver="", plan=replace(PLAN, interim="")
    )
    assert refusals(standing, wish) == ["interim", "approver"]
    assert refusals(standing, replace(wish, approver="赵", plan=PLAN)) == ["approver"]
    assert moved(standing, replace(wish, approver="孙", plan=PLAN)).due == standing.limit + 1
    assert moved(standing, replace(wish, due=standing.limit)).due == standing.limit


@pytest.mark.parametrize(
    ("grade", "filed_at", "limit"),
    [
        (ORDINARY, "2026-03-05 08:00:00", "2026-03-31 23:59:59.999999"),
        (ORDINARY, "2026-12-31 23:59:00", "2026-12-31 23:59:59.999999"),
        (ORDINARY, "2026-02-01 00:00:00", "2026-02-28 23:59:59.999999"),
        (MAJOR, "2026-03-05 08:00:00", "2026-06-05 08:00:00"),
        (MAJOR, "2026-11-30 08:00:00", "2027-02-28 08:00:00"),
    ],
)
def test_an_ordinary_hazard_is_gone_within_its_month_and_a_major_one_within_three(
    grade: TicketGrade, filed_at: str, limit: str
) -> None:
    at = from_datetime(to_datetime(Instant(0)).fromisoformat(filed_at).replace(tzinfo=CHINA))
    standing = replace(filed(), grade=grade, filed_at=at)
    shown = to_datetime(standing.limit).astimezone(CHINA).replace(tzinfo=None)
    assert shown == to_datetime(Instant(0)).fromisoformat(limit)


def test_an_extension_says_why_till_when_who_agrees_and_what_protects_meanwhile() -> None:
    standing = through("register", "assess", "assign")
    assert refusals(standing, Move(TicketAction.EXTEND, "李")) == ["comment", "due", "interim", "approver"]
    assert refusals(standing, replace(full(TicketAction.EXTEND), due=standing.due)) == ["due"]
    assert refusals(standing, replace(full(TicketAction.EXTEND, "赵"), approver="李")) == ["approver"], (
        "he is responsible"
    )
    later = moved(standing, full(TicketAction.EXTEND))
    (extension,) = later.extensions
    assert (extension.before, extension.due, extension.approver) == (standing.due, later.due, "孙")
    assert (later.plan.interim, later.plan.measures) == (PLAN.interim, PLAN.measures)
    assert later.steps[-1].due == later.due


def test_more_time_is_never_given_by_assigning_anew() -> None:
    standing = through("register", "assess", "assign")
    assert standing.due is not None
    again = replace(full(TicketAction.ASSIGN), due=Instant(standing.due + 1))
    assert refusals(standing, again) == ["due"]
    handed_on = moved(standing, Move(TicketAction.ASSIGN, "赵", responsible="周"))
    assert (handed_on.responsible, handed_on.due, handed_on.plan) == ("周", standing.due, PLAN)


def test_a_hazard_that_is_found_graver_while_it_is_mended_is_assigned_anew_with_all_that_a_major_one_needs() -> None:
    plain = replace(through("register"), grade=ORDINARY)
    standing = moved(plain, Move(TicketAction.ASSIGN, "赵", responsible="李", due=Instant(NOW + SECOND)))
    graver = moved(standing, replace(full(TicketAction.ASSESS), grade=MAJOR))
    assert (graver.state, graver.grade, graver.due) == (TicketState.ASSESSED, MAJOR, None)
    wish = Move(TicketAction.ASSIGN, "赵", due=Instant(NOW + SECOND))
    assert refusals(graver, wish) == ["measures", "funds", "emergency_plan"]


def test_only_an_assignment_sets_the_responsible_and_the_deadline() -> None:
    standing = through("register")
    assert (standing.responsible, standing.due) == ("", None)
    assigned = through("register", "assess", "assign")
    assert (assigned.responsible, assigned.due) == ("李", NOW + SECOND)
    after = moved(assigned, Move(TicketAction.RECTIFY, "李", "mended", "somebody else", Instant(5)))
    assert (after.responsible, after.due) == ("李", NOW + SECOND)


@pytest.mark.parametrize(
    ("before", "action", "lacks"),
    [
        ((), "dismiss", ["cause", "comment"]),
        (("register",), "dismiss", ["cause", "comment", "approver"]),
        (("register",), "assess", ["grade", "comment"]),
        (("register",), "supervise", ["authority"]),
        (("register", "supervise"), "end_supervision", ["comment"]),
        (("register",), "stop_production", ["scope", "comment"]),
        (("register", "assess", "assign"), "rectify", ["comment"]),
        (("register", "assess", "assign", "rectify:李"), "reject_recheck", ["comment"]),
        (
            ("register", "stop_production", "assess", "assign", "rectify:李", "pass_recheck:王"),
            "resume_production",
            ["comment", "approver"],
        ),
    ],
)
def test_a_step_that_says_too_little_hears_of_everything_that_it_lacks(
    before: tuple[str, ...], action: str, lacks: list[str]
) -> None:
    standing = through(*before)
    assert refusals(standing, Move(TicketAction(action), "赵", comment="  ")) == lacks
    assert refusals(standing, Move(TicketAction(action), " ", comment="")) == ["by", *lacks]


@pytest.mark.parametrize("action", list(TicketAction))
def test_no_step_is_taken_without_a_name(action: TicketAction) -> None:
    state = next(TicketState(state) for state, legal in reversed(LEGAL.items()) if action.value in legal)
    listed = LISTED if action is TicketAction.END_SUPERVISION else None
    stopped = STOPPED if action is TicketAction.RESUME_PRODUCTION else None
    standing = replace(filed(), state=state, supervision=listed, production=stopped)
    assert "by" in refusals(standing, full(action, by="\u3000 "))


def test_a_step_out_of_turn_is_told_as_such_before_what_it_lacks() -> None:
    with pytest.raises(IllegalTransition):
        ticket_step.move(filed(), Move(TicketAction.ASSIGN, ""), NOW)


def test_what_is_listed_and_stopped_is_told_so_when_somebody_would_close_it() -> None:
    standing = through("register", "supervise", "stop_production", "assess", "assign", "rectify:李", "pass_recheck:王")
    with pytest.raises(
        IllegalTransition, match=r"rechecked, supervised, stopped: .*end_supervision, resume_production"
    ):
        ticket_step.move(standing, full(TicketAction.WRITE_OFF), NOW)
    done = moved(standing, *map(full, map(TicketAction, ("end_supervision", "resume_production", "write_off"))))
    assert (done.state, done.supervision, done.production) == (TicketState.WRITTEN_OFF, None, None)


def test_a_false_alarm_that_stopped_production_is_dismissed_by_two_people_and_ends_the_stop() -> None:
    standing = through("stop_production")
    assert refusals(standing, replace(full(TicketAction.DISMISS), approver="")) == ["approver"]
    assert moved(standing, full(TicketAction.DISMISS)).production is None


def test_a_hazard_that_came_back_after_its_recheck_is_not_written_off() -> None:
    standing = through("register", "assess", "assign", "rectify:李", "pass_recheck:王")
    again = ticket.evolve(standing, replace(on_alarm(alarm_raised(), filing(standing)), at=Instant(NOW + 1)))
    assert again is not None
    assert refusals(again, full(TicketAction.WRITE_OFF)) == ["action"]
    assert moved(again, full(TicketAction.REJECT_RECHECK, "王")).state is TicketState.RECTIFYING


def test_registration_may_grade_otherwise_than_the_rule_proposed_and_says_why() -> None:
    wish = Move(TicketAction.REGISTER, "赵", grade=ORDINARY)
    assert refusals(filed(), wish) == ["comment"]
    assert moved(filed(), replace(wish, comment="现场核实为一般")).grade is ORDINARY
    assert moved(filed(), Move(TicketAction.REGISTER, "赵", grade=MAJOR)).grade is MAJOR


def test_the_ends_stand_no_more() -> None:
    assert not through("dismiss").standing
    done = through("register", "assess", "assign", "rectify:李", "pass_recheck:王", "write_off")
    assert not done.standing
    assert [step.action for step in done.steps] == [
        "filed", "register", "assess", "assign", "rectify", "pass_recheck", "write_off",
    ]  # fmt: skip
    assert TABLE.allowed(done.state) == ()
