"""From states to what crosses the wire: pure functions, one per view of `gateway.api.schema`.

Nothing here decides, remembers or reads a clock. A value that may not be trusted becomes None here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.api.schema import (
    AlarmView,
    AreaView,
    CoverageRow,
    CoverageStatus,
    DemandView,
    EffectView,
    EquipmentView,
    LimitLine,
    LinkView,
    PlantView,
    PointView,
    SampleColumns,
    TicketStep,
    TicketView,
    Trend,
    TrialView,
)
from gateway.driver import LinkState, LinkStatus
from gateway.machines import alarm as alarm_machine
from gateway.machines import ticket as ticket_machine
from gateway.machines.alarm import AlarmAction, AlarmState
from gateway.machines.interlock import Demand, EffectState
from gateway.machines.suppression import SERVICE, SHELVING, ServiceAction, ShelvingAction
from gateway.machines.ticket import Ticket
from gateway.plant.criteria import Criteria
from gateway.plant.duty import AlarmPolicy
from gateway.plant.model import Device, Plant, Point, Text
from gateway.rule import Effect, InterlockInstance, PointColumns, Priority, RuleInstance, TicketGrade, Truth
from gateway.sample import Floats, Instant, Quality
from gateway.store import Curve

PointLimits = Mapping[str, Sequence[LimitLine]]
"""Thresholds in force, in the point's unit, by point id."""

_FOR_PEOPLE = (AlarmAction.ACKNOWLEDGE, AlarmAction.RESET)
_SUPPRESSIONS = (
    ShelvingAction.SHELVE,
    ShelvingAction.UNSHELVE,
    ServiceAction.REMOVE_FROM_SERVICE,
    ServiceAction.RETURN_TO_SERVICE,
)
_NOTHING = Text("", "")


def alarm_view(
    state: AlarmState,
    rule: RuleInstance | None,
    ticket: Ticket | None,
    areas: Mapping[str, str],
    policy: AlarmPolicy,
) -> AlarmView:
    """One alarm. `ticket`: the latest of its rule. `areas`: area by equipment.

    An alarm whose rule the plant no longer has keeps what its ticket knows, and counts as grave as can be.
    """
    equipment = rule.equipment if rule else ticket.equipment if ticket else ""
    priority = rule.priority if rule else _priority_without_rule(ticket)
    mine = ticket is not None and state.occurrence in ticket.occurrences
    held, longest = state.suppression, policy.longest_shelving(priority)
    return AlarmView(
        id=state.alarm,
        occurrence=state.occurrence,
        state=state.name,
        unknown=state.unknown,
        rule=rule.rule if rule else state.alarm.partition("@")[0],
        equipment=equipment,
        area=areas.get(equipment, ""),
        clauses=rule.clauses if rule else ticket.clauses if ticket else (),
        title=rule.title if rule else ticket.title if ticket else Text(state.alarm, state.alarm),
        consequence=rule.consequence if rule else _NOTHING,
        response=rule.response if rule else _NOTHING,
        response_time=rule.response_time if rule else 0,
        priority=priority,
        colour=priority.colour,
        onset=state.onset,
        raised_at=state.raised_at,
        acknowledged_at=state.acknowledged_at,
        acknowledged_by=state.acknowledged_by,
        cleared_at=state.cleared_at,
        first_out=state.first_out,
        ticket=ticket.id if ticket is not None and mine else None,
        points=rule.points if rule else (),
        readings=state.readings,
        actions=_actions(state, longest),
        shown=state.projected,
        tie=state.tie,
        re_alarms=state.re_alarms,
        annunciated_at=state.annunciated_at,
        shelf=held.shelf,
        suppressed_since=held.design,
        removal=held.removal,
        shelve_max=longest,
        two_person=priority in policy.two_person,
    )


def _actions(state: AlarmState, longest: int) -> tuple[str, ...]:
    """What the tables allow a person; what is never shelved is not offered for it."""
    held = state.suppression
    suppressions = (*SHELVING.allowed(held.shelving), *SERVICE.allowed(held.service))
    allowed = alarm_machine.TABLE.allowed(state.name)
    return (
        *(action.value for action in _FOR_PEOPLE if action in allowed),
        *(
            action.value
            for action in _SUPPRESSIONS
            if action in suppressions and (longest > 0 or action is not ShelvingAction.SHELVE)
        ),
    )


def _priority_without_rule(ticket: Ticket | None) -> Priority:
    ordinary = ticket is not None and ticket.grade is TicketGrade.ORDINARY
    return Priority.HIGH if ordinary else Priority.CRITICAL


def demand_view(demand: Demand, interlock: InterlockInstance | None, areas: Mapping[str, str]) -> DemandView:
    """One demand; `interlock` is None for one that the plant no longer has."""
    effects = {effect.id: effect for effect in interlock.effects} if interlock else {}
    return DemandView(
        id=demand.id,
        interlock=demand.interlock,
        name=interlock.name if interlock else Text(demand.interlock, demand.interlock),
        equipment=demand.equipment,
        area=areas.get(demand.equipment, ""),
        clauses=interlock.clauses if interlock else (),
        causes=demand.causes,
        onset=demand.onset,
        demanded_at=demand.demanded_at,
        ended_at=demand.ended_at,
        verdict=demand.verdict,
        effects=tuple(_effect_view(state, effects.get(state.effect)) for state in demand.effects),
        bypass=demand.bypass,
        test=demand.test,
    )


def _effect_view(state: EffectState, effect: Effect | None) -> EffectView:
    return EffectView(
        id=state.effect,
        name=effect.name if effect else Text(state.effect, state.effect),
        mode=state.mode,
        verdict=state.verdict,
        delay=state.delay,
        within=effect.within if effect else 0,
        command_written=state.written,
    )


def trial_view(rule: RuleInstance, truth: Truth, since: Instant, areas: Mapping[str, str]) -> TrialView:
    """One rule on trial. `areas`: area by equipment."""
    return TrialView(
        id=rule.id,
        rule=rule.rule,
        equipment=rule.equipment,
        area=areas.get(rule.equipment, ""),
        clauses=rule.clauses,
        title=rule.title,
        priority=rule.priority,
        truth=truth.name.lower(),
        since=since,
        rule_hash=rule.hash,
        points=rule.points,
        response=rule.response,
    )


def ticket_view(ticket: Ticket) -> TicketView:
    return TicketView(
        id=ticket.id,
        state=ticket.state,
        grade=ticket.grade,
        rule=ticket.rule,
        equipment=ticket.equipment,
        area=ticket.area,
        clauses=ticket.clauses,
        title=ticket.title,
        onset=ticket.onset,
        filed_at=ticket.filed_at,
        occurrences=ticket.occurrences,
        recurrences=ticket.recurrences,
        responsible=ticket.responsible,
        due=ticket.due,
        evidence_points=ticket.evidence_points,
        previous=ticket.previous,
        steps=tuple(
            TicketStep(s.at, s.action, s.by, s.comment, s.approver, s.due, s.cause, s.note) for s in ticket.steps
        ),
        actions=ticket_machine.allowed(ticket),
        source=ticket.source,
        found_by=ticket.found_by,
        unit=ticket.unit,
        description=ticket.description,
        department=ticket.plan.department,
        measures=ticket.plan.measures,
        funds=ticket.plan.funds,
        emergency_plan=ticket.plan.emergency_plan,
        interim=ticket.plan.interim,
        limit=ticket.limit,
        deadline=ticket.deadline,
        rectified_by=ticket.rectified_by,
        extensions=ticket.extensions,
        supervision=ticket.supervision,
        production=ticket.production,
        attachments=ticket.attachments,
        told=ticket.told,
    )


def link_view(device: Device, status: LinkStatus | None, started_at: Instant) -> LinkView:
    """One device's connection; without a status it has been connecting since the start."""
    return LinkView(
        device=device.id,
        name=device.name,
        driver=device.driver,
        state=status.state if status else LinkState.CONNECTING,
        reason=status.reason.name.lower() if status else "none",
        detail=status.detail if status else "",
        since=status.at if status else started_at,
        clock_ahead=status.clock_ahead if status else None,
        clock_source=status.clock_source if status else "",
    )


def plant_view(plant: Plant, criteria: Criteria, point_limits: PointLimits, version: str) -> PlantView:
    """What of a plant never changes while the gateway runs."""
    classes = criteria.classes
    areas = tuple(AreaView(area.id, area.name, area.staffed) for area in plant.areas)
    equipment = tuple(
        EquipmentView(
            id=each.id,
            equipment_class=each.equipment_class,
            class_name=classes[each.equipment_class].name
            if each.equipment_class in classes
            else Text(each.equipment_class, each.equipment_class),
            area=each.area,
            parent=each.parent,
            name=each.name,
        )
        for each in plant.equipment
    )
    class_of = {each.id: each.equipment_class for each in plant.equipment}
    points = tuple(
        _point_view(point, _states(criteria, class_of.get(point.equipment, ""), point.kind), point_limits)
        for point in plant.points
    )
    site = plant.site
    return PlantView(
        version=version,
        site=site.id,
        name=site.name,
        credit_code=site.credit_code,
        industry=site.industry,
        risk_grade=site.risk_grade,
        areas=areas,
        equipment=equipment,
        points=points,
    )


def _states(criteria: Criteria, equipment_class: str, kind: str) -> tuple[tuple[int, Text], ...]:
    known = criteria.classes.get(equipment_class)
    role = known.kinds.get(kind) if known else None
    return tuple(role.states.items()) if role else ()


def _point_view(point: Point, states: tuple[tuple[int, Text], ...], limits: PointLimits) -> PointView:
    address = point.address.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return PointView(
        index=point.index,
        id=point.id,
        name=point.name,
        equipment=point.equipment,
        kind=point.kind,
        unit=point.unit,
        low=point.low,
        high=point.high,
        period=point.period,
        stale_after=point.stale_after,
        states=states,
        limits=tuple(limits.get(point.id, ())),
        device=point.device,
        source=" ".join(f"{name}={value}" for name, value in address.items()),
    )


def sample_columns(columns: PointColumns, rows: NDArray[np.integer]) -> SampleColumns:
    """The points at `rows`, each value None unless its quality lets it be read as a number."""
    quality = columns.quality[rows]
    return SampleColumns(
        point=tuple(rows.tolist()),
        value=numbers_or_none(np.where(quality <= Quality.UNCERTAIN, columns.value[rows], np.nan)),
        quality=tuple(quality.tolist()),
        reason=tuple(columns.reason[rows].tolist()),
        source_time=tuple(columns.source_time[rows].tolist()),
    )


def with_bypasses(row: CoverageRow, bypassed: Collection[str]) -> CoverageRow:
    """The row as it is while these interlocks are bypassed; what is missing or failed is so either way."""
    if row.status is not CoverageStatus.COVERED or not set(row.interlocks) & set(bypassed):
        return row
    return replace(row, status=CoverageStatus.BYPASSED)


def numbers_or_none(values: Floats) -> tuple[float | None, ...]:
    """The finite ones as numbers, everything else as None: JSON has no NaN, and no reader may meet one."""
    return tuple(value if math.isfinite(value) else None for value in values.tolist())


def trend(curve: Curve, limits: Iterable[LimitLine]) -> Trend:
    return Trend(
        point=curve.point,
        bucket=curve.bucket,
        start=tuple(curve.start.tolist()),
        low=numbers_or_none(curve.low),
        high=numbers_or_none(curve.high),
        mean=numbers_or_none(curve.mean),
        last=numbers_or_none(curve.last),
        worst_quality=tuple(curve.worst.tolist()),
        limits=tuple(limits),
    )
