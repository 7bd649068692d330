"""A small plant: areas, equipment and points. Data only: nothing here is measured or decided."""

from __future__ import annotations

from gateway.api import schema as wire
from gateway.plant.model import RiskGrade, Text
from gateway.sample import SECOND

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
                    len(views),
                    f"{each.id}.{kind}",
                    Text(zh, en),
                    each.id,
                    kind,
                    unit,
                    low,
                    high,
                    100_000,
                    SECOND,
                    states,
                    limits,
                    f"plc_{each.area}",
                    f"input {30000 + len(views)} float32",
                )
            )
    return tuple(views)


def normal_values() -> list[float]:
    return [row[6] for each in equipment() for row in _KINDS[each.equipment_class]]


def plant() -> wire.PlantView:
    return wire.PlantView(
        "fixture",
        "fixture",
        Text("试验冶金有限公司（虚构）", "Fixture Metallurgy (fictitious)"),
        "91000000FIX000000X",
        "冶金、有色",
        RiskGrade.A,
        AREAS,
        equipment(),
        points(),
    )


def point_index(point: str) -> int:
    return next(view.index for view in points() if view.id == point)
