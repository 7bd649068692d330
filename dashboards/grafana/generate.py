"""Writes the provisioned dashboards: `python dashboards/grafana/generate.py`. A test holds the files to what this says.

Only looks: no alert is defined here, because alarms are the gateway's, and a second opinion of a screen would be one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent / "provisioning" / "dashboards"

BUCKET = "tocsin"
_WIDTH, _HEIGHT = 12, 8

_STEPS = {"lineInterpolation": "stepAfter", "spanNulls": False, "fillOpacity": 0}
"""A gap is a gap: nothing is drawn between two samples that have none between them."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture and its question."""

    title: str
    query: str
    kind: str = "timeseries"
    unit: str = "short"
    width: int = _WIDTH
    mappings: dict[str, str] = field(default_factory=dict)
    """Words for values, by value."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    uid: str
    title: str
    panels: tuple[Panel, ...]


def _from(measurement: str, *filters: str) -> str:
    lines = [
        f'from(bucket: "{BUCKET}")',
        "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)",
        f'  |> filter(fn: (r) => r._measurement == "{measurement}")',
        *(f"  |> filter(fn: (r) => {each})" for each in filters),
    ]
    return "\n".join(lines)


def _points(pattern: str) -> str:
    return f"r.point =~ /{pattern}/"


def curve(pattern: str, fn: str = "max") -> str:
    """One line a point; the extreme that matters survives the thinning."""
    return (
        _from("sample", 'r._field == "value"', _points(pattern))
        + f"\n  |> aggregateWindow(every: v.windowPeriod, fn: {fn}, createEmpty: true)"
        + '\n  |> keep(columns: ["_time", "_value", "point"])'
    )


def latest(pattern: str) -> str:
    return (
        _from("sample", 'r._field == "value"', _points(pattern))
        + '\n  |> last()\n  |> keep(columns: ["_time", "_value", "point"])'
    )


def worst_quality(pattern: str = ".") -> str:
    """0 good, 1 uncertain, 2 stale, 3 bad: the worst in each stretch."""
    return (
        _from("sample", 'r._field == "quality"', _points(pattern))
        + "\n  |> aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: true)"
        + '\n  |> keep(columns: ["_time", "_value", "point"])'
    )


def not_good() -> str:
    return (
        _from("sample", 'r._field == "quality"')
        + "\n  |> last()\n  |> map(fn: (r) => ({r with _value: if r._value > 0 then 1 else 0}))"
        + "\n  |> group()\n  |> sum()"
    )


def counted(measurement: str, kind: str, by: str = "", every: str = "10m") -> str:
    """How many events of a kind, in stretches that the field counts in."""
    group = f'group(columns: ["{by}"])' if by else "group()"
    return (
        _from(measurement, f'r.kind == "{kind}"', 'r._field == "sequence"')
        + f"\n  |> {group}\n  |> aggregateWindow(every: {every}, fn: count, createEmpty: true)"
        + (f'\n  |> keep(columns: ["_time", "_value", "{by}"])' if by else '\n  |> keep(columns: ["_time", "_value"])')
    )


def top(measurement: str, kind: str, by: str, most: int = 10) -> str:
    return (
        _from(measurement, f'r.kind == "{kind}"', 'r._field == "sequence"')
        + f'\n  |> group(columns: ["{by}"])\n  |> count()\n  |> group()'
        + f'\n  |> sort(columns: ["_value"], desc: true)\n  |> limit(n: {most})'
    )


def newest(measurement: str, columns: str, *filters: str) -> str:
    """The last events as a table, newest first."""
    return (
        _from(measurement, *filters)
        + '\n  |> drop(columns: ["_start", "_stop"])'
        + '\n  |> filter(fn: (r) => r._field != "body" and r._field != "id")'
        + "\n  |> map(fn: (r) => ({r with _value: string(v: r._value)}))\n  |> group()"
        + '\n  |> pivot(rowKey: ["_time", "kind", "equipment"], columnKey: ["_field"], valueColumn: "_value")'
        + f'\n  |> keep(columns: [{columns}])\n  |> sort(columns: ["_time"], desc: true)\n  |> limit(n: 100)'
    )


def delay(effect_of: str) -> str:
    """Microseconds from demand to effect, by effect."""
    return (
        _from("interlock", 'r.kind == "interlock.effect"', 'r._field == "delay"', f"r.interlock =~ /{effect_of}/")
        + "\n  |> map(fn: (r) => ({r with _value: float(v: r._value) / 1000.0}))"
        + '\n  |> group(columns: ["interlock", "effect"])'
        + '\n  |> keep(columns: ["_time", "_value", "interlock", "effect"])'
    )


_OFF_ON = {"0": "否 no", "1": "是 yes"}
_QUALITY = {"0": "好 good", "1": "存疑 uncertain", "2": "过期 stale", "3": "坏 bad"}
_ALARM_COLUMNS = '"_time", "kind", "equipment", "subject", "by"'
_TICKET_COLUMNS = '"_time", "kind", "equipment", "ticket", "after", "by"'

DASHBOARDS = (
    Dashboard(
        "tocsin-overview",
        "警钟 总览 Tocsin overview",
        (
            Panel("报警次数（每 10 分钟）Alarms per 10 min", counted("alarm", "alarm.raised")),
            Panel("非良好测点数 Points not good", not_good(), "stat", width=6),
            Panel("一氧化碳 CO (ppm)", curve(r"\.concentration$")),
            Panel("水冷元件出水温度 Outlet temperature (°C)", curve(r"outlet_temperature$"), unit="celsius"),
            Panel("结晶器冷却水流量 Mould water flow (m³/h)", curve(r"mould_water_flow$", "min"), unit="m3h"),
            Panel("灰斗温度 Hopper temperature (°C)", curve(r"hopper_temperature$"), unit="celsius"),
            Panel("联锁效应 Interlock effects", counted("interlock", "interlock.effect", "verdict"), "barchart"),
            Panel("最近报警 Latest alarms", newest("alarm", _ALARM_COLUMNS), "table", width=24),
        ),
    ),
    Dashboard(
        "tocsin-gas",
        "警钟 煤气 Tocsin gas",
        (
            Panel("一氧化碳 CO (ppm)", curve(r"\.concentration$"), width=24),
            Panel("当前值 Now (ppm)", latest(r"\.concentration$"), "bargauge"),
            Panel("探测器故障 Detector fault", curve(r"\.fault$"), "state-timeline", mappings=_OFF_ON),
            Panel(
                "数据质量 Quality", worst_quality(r"\.concentration$"), "state-timeline", mappings=_QUALITY, width=24
            ),
        ),
    ),
    Dashboard(
        "tocsin-furnace-water",
        "警钟 炉窑冷却水 Tocsin furnace cooling water",
        (
            Panel("进水流量 Inlet flow (m³/h)", curve(r"inlet_flow$", "min")),
            Panel("出水流量 Outlet flow (m³/h)", curve(r"outlet_flow$", "min")),
            Panel("出水温度 Outlet temperature (°C)", curve(r"outlet_temperature$"), unit="celsius"),
            Panel("进水压力 Inlet pressure (MPa)", curve(r"inlet_pressure$", "min")),
            Panel(
                "联锁投入 Interlock in service", curve("interlock_engaged$", "min"), "state-timeline", mappings=_OFF_ON
            ),
            Panel("联锁动作时间 Time to effect (ms)", delay("eaf"), unit="ms"),
        ),
    ),
    Dashboard(
        "tocsin-caster",
        "警钟 深井铸造 Tocsin deep-well casting",
        (
            Panel("冷却水流量 Mould water flow (m³/h)", curve(r"mould_water_flow$", "min")),
            Panel("冷却水压力 Mould water pressure (MPa)", curve(r"mould_water_pressure$", "min")),
            Panel("模盘入口液位偏差 Mould inlet level (mm)", curve(r"mould_inlet_level$", "min")),
            Panel("平台速度 Platform speed (mm/min)", curve(r"platform_speed$")),
            Panel("井水温度 Well water temperature (°C)", curve(r"well_water_temperature$"), unit="celsius"),
            Panel(
                "动作反馈 Actions seen",
                curve(
                    "(quick_shutoff_closed|emergency_discharge_open|launder_disconnected|tilted_back|platform_stopped)$"
                ),
                "state-timeline",
                mappings=_OFF_ON,
            ),
        ),
    ),
    Dashboard(
        "tocsin-dust",
        "警钟 除尘 Tocsin dust",
        (
            Panel("灰斗温度 Hopper temperature (°C)", curve(r"hopper_temperature$"), unit="celsius"),
            Panel("压差 Differential pressure (Pa)", curve(r"differential_pressure$"), unit="pressurepa"),
            Panel("水位 Water level (mm)", curve(r"water_level$", "min")),
            Panel("循环水流量 Circulation flow (m³/h)", curve(r"circulation_flow$", "min")),
            Panel("氢气 Hydrogen (%LEL)", curve(r"hydrogen$")),
            Panel(
                "运行状态 Running", curve("(airlock|fan|process)_running$", "min"), "state-timeline", mappings=_OFF_ON
            ),
        ),
    ),
    Dashboard(
        "tocsin-alarms",
        "警钟 报警与指标 Tocsin alarms and KPIs",
        (
            Panel("报警率（每 10 分钟，目标 <1）Rate per 10 min", counted("alarm", "alarm.raised"), width=24),
            Panel("前十报警 Top ten", top("alarm", "alarm.raised", "alarm"), "barchart"),
            Panel("按优先级 By priority", counted("alarm", "alarm.raised", "priority", "1h"), "barchart"),
            Panel("确认 Acknowledged", counted("alarm", "alarm.acknowledged", "", "1h")),
            Panel("联锁判定 Verdicts", counted("interlock", "interlock.effect", "verdict", "1h"), "barchart"),
            Panel("最近报警事件 Latest", newest("alarm", _ALARM_COLUMNS), "table", width=24),
        ),
    ),
    Dashboard(
        "tocsin-tickets",
        "警钟 隐患 Tocsin hazard tickets",
        (
            Panel("新立隐患 Filed", counted("ticket", "ticket.filed", "grade", "1h"), "barchart"),
            Panel("办理 Steps taken", counted("ticket", "ticket.moved", "action", "1h"), "barchart"),
            Panel("按设备 By equipment", top("ticket", "ticket.filed", "equipment"), "barchart"),
            Panel("复发 Recurred", counted("ticket", "ticket.recurred", "", "1h")),
            Panel("最近 Latest", newest("ticket", _TICKET_COLUMNS), "table", width=24),
        ),
    ),
    Dashboard(
        "tocsin-gateway",
        "警钟 网关自身 Tocsin gateway health",
        (
            Panel(
                "日志可写 Journal writable",
                curve(r"^gateway\.journal_writable$", "min"),
                "state-timeline",
                mappings=_OFF_ON,
            ),
            Panel(
                "历史库可写 History writable",
                curve(r"^gateway\.history_writable$", "min"),
                "state-timeline",
                mappings=_OFF_ON,
            ),
            Panel("丢弃样本 Dropped samples", curve(r"^gateway\.dropped_samples$"), width=24),
            Panel("数据质量 Quality of every point", worst_quality(), "state-timeline", mappings=_QUALITY, width=24),
        ),
    ),
)


def document(dashboard: Dashboard) -> dict[str, object]:
    """What Grafana reads."""
    panels, x, y = [], 0, 0
    for number, panel in enumerate(dashboard.panels, 1):
        if x + panel.width > 2 * _WIDTH:
            x, y = 0, y + _HEIGHT
        panels.append(_panel(panel, number, x, y))
        x += panel.width
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["tocsin"],
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "links": [{"type": "dashboards", "tags": ["tocsin"], "asDropdown": True, "title": "警钟", "keepTime": True}],
        "panels": panels,
    }


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, object]:
    defaults: dict[str, object] = {"unit": panel.unit}
    if panel.kind == "timeseries":
        defaults["custom"] = _STEPS
    if panel.mappings:
        options = {value: {"text": text, "index": at} for at, (value, text) in enumerate(panel.mappings.items())}
        defaults["mappings"] = [{"type": "value", "options": options}]
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": {"type": "influxdb", "uid": "tocsin"},
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": _HEIGHT},
        "targets": [{"refId": "A", "query": panel.query}],
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }


def rendered() -> dict[str, str]:
    """Every file's name and content."""
    return {
        f"{each.uid.removeprefix('tocsin-')}.json": json.dumps(document(each), ensure_ascii=False, indent=2) + "\n"
        for each in DASHBOARDS
    }


def main() -> None:
    """Write the files, and remove those that nothing here says."""
    files = rendered()
    for stale in HERE.glob("*.json"):
        if stale.name not in files:
            stale.unlink()
    for name, content in files.items():
        (HERE / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
