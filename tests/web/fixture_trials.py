"""Rules on trial in every state that the page can show."""

from __future__ import annotations

from gateway.api import schema as wire
from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import SECOND, Instant
from gateway.trial_log import TrialRaise
from tests.web.fixture_plant import point_index

HOUR = 3600 * SECOND


def trials(now: int) -> list[wire.TrialView]:
    leave = Text("通知现场人员撤至上风侧，派两人携呼吸器查漏", "Send people upwind, two look for the leak")
    stop = Text("停止浇铸，检查结晶器进水阀门与过滤器", "Stop casting, look at inlet valve and strainer of the mould")
    raised = tuple(
        TrialRaise(Instant(now - ago * HOUR), None if stands else Instant(now - ago * HOUR + 95 * SECOND))
        for ago, stands in ((50, False), (20, False), (1, True))
    )
    return [
        wire.TrialView(
            "gas.co_high_early@co_02",
            "gas.co_high_early",
            "co_02",
            "area",
            ("4(6)",),
            Text("一氧化碳上升过快", "CO rises fast"),
            Priority.HIGH,
            "true",
            now - HOUR,
            "a1",
            (point_index("co_02.concentration"),),
            leave,
            now - 70 * HOUR,
            14,
            raised,
        ),
        wire.TrialView(
            "caster.mould_water@caster1",
            "caster.mould_water",
            "caster1",
            "area",
            ("5(6)", "5(8)"),
            Text("结晶器冷却水流量偏低", "Mould water flow low"),
            Priority.CRITICAL,
            "unknown",
            now - 600 * SECOND,
            "b2",
            (),
            stop,
            now - 5 * HOUR,
        ),
        wire.TrialView(
            "gas.co_high_early@co_01",
            "gas.co_high_early",
            "co_01",
            "area",
            ("4(6)",),
            Text("一氧化碳上升过快", "CO rises fast"),
            Priority.HIGH,
            "false",
            now - 70 * HOUR,
            "a1",
            (point_index("co_01.concentration"),),
            leave,
        ),
    ]
