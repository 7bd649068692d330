"""Alarms, tickets, demands, links and coverage in every state that the page can show."""

from __future__ import annotations

from dataclasses import replace

from gateway.api import schema as wire
from gateway.events.interlocks import Verdict
from gateway.events.tickets import TicketAction, TicketState
from gateway.machines.alarm import AlarmStateName
from gateway.machines.suppression import NOT_SUPPRESSED, Removal, Shelf, Suppression
from gateway.plant.criteria import ClauseCertainty
from gateway.plant.model import Text
from gateway.plant.risk import RiskColour
from gateway.rule import EffectMode, Priority, TicketGrade
from gateway.sample import SECOND, Instant, Reading
from tests.web.fixture_aside import aside_fields, person_actions
from tests.web.fixture_plant import equipment, point_index

MINUTE, DAY = 60 * SECOND, 86_400 * SECOND
COLOUR = {
    Priority.CRITICAL: RiskColour.RED,
    Priority.HIGH: RiskColour.ORANGE,
    Priority.MEDIUM: RiskColour.YELLOW,
    Priority.LOW: RiskColour.BLUE,
}


def alarm(
    rule: str,
    on: str,
    title: Text,
    priority: Priority,
    state: AlarmStateName,
    raised: int,
    point: str,
    value: float | None,
    response: Text,
    *,
    unknown: bool = False,
    first_out: bool = False,
    ticket: str | None = None,
    held: Suppression = NOT_SUPPRESSED,
) -> wire.AlarmView:
    """One alarm view; actions follow from the state."""
    open_ = state.value.endswith("unacknowledged")
    area = next(each.area for each in equipment() if each.id == on)
    quality = "good" if value is not None else "bad"
    seen = not open_ and state is not AlarmStateName.NORMAL
    return wire.AlarmView(
        f"{rule}@{on}",
        f"occ-{rule}-{on}-{raised}",
        state,
        unknown,
        rule,
        on,
        area,
        ("第四条（三）",),
        title,
        Text("炉内进水可引起喷爆，人员伤亡", "Water in the furnace can explode and kill"),
        response,
        3 * MINUTE,
        priority,
        COLOUR[priority],
        raised - SECOND,
        raised,
        raised + 40 * SECOND if seen else None,
        "李值班" if seen else None,
        raised + MINUTE if "latched" in state.value else None,
        first_out,
        ticket,
        (point_index(point),),
        (Reading(point, value, quality, "none" if value is not None else "timeout", Instant(raised - SECOND)),),
        person_actions(state, held),
        **aside_fields(state, held, priority, raised, unknown=unknown),
    )


def unacknowledged_alarms(now: int) -> list[wire.AlarmView]:
    state = AlarmStateName
    return [
        alarm(
            "eaf.outlet_temperature_high",
            "eaf1_panel_a",
            Text("出水温度高", "Outlet temperature high"),
            Priority.CRITICAL,
            state.UNACKNOWLEDGED,
            now - 47 * SECOND,
            "eaf1_panel_a.outlet_temperature",
            63.8173,
            Text(
                "立即停电、提升电极、禁止倾动，撤离炉前人员",
                "Cut power, raise electrodes, inhibit tilting; clear people from the furnace front",
            ),
            first_out=True,
            ticket="t1",
        ),
        alarm(
            "co.high",
            "co_02",
            Text("CO 浓度高", "CO high"),
            Priority.HIGH,
            state.UNACKNOWLEDGED,
            now - 4 * MINUTE,
            "co_02.concentration",
            42.0,
            Text("撤离，佩戴呼吸器后两人查漏", "Evacuate; search for the leak in pairs with breathing sets"),
        ),
    ]


def other_alarms(now: int) -> list[wire.AlarmView]:
    state = AlarmStateName
    return [
        alarm(
            "dust.differential_pressure",
            "dust_dry1",
            Text("除尘器压差高", "Differential pressure high"),
            Priority.MEDIUM,
            state.ACKNOWLEDGED,
            now - 25 * MINUTE,
            "dust_dry1.differential_pressure",
            1874.0,
            Text("检查清灰系统和滤袋", "Check the cleaning system and the bags"),
            ticket="t2",
        ),
        alarm(
            "caster.level_high",
            "caster1",
            Text("结晶器入口液位高", "Mould inlet level high"),
            Priority.HIGH,
            state.LATCHED_ACKNOWLEDGED,
            now - 70 * MINUTE,
            "caster1.mould_inlet_level",
            34.2,
            Text("核对液位，确认联锁动作后复位", "Check the level; reset after the interlock is confirmed"),
        ),
        alarm(
            "dust.water_level_low",
            "dust_wet1",
            Text("水位低", "Water level low"),
            Priority.LOW,
            state.RETURNED_UNACKNOWLEDGED,
            now - 11 * MINUTE,
            "dust_wet1.water_level",
            388.0,
            Text("检查补水阀", "Check the make-up valve"),
        ),
        alarm(
            "co.high",
            "co_04",
            Text("CO 浓度高", "CO high"),
            Priority.HIGH,
            state.NORMAL,
            now - 2 * MINUTE,
            "co_04.concentration",
            None,
            Text("派人携带便携仪现场检测", "Send someone with a portable detector"),
            unknown=True,
        ),
    ]


def alarms(now: int) -> list[wire.AlarmView]:
    return [*unacknowledged_alarms(now), *other_alarms(now), *suppressed_alarms(now)]


def suppressed_alarms(now: int) -> list[wire.AlarmView]:
    """One alarm on each axis of suppression."""
    since, until = Instant(now - 8 * MINUTE), Instant(now + 22 * MINUTE)
    shelf = Shelf(since, until, False, "李值班", "王班长", "探头蒸汽干扰，现场有人监护")
    removal = Removal(Instant(now - 90 * MINUTE), "赵仪表", "王班长", "JX-2026-118", "检测器标定")
    axes = {
        "eaf.outlet_pressure_low": (AlarmStateName.ACKNOWLEDGED, Suppression(shelf=shelf)),
        "gas.detector_fault": (AlarmStateName.NORMAL, Suppression(removal=removal)),
        "caster.flow_low": (AlarmStateName.UNACKNOWLEDGED, Suppression(design=since)),
    }
    titles = {
        "eaf.outlet_pressure_low": Text("出水压力低", "Outlet pressure low"),
        "gas.detector_fault": Text("煤气检测器故障", "Gas detector fault"),
        "caster.flow_low": Text("结晶器水流量低", "Mould water flow low"),
    }
    return [
        alarm(
            rule,
            "eaf1",
            titles[rule],
            Priority.HIGH,
            state,
            now - 10 * MINUTE,
            "eaf1.pit_water_present",
            1.0,
            Text("现场监护", "Guard on site"),
            held=held,
        )
        for rule, (state, held) in axes.items()
    ]


def tickets(now: int) -> list[wire.TicketView]:
    def step(minutes: int, action: str, by: str = "", comment: str = "") -> wire.TicketStep:
        return wire.TicketStep(now - minutes * MINUTE, action, by, comment)

    action = TicketAction
    return [
        wire.TicketView(
            "t1",
            TicketState.SUSPECTED,
            TicketGrade.MAJOR,
            "eaf.outlet_temperature_high@eaf1_panel_a",
            "eaf1_panel_a",
            "meltshop",
            ("第四条（三）",),
            Text("水冷炉壁出水温度超限", "Wall panel outlet temperature over its limit"),
            now - MINUTE,
            now - 47 * SECOND,
            ("o1",),
            1,
            "",
            None,
            ("eaf1_panel_a.outlet_temperature", "eaf1_panel_a.inlet_flow"),
            None,
            (step(1, "filed"), step(0, "recurred")),
            (action.REGISTER, action.DISMISS),
            deadline=now + 92 * DAY,
        ),
        wire.TicketView(
            "t2",
            TicketState.RECTIFYING,
            TicketGrade.ORDINARY,
            "dust.differential_pressure@dust_dry1",
            "dust_dry1",
            "dust_workshop",
            ("第十一条（五）",),
            Text("除尘器压差长期偏高", "Collector pressure high for long"),
            now - 25 * MINUTE,
            now - 25 * MINUTE,
            ("o2",),
            0,
            "王班长",
            now - DAY,
            ("dust_dry1.differential_pressure",),
            "t0",
            (step(25, "filed"), step(20, "register", "李值班", "现场已核实"), step(18, "assign", "李值班", "更换滤袋")),
            (action.RECTIFY,),
            deadline=now - DAY,
        ),
    ]


def effect(
    id_: str, zh: str, en: str, verdict: Verdict, delay: int | None, within: int, *, command: bool = False
) -> wire.EffectView:
    mode = EffectMode.COMMAND if command else EffectMode.OBSERVE
    return wire.EffectView(id_, Text(zh, en), mode, verdict, delay, within, True if command else None)


def demands(now: int) -> list[wire.DemandView]:
    furnace = Text("冷却水联锁", "Cooling-water interlock")
    trip = Text("铸造紧急停止联锁", "Casting trip")
    return [
        wire.DemandView(
            "d1",
            "eaf.cooling_water",
            furnace,
            "eaf1_panel_a",
            "meltshop",
            ("第四条（三）",),
            ("eaf.outlet_temperature_high@eaf1_panel_a",),
            now - 48 * SECOND,
            now - 47 * SECOND,
            None,
            Verdict.FAIL,
            (
                effect(
                    "electrode_power_off",
                    "电极断电",
                    "Electrode power off",
                    Verdict.PASS,
                    840_000,
                    2 * SECOND,
                    command=True,
                ),
                effect("electrode_lift", "提升电极", "Electrodes raised", Verdict.LATE, 11_900_000, 10 * SECOND),
                effect("tilt_inhibit", "闭锁倾动", "Tilt inhibited", Verdict.FAIL, None, 2 * SECOND),
            ),
        ),
        wire.DemandView(
            "d2",
            "caster.trip",
            trip,
            "caster1",
            "casting_shop",
            ("第五条（二）",),
            ("caster.level_high@caster1",),
            now - 70 * MINUTE,
            now - 70 * MINUTE,
            now - 60 * MINUTE,
            Verdict.INCONCLUSIVE,
            (
                effect("quick_shutoff", "快切阀关闭", "Quick shut-off", Verdict.PASS, 610_000, SECOND, command=True),
                effect("platform_stop", "平台停止", "Platform stop", Verdict.INCONCLUSIVE, None, 2 * SECOND),
            ),
        ),
    ]


def _limit(value: float, source: str, *, overridden: bool) -> wire.LimitView:
    title = Text("出水温度上限", "Outlet temperature limit")
    default = ("degC", "GB", "standard")
    return wire.LimitView("outlet_temperature_high", title, value, "degC", source, overridden, 60.0, *default)


def coverage() -> list[wire.CoverageRow]:
    cooling = Text(
        "水冷元件出水温度、进出水流量差监测报警并联锁",
        "Outlet temperature and flow difference monitored and interlocked",
    )
    dust = Text("除尘器温度、压差、锁气卸灰监测", "Collector temperature, pressure and airlock monitored")
    status = wire.CoverageStatus
    return [
        wire.CoverageRow(
            "第四条（三）",
            cooling,
            "eaf1_panel_a",
            status.COVERED,
            ("eaf1_panel_a.outlet_temperature", "eaf1_panel_a.inlet_flow", "eaf1_panel_a.outlet_flow"),
            (),
            (),
            ("eaf.outlet_temperature_high@eaf1_panel_a",),
            ("eaf.cooling_water@eaf1_panel_a",),
            (),
            (_limit(55.0, "设计文件 Q/2024-17", overridden=True),),
            certainty=ClauseCertainty.VERIFIED,
        ),
        wire.CoverageRow(
            "第四条（三）",
            cooling,
            "eaf1_roof",
            status.FAILED,
            ("eaf1_roof.outlet_temperature", "eaf1_roof.inlet_flow"),
            (),
            ("eaf1_roof.inlet_flow",),
            ("eaf.outlet_temperature_high@eaf1_roof",),
            (),
            (),
            (_limit(60.0, "GB", overridden=False),),
            certainty=ClauseCertainty.VERIFIED,
        ),
        wire.CoverageRow(
            "第十一条（五）",
            dust,
            "dust_dry1",
            status.MISSING,
            ("dust_dry1.hopper_temperature",),
            ("airlock_fault",),
            (),
            ("dust.hopper_temperature@dust_dry1",),
            (),
            ("dust.airlock_fault@dust_dry1",),
            (),
        ),
    ]


def links(now: int) -> list[wire.LinkView]:
    def link(device: str, zh: str, en: str, state: str = "up", reason: str = "NONE", ago: int = 90) -> wire.LinkView:
        detail = "" if state == "up" else "Connection refused"
        return wire.LinkView(device, Text(zh, en), "modbus_tcp", state, reason, detail, now - ago * MINUTE)

    sensors = link("plc_casting_shop", "铸造机传感器", "Caster sensors")
    return [
        link("plc_meltshop", "电弧炉PLC", "Furnace PLC"),
        link("plc_gas_area", "煤气报警控制器", "Gas alarm controller", "down", "DISCONNECTED", 2),
        replace(sensors, clock_ahead=-MINUTE, clock_source="caster/level_2"),
    ]
