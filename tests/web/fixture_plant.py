"""A small plant in every state that the page can show. Data only: nothing here is measured or decided."""

from __future__ import annotations

from gateway.api import schema as wire
from gateway.event import Reading, TicketAction, TicketState, Verdict
from gateway.machines.alarm import AlarmStateName
from gateway.plant.model import RiskColour, RiskGrade, Text
from gateway.rule import EffectMode, Priority, TicketGrade
from gateway.sample import SECOND, Instant

MINUTE = 60 * SECOND
COLOUR = {
    Priority.CRITICAL: RiskColour.RED,
    Priority.HIGH: RiskColour.ORANGE,
    Priority.MEDIUM: RiskColour.YELLOW,
    Priority.LOW: RiskColour.BLUE,
}
YES_NO = ((0, Text("否", "no")), (1, Text("是", "yes")))
RUN = ((0, Text("停止", "stopped")), (1, Text("运行", "running")))

AREAS = (
    wire.AreaView("meltshop", Text("炼钢车间", "Melt shop"), staffed=True),
    wire.AreaView("gas_area", Text("煤气区域", "Gas area"), staffed=False),
    wire.AreaView("casting_shop", Text("铝棒铸造车间", "Casting shop"), staffed=True),
    wire.AreaView("dust_workshop", Text("铝制品抛光车间", "Aluminium polishing workshop"), staffed=False),
)

CLASSES = {
    "electric_arc_furnace": Text("电弧炉", "Electric arc furnace"),
    "water_cooled_circuit": Text("水冷回路", "Water-cooled circuit"),
    "co_detector": Text("一氧化碳探测器", "CO detector"),
    "deep_well_caster": Text("深井铸造机", "Deep-well caster"),
    "dry_dust_collector": Text("干式除尘器", "Dry dust collector"),
    "wet_dust_collector": Text("湿式除尘器", "Wet dust collector"),
}

_EQUIPMENT: tuple[tuple[str, str, str, str | None, str, str], ...] = (
    ("eaf1", "electric_arc_furnace", "meltshop", None, "1号电弧炉", "Electric arc furnace 1"),
    ("eaf1_panel_a", "water_cooled_circuit", "meltshop", "eaf1", "1号电弧炉A区水冷炉壁", "EAF 1 wall panel A"),
    ("eaf1_roof", "water_cooled_circuit", "meltshop", "eaf1", "1号电弧炉水冷炉盖", "EAF 1 roof"),
    ("co_01", "co_detector", "meltshop", None, "炉前操作室CO", "CO furnace control room"),
    ("co_02", "co_detector", "gas_area", None, "煤气加压机房CO", "CO gas booster house"),
    ("co_03", "co_detector", "gas_area", None, "煤气柜进口CO", "CO gas holder inlet"),
    ("co_04", "co_detector", "gas_area", None, "煤气排水器CO", "CO gas drainer"),
    ("caster1", "deep_well_caster", "casting_shop", None, "1号深井铸造机", "Deep-well caster 1"),
    ("dust_dry1", "dry_dust_collector", "dust_workshop", None, "1号干式除尘器", "Dry dust collector 1"),
    ("dust_wet1", "wet_dust_collector", "dust_workshop", None, "1号湿式除尘器", "Wet dust collector 1"),
)

# kind, zh, en, unit, low, high, normal, limit or None; the unit "" makes a state.
_Kind = tuple[str, str, str, str, float, float, float, float | None]
_KINDS: dict[str, tuple[_Kind, ...]] = {
    "electric_arc_furnace": (
        ("tilt_angle", "炉体倾角", "Tilt angle", "deg", -15, 45, 0.4, None),
        ("electrode_position", "电极位置", "Electrode position", "mm", 0, 1500, 420, None),
        ("shell_temperature", "炉壳温度", "Shell temperature", "degC", 0, 600, 187, 350),
        ("electrode_breaker_closed", "电极断路器合闸", "Electrode breaker closed", "", 0, 1, 1, None),
        ("electrode_raised", "电极已提升", "Electrode raised", "", 0, 1, 0, None),
        ("tilt_inhibited", "倾动已闭锁", "Tilt inhibited", "", 0, 1, 0, None),
        ("interlock_engaged", "联锁投入", "Interlock in service", "", 0, 1, 1, None),
        ("pit_water_present", "炉坑积水", "Water in pit", "", 0, 1, 0, None),
    ),
    "water_cooled_circuit": (
        ("inlet_flow", "进水流量", "Inlet flow", "m3/h", 0, 200, 121.4, 90),
        ("outlet_flow", "出水流量", "Outlet flow", "m3/h", 0, 200, 120.9, None),
        ("outlet_temperature", "出水温度", "Outlet temperature", "degC", 0, 120, 41.6, 60),
        ("inlet_pressure", "进水压力", "Inlet pressure", "MPa", 0, 1, 0.412, 0.2),
    ),
    "co_detector": (
        ("concentration", "浓度", "Concentration", "ppm", 0, 500, 6, 24),
        ("fault", "探测器故障", "Detector fault", "", 0, 1, 0, None),
    ),
    "deep_well_caster": (
        ("mould_water_flow", "结晶器水流量", "Mould water flow", "m3/h", 0, 300, 182.5, 120),
        ("mould_water_pressure", "结晶器水压力", "Mould water pressure", "MPa", 0, 1, 0.305, 0.15),
        ("mould_inlet_level", "结晶器入口液位", "Mould inlet level", "mm", -100, 100, 2.1, 30),
        ("furnace_outlet_level", "炉口液位", "Furnace outlet level", "mm", -100, 100, -1.3, 30),
        ("platform_speed", "平台速度", "Platform speed", "mm/min", 0, 300, 110, None),
        ("platform_position", "铸造长度", "Cast length", "mm", 0, 8000, 2350, None),
        ("well_water_temperature", "井水温度", "Well water temperature", "degC", 0, 100, 33.2, 55),
        ("quick_shutoff_closed", "快切阀关闭", "Quick shut-off closed", "", 0, 1, 0, None),
        ("emergency_discharge_open", "紧急排放口打开", "Emergency discharge open", "", 0, 1, 0, None),
        ("launder_disconnected", "流槽断开", "Launder disconnected", "", 0, 1, 0, None),
        ("interlock_engaged", "联锁投入", "Interlock in service", "", 0, 1, 1, None),
    ),
    "dry_dust_collector": (
        ("hopper_temperature", "灰斗温度", "Hopper temperature", "degC", 0, 200, 38.4, 70),
        ("differential_pressure", "进出口压差", "Differential pressure", "Pa", 0, 3000, 1120, 1800),
        ("pulse_air_pressure", "清灰气压", "Pulse air pressure", "MPa", 0, 1, 0.46, 0.3),
        ("airlock_running", "锁气卸灰运行", "Airlock running", "", 0, 1, 1, None),
        ("fan_running", "风机运行", "Fan running", "", 0, 1, 1, None),
        ("spark_detected", "火花", "Spark detected", "", 0, 1, 0, None),
    ),
    "wet_dust_collector": (
        ("water_level", "水位", "Water level", "mm", 0, 1000, 640, 400),
        ("circulation_flow", "循环水流量", "Circulation flow", "m3/h", 0, 50, 18.6, 10),
        ("hydrogen", "氢气", "Hydrogen", "%LEL", 0, 100, 1.2, 10),
        ("fan_running", "风机运行", "Fan running", "", 0, 1, 1, None),
    ),
}


def equipment() -> tuple[wire.EquipmentView, ...]:
    return tuple(
        wire.EquipmentView(id_, class_, CLASSES[class_], area, parent, Text(zh, en))
        for id_, class_, area, parent, zh, en in _EQUIPMENT
    )


def points() -> tuple[wire.PointView, ...]:
    views: list[wire.PointView] = []
    for each in equipment():
        for kind, zh, en, unit, low, high, _normal, limit in _KINDS[each.equipment_class]:
            states = () if unit else (RUN if kind.endswith("running") else YES_NO)
            limits = () if limit is None else (wire.LimitLine("limit", Text("报警限", "alarm limit"), limit),)
            views.append(
                wire.PointView(
                    len(views), f"{each.id}.{kind}", Text(zh, en), each.id, kind, unit, low, high, 100_000,
                    SECOND, states, limits, f"plc_{each.area}", f"input {30000 + len(views)} float32",
                )  # fmt: skip
            )
    return tuple(views)


def normal_values() -> list[float]:
    return [row[6] for each in equipment() for row in _KINDS[each.equipment_class]]


def plant() -> wire.PlantView:
    return wire.PlantView(
        "fixture", "fixture", Text("试验冶金有限公司（虚构）", "Fixture Metallurgy (fictitious)"),
        "91000000FIX000000X", "冶金、有色", RiskGrade.A, AREAS, equipment(), points(),
    )  # fmt: skip


def point_index(point: str) -> int:
    return next(view.index for view in points() if view.id == point)


def alarm(
    rule: str, on: str, title: Text, priority: Priority, state: AlarmStateName, raised: int,
    point: str, value: float | None, response: Text, *, unknown: bool = False, first_out: bool = False,
    ticket: str | None = None,
) -> wire.AlarmView:  # fmt: skip
    """One alarm view; actions follow from the state."""
    open_ = state.value.endswith("unacknowledged")
    actions = ("acknowledge",) if open_ else ("reset",) if state is AlarmStateName.LATCHED_ACKNOWLEDGED else ()
    area = next(each.area for each in equipment() if each.id == on)
    quality = "good" if value is not None else "bad"
    standing = state is not AlarmStateName.NORMAL
    return wire.AlarmView(
        f"{rule}@{on}", f"occ-{rule}-{on}-{raised}", state, unknown, rule, on, area, ("第四条（三）",), title,
        Text("炉内进水可引起喷爆，人员伤亡", "Water in the furnace can explode and kill"), response, 3 * MINUTE,
        priority, COLOUR[priority], raised - SECOND, raised, None if open_ or not standing else raised + 40 * SECOND,
        None if open_ or not standing else "李值班", raised + MINUTE if "latched" in state.value else None, first_out, ticket,
        (point_index(point),),
        (Reading(point, value, quality, "none" if value is not None else "timeout", Instant(raised - SECOND)),), actions,
    )  # fmt: skip


def alarms(now: int) -> list[wire.AlarmView]:
    state = AlarmStateName
    return [
        alarm(
            "eaf.outlet_temperature_high", "eaf1_panel_a", Text("出水温度高", "Outlet temperature high"),
            Priority.CRITICAL, state.UNACKNOWLEDGED, now - 47 * SECOND, "eaf1_panel_a.outlet_temperature", 63.8,
            Text("立即停电、提升电极、禁止倾动，撤离炉前人员",
                 "Cut power, raise electrodes, inhibit tilting; clear people from the furnace front"),
            first_out=True, ticket="t1",
        ),
        alarm(
            "co.high", "co_02", Text("CO 浓度高", "CO high"), Priority.HIGH, state.UNACKNOWLEDGED,
            now - 4 * MINUTE, "co_02.concentration", 42.0,
            Text("撤离，佩戴呼吸器后两人查漏", "Evacuate; search for the leak in pairs with breathing sets"),
        ),
        alarm(
            "dust.differential_pressure", "dust_dry1", Text("除尘器压差高", "Differential pressure high"),
            Priority.MEDIUM, state.ACKNOWLEDGED, now - 25 * MINUTE, "dust_dry1.differential_pressure", 1874.0,
            Text("检查清灰系统和滤袋", "Check the cleaning system and the bags"), ticket="t2",
        ),
        alarm(
            "caster.level_high", "caster1", Text("结晶器入口液位高", "Mould inlet level high"), Priority.HIGH,
            state.LATCHED_ACKNOWLEDGED, now - 70 * MINUTE, "caster1.mould_inlet_level", 34.2,
            Text("核对液位，确认联锁动作后复位", "Check the level; reset after the interlock is confirmed"),
        ),
        alarm(
            "dust.water_level_low", "dust_wet1", Text("水位低", "Water level low"), Priority.LOW,
            state.RETURNED_UNACKNOWLEDGED, now - 11 * MINUTE, "dust_wet1.water_level", 388.0,
            Text("检查补水阀", "Check the make-up valve"),
        ),
        alarm(
            "co.high", "co_04", Text("CO 浓度高", "CO high"), Priority.HIGH, state.NORMAL, now - 2 * MINUTE,
            "co_04.concentration", None, Text("派人携带便携仪现场检测", "Send someone with a portable detector"),
            unknown=True,
        ),
    ]  # fmt: skip


def tickets(now: int) -> list[wire.TicketView]:
    def step(minutes: int, action: str, by: str = "", comment: str = "") -> wire.TicketStep:
        return wire.TicketStep(now - minutes * MINUTE, action, by, comment)

    action = TicketAction
    return [
        wire.TicketView(
            "t1", TicketState.SUSPECTED, TicketGrade.MAJOR, "eaf.outlet_temperature_high@eaf1_panel_a", "eaf1_panel_a",
            "meltshop", ("第四条（三）",), Text("水冷炉壁出水温度超限", "Wall panel outlet temperature over its limit"),
            now - MINUTE, now - 47 * SECOND, ("o1",), 1, "", None,
            ("eaf1_panel_a.outlet_temperature", "eaf1_panel_a.inlet_flow"), None,
            (step(1, "filed"), step(0, "recurred")), (action.REGISTER, action.DISMISS),
        ),
        wire.TicketView(
            "t2", TicketState.RECTIFYING, TicketGrade.ORDINARY, "dust.differential_pressure@dust_dry1", "dust_dry1",
            "dust_workshop", ("第十一条（五）",), Text("除尘器压差长期偏高", "Collector pressure high for long"),
            now - 25 * MINUTE, now - 25 * MINUTE, ("o2",), 0, "王班长", now - 86_400 * SECOND,
            ("dust_dry1.differential_pressure",), "t0",
            (step(25, "filed"), step(20, "register", "李值班", "现场已核实"), step(18, "assign", "李值班", "更换滤袋")),
            (action.RECTIFY,),
        ),
    ]  # fmt: skip


def demands(now: int) -> list[wire.DemandView]:
    def effect(
        id_: str, zh: str, en: str, verdict: Verdict, delay: int | None, within: int, *, command: bool = False
    ) -> wire.EffectView:
        mode = EffectMode.COMMAND if command else EffectMode.OBSERVE
        return wire.EffectView(id_, Text(zh, en), mode, verdict, delay, within, True if command else None)

    furnace = Text("冷却水联锁", "Cooling-water interlock")
    trip = Text("铸造紧急停止联锁", "Casting trip")
    return [
        wire.DemandView(
            "d1", "eaf.cooling_water", furnace, "eaf1_panel_a", "meltshop", ("第四条（三）",),
            ("eaf.outlet_temperature_high@eaf1_panel_a",), now - 48 * SECOND, now - 47 * SECOND, None, Verdict.FAIL,
            (
                effect("electrode_power_off", "电极断电", "Electrode power off", Verdict.PASS, 840_000, 2 * SECOND, command=True),
                effect("electrode_lift", "提升电极", "Electrodes raised", Verdict.LATE, 11_900_000, 10 * SECOND),
                effect("tilt_inhibit", "闭锁倾动", "Tilt inhibited", Verdict.FAIL, None, 2 * SECOND),
            ),
        ),
        wire.DemandView(
            "d2", "caster.trip", trip, "caster1", "casting_shop", ("第五条（二）",), ("caster.level_high@caster1",),
            now - 70 * MINUTE, now - 70 * MINUTE, now - 60 * MINUTE, Verdict.INCONCLUSIVE,
            (
                effect("quick_shutoff", "快切阀关闭", "Quick shut-off", Verdict.PASS, 610_000, SECOND, command=True),
                effect("platform_stop", "平台停止", "Platform stop", Verdict.INCONCLUSIVE, None, 2 * SECOND),
            ),
        ),
    ]  # fmt: skip


def coverage() -> list[wire.CoverageRow]:
    cooling = Text("水冷元件出水温度、进出水流量差监测报警并联锁", "Outlet temperature and flow difference monitored and interlocked")
    dust = Text("除尘器温度、压差、锁气卸灰监测", "Collector temperature, pressure and airlock monitored")
    status = wire.CoverageStatus
    title = Text("出水温度上限", "Outlet temperature limit")
    return [
        wire.CoverageRow(
            "第四条（三）", cooling, "eaf1_panel_a", status.COVERED,
            ("eaf1_panel_a.outlet_temperature", "eaf1_panel_a.inlet_flow", "eaf1_panel_a.outlet_flow"), (), (),
            ("eaf.outlet_temperature_high@eaf1_panel_a",), ("eaf.cooling_water@eaf1_panel_a",), (),
            (wire.LimitView("outlet_temperature_high", title, 55.0, "degC", "设计文件 Q/2024-17", overridden=True),),
        ),
        wire.CoverageRow(
            "第四条（三）", cooling, "eaf1_roof", status.FAILED,
            ("eaf1_roof.outlet_temperature", "eaf1_roof.inlet_flow"), (), ("eaf1_roof.inlet_flow",),
            ("eaf.outlet_temperature_high@eaf1_roof",), (), (),
            (wire.LimitView("outlet_temperature_high", title, 60.0, "degC", "GB", overridden=False),),
        ),
        wire.CoverageRow(
            "第十一条（五）", dust, "dust_dry1", status.MISSING, ("dust_dry1.hopper_temperature",), ("airlock_fault",), (),
            ("dust.hopper_temperature@dust_dry1",), (), ("dust.airlock_fault@dust_dry1",), (),
        ),
    ]  # fmt: skip


def links(now: int) -> list[wire.LinkView]:
    def link(device: str, zh: str, en: str, state: str = "up", reason: str = "NONE", ago: int = 90) -> wire.LinkView:
        detail = "" if state == "up" else "Connection refused"
        return wire.LinkView(device, Text(zh, en), "modbus_tcp", state, reason, detail, now - ago * MINUTE)

    return [
        link("plc_meltshop", "电弧炉PLC", "Furnace PLC"),
        link("plc_gas_area", "煤气报警控制器", "Gas alarm controller", "down", "DISCONNECTED", 2),
        link("plc_casting_shop", "铸造机PLC", "Caster PLC"),
    ]
