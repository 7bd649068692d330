"""Rules on trial, and the exchange of rules and plant file under way: what changes what the gateway watches."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter

from gateway.api.answers import problem, refuse
from gateway.api.requests import PersonAction
from gateway.api.schema import ReloadView, TrialView
from gateway.api.services import Services
from gateway.trial_log import TrialRecord

changes = APIRouter(prefix="/api")


@changes.get("/trials")
async def trials(services: Services) -> tuple[TrialView, ...]:
    """Rules on trial (试运行) as they stand now: journalled, never annunciated."""
    records = services.figures.trials.records
    return tuple(_with_record(view, records.get(view.id)) for view in services.hub.book.trials.values())


@changes.post("/reload")
async def reload(action: PersonAction, services: Services) -> ReloadView:
    """Read plant file and rules again and let them take force (热更新); refused whole if anything in them is wrong."""
    problems = []
    if not action.by:
        problems.append(problem("by", "the name of the person who changes the configuration", "nothing"))
    if not action.comment:
        problems.append(problem("comment", "the reason for the change (变更原因)", "nothing"))
    refuse(problems)
    return await services.reload(action.by, action.comment)


def _with_record(view: TrialView, record: TrialRecord | None) -> TrialView:
    if record is None or record.rule_hash != view.rule_hash:
        return view
    return replace(view, on_trial_since=record.since, raised=record.raised, latest=tuple(record.latest))
