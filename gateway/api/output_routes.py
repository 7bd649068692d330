"""The routes under /api/outputs: what may be written, and the two steps of a person who commands.

Nothing is written from here: the second step journals a command, and the sender sends what is in the journal.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import Field

from gateway.api.answers import problem, refuse, require
from gateway.api.person import ByPerson
from gateway.api.requests import PersonAction
from gateway.api.services import ApiServices, Services
from gateway.event import Event
from gateway.events.interlocks import Verdict
from gateway.machines.output import Command, CommandStage, SelectionState, selection_state
from gateway.output_desk import Decision, PersonsWish
from gateway.plant.guard import Aspect
from gateway.plant.model import Output, Text
from gateway.rule import Truth
from gateway.sample import Instant

output_routes = APIRouter(prefix="/api/outputs")


@dataclass(frozen=True, slots=True)
class PermissiveView:
    """One condition of an output, and what is seen of it now."""

    condition: str
    truth: Truth
    seen: str


@dataclass(frozen=True, slots=True)
class SelectionView:
    """Who is about to command; the token is theirs alone and not shown."""

    by: str
    value: float
    comment: str
    at: Instant
    expires: Instant


@dataclass(frozen=True, slots=True)
class ProofView:
    """One aspect of the last command: what must be seen, and the verdict."""

    aspect: Aspect
    condition: str
    within: int
    verdict: Verdict
    delay: int | None


@dataclass(frozen=True, slots=True)
class CommandView:
    """The last command; `by` is empty for an interlock's."""

    id: str
    value: float
    by: str
    comment: str
    demand: str
    at: Instant
    stage: CommandStage
    detail: str
    proofs: tuple[ProofView, ...]


@dataclass(frozen=True, slots=True)
class OutputView:
    """One output of the plant file."""

    id: str
    name: Text
    equipment: str
    allowed: bool
    people: bool
    values: tuple[float, ...]
    fail_safe: float | None
    held: float | None
    """What was last written, if that was confirmed; null where it was not, or the gateway never wrote."""
    permissives: tuple[PermissiveView, ...]
    selection: SelectionView | None
    command: CommandView | None


@dataclass(frozen=True, slots=True)
class Selected:
    """The answer to the first step."""

    token: str
    """To be shown at the second step, by the same person, before `expires`."""
    expires: Instant
    output: OutputView


class SelectRequest(PersonAction):
    """The first step (选择). The comment is the reason and is required."""

    value: float = Field(allow_inf_nan=False)


class OperateRequest(ByPerson):
    """The second step (执行): the same person, value and token."""

    token: str = Field(max_length=64)
    value: float = Field(allow_inf_nan=False)


@output_routes.get("")
async def outputs(services: Services) -> tuple[OutputView, ...]:
    """Every output (输出): what may be written on it, whether that holds now, and what its last command came to."""
    return tuple(_view(services, output) for output in services.plant.outputs)


@output_routes.post("/{output_id}/select")
async def select_output(output_id: str, request: SelectRequest, services: Services) -> Selected:
    """The first step of a command (选择): who, what and why. Nothing is sent."""
    problems = []
    if not request.by:
        problems.append(problem("by", "the name of the person who commands", "nothing"))
    if not request.comment:
        problems.append(problem("comment", "the reason (原因)", "nothing"))
    refuse(problems)
    token = secrets.token_urlsafe(16)
    wish = PersonsWish(output_id, request.value, request.by, token, request.comment)
    desk, table = services.engine.output_desk, services.loop.table
    await _act(services, lambda now: desk.select(wish, table, now))
    selection = desk.state(output_id).selection
    assert selection is not None  # noqa: S101 - what was refused was raised
    return Selected(token, selection.expires, _view(services, desk.output(output_id)))


@output_routes.post("/{output_id}/operate")
async def operate_output(output_id: str, request: OperateRequest, services: Services) -> OutputView:
    """The second step (执行): the command is journalled and then sent, or refused with its reason."""
    require("by", request.by, "the name of the person who commands")
    wish = PersonsWish(output_id, request.value, request.by, request.token)
    desk, table = services.engine.output_desk, services.loop.table
    await _act(services, lambda now: desk.operate(wish, table, now))
    return _view(services, desk.output(output_id))


@output_routes.post("/{output_id}/cancel")
async def cancel_selection(output_id: str, action: PersonAction, services: Services) -> OutputView:
    """Give a selection back (取消选择)."""
    require("by", action.by, "the name of the person who selected it")
    desk = services.engine.output_desk
    await services.loop.act(lambda now: desk.cancel(output_id, action.by, now))
    return _view(services, desk.output(output_id))


async def _act(services: ApiServices, decide: Callable[[Instant], Decision]) -> None:
    """Keep what was decided; a refusal is kept first and raised then."""
    decided: list[Decision] = []

    def events(now: Instant) -> Sequence[Event]:
        decided.append(decide(now))
        return decided[-1].events

    await services.loop.act(events)
    if decided[-1].refusal is not None:
        raise decided[-1].refusal


def _view(services: ApiServices, output: Output) -> OutputView:
    desk, now = services.engine.output_desk, services.clock.now()
    state = desk.state(output.id)
    chosen = state.selection
    held = chosen is not None and selection_state(state, now) is SelectionState.SELECTED
    columns = services.loop.table.latest
    return OutputView(
        id=output.id,
        name=output.name,
        equipment=output.equipment,
        allowed=output.allowed,
        people=output.guard.people,
        values=output.values,
        fail_safe=output.guard.fail_safe,
        held=state.held,
        permissives=tuple(
            PermissiveView(each.test.words, each.truth, each.seen) for each in desk.permissives(output, columns)
        ),
        selection=SelectionView(chosen.by, chosen.value, chosen.comment, chosen.at, chosen.expires)
        if chosen is not None and held
        else None,
        command=None if state.command is None else _command(output, state.command),
    )


def _command(output: Output, command: Command) -> CommandView:
    expected = [(aspect, output.guard.expected(aspect, command.value)) for aspect in Aspect]
    return CommandView(
        id=command.id,
        value=command.value,
        by=command.by,
        comment=command.comment,
        demand=command.demand,
        at=command.at,
        stage=command.stage,
        detail=command.detail,
        proofs=tuple(
            ProofView(aspect, each.test.words, each.within, command.proof(aspect).verdict, command.proof(aspect).delay)
            for aspect, each in expected
            if each is not None
        ),
    )
