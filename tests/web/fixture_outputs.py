"""One output that the page may show and operate, as the fake gateway has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from gateway.api import schema as wire
from gateway.api.output_routes import (
    CommandView,
    OperateRequest,
    OutputView,
    PermissiveView,
    ProofView,
    Selected,
    SelectionView,
    SelectRequest,
)
from gateway.api.requests import PersonAction
from gateway.events.interlocks import Verdict
from gateway.machines.output import CommandStage
from gateway.plant.guard import Aspect
from gateway.plant.model import Text
from gateway.rule import Truth
from gateway.sample import SECOND, Instant

SHUTOFF = "caster1.quick_shutoff"
TOKEN = "shown-once"


class Outputs:
    """`refuse` makes the second step fail; `posts` is what was asked."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.refuse = ""
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.output = OutputView(
            id=SHUTOFF,
            name=Text("快速切断", "Quick shut-off"),
            equipment="caster1",
            allowed=True,
            people=True,
            values=(0.0, 1.0),
            fail_safe=1.0,
            held=None,
            permissives=(
                PermissiveView("caster1.interlock_engaged equals 1", Truth.TRUE, "1"),
                PermissiveView("caster1.mould_water_flow above 108 m3/h", Truth.UNKNOWN, "unknown (stale, too_old)"),
            ),
            selection=None,
            command=None,
        )

    def select(self, body: SelectRequest) -> Selected:
        expires = Instant(self.now + 30 * SECOND)
        chosen = SelectionView(body.by, body.value, body.comment, Instant(self.now), expires)
        self.output = replace(self.output, selection=chosen)
        return Selected(TOKEN, expires, self.output)

    def operate(self, body: OperateRequest) -> OutputView:
        proofs = (
            ProofView(Aspect.FEEDBACK, f"{SHUTOFF}_closed equals 1", 2 * SECOND, Verdict.PASS, 620_000),
            ProofView(Aspect.PROCESS, "caster1.mould_inlet_level below -60 mm", 20 * SECOND, Verdict.PENDING, None),
        )
        command = CommandView(
            "c1", body.value, body.by, "", "", Instant(self.now), CommandStage.WRITTEN, "confirmed", proofs
        )
        self.output = replace(self.output, selection=None, command=command, held=body.value)
        return self.output


def refusal(status: int, message: str, problems: tuple[wire.ProblemView, ...]) -> JSONResponse:
    """What a gateway answers that does not do it."""
    body = TypeAdapter(wire.ErrorView).dump_python(wire.ErrorView("refused", message, problems), mode="json")
    return JSONResponse(body, status_code=status)


def serve(app: FastAPI, outputs: Outputs) -> None:
    """What the panel of an equipment's outputs asks for."""

    @app.get("/api/outputs")
    async def every() -> tuple[OutputView, ...]:
        return (outputs.output,)

    @app.post("/api/outputs/{output_id}/select")
    async def select(output_id: str, body: SelectRequest) -> Selected:
        outputs.posts.append((f"select {output_id}", body.model_dump(mode="json")))
        return outputs.select(body)

    @app.post("/api/outputs/{output_id}/operate", response_model=None)
    async def operate(output_id: str, body: OperateRequest) -> OutputView | JSONResponse:
        outputs.posts.append((f"operate {output_id}", body.model_dump(mode="json")))
        if outputs.refuse:
            return refusal(409, outputs.refuse, ())
        return outputs.operate(body)

    @app.post("/api/outputs/{output_id}/cancel")
    async def cancel(output_id: str, body: PersonAction) -> OutputView:
        outputs.posts.append((f"cancel {output_id}", body.model_dump(mode="json")))
        outputs.output = replace(outputs.output, selection=None)
        return outputs.output
