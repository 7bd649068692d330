"""Rules on trial in every state that the page can show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fastapi import FastAPI

from gateway.api import schema as wire
from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import SECOND, Instant
from gateway.trial_log import TrialRaise
from tests.web import fixture_views
from tests.web.fixture_plant import point_index

HOUR = 3600 * SECOND


LEAVE = Text("通知现场人员撤至上风侧，派两人携呼吸器查漏", "Send people upwind, two look for the leak")
STOP = Text("停止浇铸，检查结晶器进水阀门与过滤器", "Stop casting, look at inlet valve and strainer of the mould")


def trials(now: int) -> list[wire.TrialView]:
    raised = tuple(
        TrialRaise(Instant(now - ago * HOUR), None if stands else Instant(now - ago * HOUR + 95 * SECOND))
        for ago, stands in ((50, False), (20, False), (1, True))
    )
    rising = trial("gas.co_high_early", "co_02", "4(6)", Text("一氧化碳上升过快", "CO rises fast"), LEAVE)
    water = trial("caster.mould_water", "caster1", "5(6)", Text("结晶器冷却水流量偏低", "Mould water flow low"), STOP)
    return [
        replace(rising, truth="true", since=now - HOUR, on_trial_since=now - 70 * HOUR, raised=14, latest=raised),
        replace(water, truth="unknown", since=now - 600 * SECOND, on_trial_since=now - 5 * HOUR),
        replace(rising, id="gas.co_high_early@co_01", equipment="co_01", since=now - 70 * HOUR),
    ]


def trial(rule: str, equipment: str, clause: str, title: Text, response: Text) -> wire.TrialView:
    """A rule on trial whose condition does not hold, and of which the journal has said nothing yet."""
    return wire.TrialView(
        id=f"{rule}@{equipment}",
        rule=rule,
        equipment=equipment,
        area="",
        clauses=(clause,),
        title=title,
        priority=Priority.HIGH,
        truth="false",
        since=0,
        rule_hash="a1",
        points=tuple(point_index(f"{equipment}.{kind}") for kind in ("concentration",) if rule.startswith("gas.")),
        response=response,
    )


def serve(app: FastAPI, told: Callable[[], list[wire.TrialView]]) -> None:
    """What the view of the clauses asks for."""

    @app.get("/api/coverage")
    async def coverage() -> tuple[wire.CoverageRow, ...]:
        return tuple(fixture_views.coverage())

    @app.get("/api/trials")
    async def trials() -> tuple[wire.TrialView, ...]:
        return tuple(told())
