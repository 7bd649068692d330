"""The gateway's own interlock routes over two made-up interlocks: one kept well, one never proven, late and due."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType, SimpleNamespace

from gateway.event import Event
from gateway.events.interlock_register import EffectProven, ProvenBy
from gateway.events.interlocks import Verdict
from gateway.machines.interlock import Demand, EffectState
from gateway.plant.interlock_keeping import InterlockKeeping, InterlockPolicy
from gateway.plant.model import Text
from gateway.proving import cell_hashes
from gateway.register_desk import RegisterDesk
from gateway.rule import Effect, EffectMode, InterlockInstance, Priority, RuleInstance, Truth
from gateway.sample import SECOND, Instant
from gateway.standing import Standing, fold

DAY = 86_400 * SECOND
CASTER, FURNACE = "caster.trip@caster1", "eaf.cooling_water@eaf1_panel_a"

_CAUSES = (
    ("caster.mould_water_flow_trip@caster1", Text("结晶器冷却水流量过低", "Mould water flow too low")),
    ("caster.mould_inlet_level_trip@caster1", Text("模盘入口液位超限", "Mould inlet level out of bounds")),
    ("caster.dummy_block_stuck@caster1", Text("引锭头卡阻", "Dummy block stuck")),
    ("eaf.outlet_temperature_trip@eaf1_panel_a", Text("水冷壁出水温度过高", "Panel outlet temperature too high")),
)
_EFFECTS = (
    ("quick_shutoff", Text("快速切断", "Quick shut-off"), 2),
    ("emergency_discharge", Text("紧急排放", "Emergency discharge"), 2),
    ("launder_disconnect", Text("流槽断开", "Launder disconnect"), 2),
    ("tilt_back", Text("炉体回倾", "Furnace tilt-back"), 5),
    ("platform_stop", Text("平台停止下降", "Platform stop"), 2),
)


def _rule(index: int, name: str, title: Text) -> RuleInstance:
    on = name.partition("@")[2]
    return RuleInstance(
        index=index,
        id=name,
        rule=name.partition("@")[0],
        equipment=on,
        clauses=("5(6)",),
        title=title,
        consequence=title,
        response=title,
        response_time=60 * SECOND,
        priority=Priority.CRITICAL,
        latch=True,
        ticket=None,
        first_out_group=None,
        points=(),
        hash=f"hash of {name}",
    )


def _effect(name: str, title: Text, within: int) -> Effect:
    return Effect(name, title, 9, within * SECOND, SECOND // 10, EffectMode.OBSERVE, None, 1.0, (), f"hash of {name}")


RULES = tuple(_rule(at, *cause) for at, cause in enumerate(_CAUSES))
ROWS = (
    InterlockInstance(
        0,
        CASTER,
        "caster.trip",
        "caster1",
        ("5(6)", "5(8)", "5(9)"),
        Text("深井铸造紧急联锁", "Casting emergency interlock"),
        (0, 1, 2),
        8,
        tuple(_effect(*each) for each in _EFFECTS),
    ),
    InterlockInstance(
        1,
        FURNACE,
        "eaf.cooling_water",
        "eaf1_panel_a",
        ("4(4)",),
        Text("电炉冷却水联锁", "Cooling water interlock"),
        (3,),
        8,
        (_effect("power_off", Text("电极断电", "Electrode power off"), 1),),
    ),
)


def standing(now: int) -> Standing:
    """The caster: one cause proven by test, one whose rule has changed since, one never; the furnace: a late demand."""
    made, versions = Standing(), cell_hashes(ROWS[0], RULES)
    for (cause, effect), version in versions.items():
        if cause == RULES[2].id:
            continue
        tested = cause == RULES[0].id
        event = EffectProven(
            id=f"{cause} {effect}",
            at=Instant(now - 40 * DAY),
            interlock=CASTER,
            cause=cause,
            effect=effect,
            demand="d",
            proven_by=ProvenBy.TEST if tested else ProvenBy.DEMAND,
            demanded_at=Instant(now - (40 if tested else 90) * DAY),
            delay=840_000,
            hash=version if tested else "an earlier version",
        )
        fold(made, event)
    late = EffectState("power_off", EffectMode.OBSERVE, Verdict.LATE, 1_900_000)
    at = Instant(now - DAY)
    made.demands["late"] = Demand("late", FURNACE, "eaf1_panel_a", (RULES[3].id,), at, at, Truth.TRUE, (late,), at)
    return made


def engine(now: int) -> SimpleNamespace:
    """What the interlock and handover routes read of an engine."""
    states = standing(now)
    own = {CASTER: InterlockKeeping(proof_test_every=180 * DAY), FURNACE: InterlockKeeping(proof_test_every=30 * DAY)}
    policy = InterlockPolicy(own=MappingProxyType(own))
    desk = RegisterDesk(
        SimpleNamespace(site=SimpleNamespace(id="demo"), interlocks=policy, equipment=()),  # type: ignore[arg-type]
        ROWS,
        RULES,
        states.interlocks,
        states.demands,
    )
    return SimpleNamespace(
        rules=RULES,
        interlocks=ROWS,
        states=states,
        register_desk=desk,
        interlock_desk=SimpleNamespace(engaged=lambda row: Truth.FALSE if row.id == FURNACE else Truth.TRUE),
        policy=policy,
    )


def take(of: SimpleNamespace, events: Sequence[Event]) -> None:
    """Fold what was decided into the states."""
    for event in events:
        fold(of.states, event)
