"""An evidence report as one HTML page that needs nothing else: curves as SVG, events as a table, Chinese and English.

Pure: what it shows is handed in. A value that is not good is drawn as what it is and never joined over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from html import escape

import numpy as np

from gateway.api.schema import LimitLine
from gateway.clock import to_datetime
from gateway.plant.model import Text
from gateway.sample import Instant, Quality
from gateway.store import ChainEntry, Curve
from gateway.words import event_kind

LOCAL = timezone(timedelta(hours=8), "UTC+8")
"""The one time zone of the plants that this is made for."""

_WIDTH, _HEIGHT = 1000, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 14, 30

_TIMES = ("onset", "since", "due", "ends_at")
"""Fields of events that are instants."""

_STYLE = """
body{font:15px/1.6 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",system-ui,sans-serif;color:#1a1d21;
margin:2rem auto;max-width:66rem;padding:0 1rem}
h1{font-size:1.6rem;margin:0 0 .2rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:2px solid #1a1d21}
h3{font-size:1rem;margin:1.2rem 0 .2rem}.en{color:#5b6470;font-size:.9em}
table{border-collapse:collapse;width:100%;font-size:.88rem}th,td{border-top:1px solid #d5dae0;padding:.25rem .5rem;
text-align:left;vertical-align:top}th{white-space:nowrap}td.body{overflow-wrap:anywhere}
svg{width:100%;height:auto;background:#fbfcfd;border:1px solid #d5dae0}svg text{font-size:12px;fill:#454d57}
.band{fill:#2563ae;opacity:.22}.mean{fill:none;stroke:#2563ae;stroke-width:1.6}.bad{fill:#c62828;opacity:.25}
.gap{fill:#8a93a0;opacity:.25}.limit{stroke:#b45309;stroke-dasharray:6 4}.onset{stroke:#c62828;stroke-width:1.5}
.grid{stroke:#e4e8ec}code{font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}figure,svg,tr{break-inside:avoid}}
figure{margin:0 0 1rem}.cut{border:2px solid #c62828;padding:.5rem .8rem}
"""


@dataclass(frozen=True, slots=True)
class CurveShown:
    """One point's curve with what people need to read it."""

    name: Text
    unit: str
    states: tuple[tuple[int, Text], ...]
    limits: Sequence[LimitLine]
    hold: int
    """How long a value stands if nothing follows (microseconds): a shorter silence is no gap."""
    curve: Curve


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that a report says."""

    kind: Text
    """Hazard ticket or alarm."""
    id: str
    title: Text
    site: Text
    facts: Sequence[tuple[Text, str]]
    onset: Instant
    start: Instant
    end: Instant
    made_at: Instant
    version: str
    curves: Sequence[CurveShown]
    events: Sequence[ChainEntry]
    """Those that belong to it, oldest first."""
    chained: int
    """Journal entries in the archive, these among them."""
    left_out: int
    """Journal entries after those that would have followed, were there no limit; an upper bound."""
    head: str
    """Newest entry of the journal when this was made, as sequence:hash."""


def cut_short(content: ReportContent) -> Text | None:
    """What must be said where the journal's run does not reach the last event; None where it does."""
    if not content.left_out:
        return None
    zh = (
        f"日志段在第 {content.chained} 条处截断，其后至多还有 {content.left_out} 条未收入，相关事件可能不全；"
        "全部记录请用 tocsin journal export 导出。"
    )
    en = (
        f"The run of the journal was cut after {content.chained} entries; up to {content.left_out} more are not in "
        "this archive, and events that belong here may be missing. tocsin journal export gives them all."
    )
    return Text(zh, en)


def render(content: ReportContent) -> str:
    """The page."""
    return "".join(_page(content))


def local_time(at: int, *, precise: bool = True) -> str:
    """The instant as people in the plant read it; the number where no calendar has it."""
    try:
        moment = to_datetime(Instant(at)).astimezone(LOCAL)
    except (ValueError, OverflowError, OSError):
        return str(at)
    return moment.strftime("%Y-%m-%d %H:%M:%S") + (f".{moment.microsecond // 1000:03d}" if precise else "")


def _page(content: ReportContent) -> Iterator[str]:
    title = f"{content.kind.zh} {content.title.zh}"
    yield f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    yield f"<h1>{bilingual(content.title)}</h1>"
    yield f"<p>{bilingual(content.site)}　·　{bilingual(content.kind)} <code>{escape(content.id)}</code></p><table>"
    for name, value in content.facts:
        yield f"<tr><th>{bilingual(name)}</th><td>{escape(value)}</td></tr>"
    yield "</table>"
    if words := cut_short(content):
        yield f'<p class="cut">{bilingual(words)}</p>'
    yield f"<h2>{bilingual(Text('曲线', 'Curves'))}</h2><p>{_explanation(content)}</p>"
    for shown in content.curves:
        yield _figure(shown, content)
    if not content.curves:
        yield f"<p>{bilingual(Text('没有与之相关的测点', 'No point belongs to it'))}</p>"
    yield f"<h2>{bilingual(Text('事件', 'Events'))}</h2><table><tr>"
    for head in (Text("时间", "Time"), Text("序号", "Sequence"), Text("事件", "Event"), Text("内容", "Content")):
        yield f"<th>{bilingual(head)}</th>"
    yield "</tr>"
    for entry in content.events:
        kind = bilingual(event_kind(entry.kind))
        yield f"<tr><td>{local_time(entry.at)}</td><td>{entry.sequence}</td><td>{kind}</td>"
        yield f'<td class="body">{_body(entry.body)}</td></tr>'
    yield f"</table><h2>{bilingual(Text('如何核验', 'How to verify'))}</h2>{_proof(content)}</html>"


def _explanation(content: ReportContent) -> str:
    zh = (
        f"{local_time(content.start)} 至 {local_time(content.end)}，北京时间（UTC+8）。红色竖线为起始时刻，"
        "浅色带为区间极值，红底为质量不良，灰底为无数据，虚线为限值。原始样本见 samples.csv。"
    )
    en = (
        "Beijing time (UTC+8). Red line: onset. Pale band: extremes. Red ground: not good. Grey ground: no data. "
        "Dashed: limits. The samples themselves are in samples.csv."
    )
    return bilingual(Text(zh, en))


def _proof(content: ReportContent) -> str:
    zh = (
        f"journal.jsonl 含事件日志中连续的 {content.chained} 条记录，每条以 SHA-256 与前一条相连；"
        "samples.csv 与 samples.parquet 为原始样本；SHA256SUMS 列出每个文件的校验值。"
        "在任何装有 Python 3 的电脑上运行 python3 verify.py 即可核验，无需本软件。"
    )
    en = (
        f"journal.jsonl holds {content.chained} consecutive journal entries, each chained to the one before by "
        "SHA-256; SHA256SUMS lists the checksum of every file. Run python3 verify.py on any computer; our software "
        "is not needed."
    )
    made = f"{local_time(content.made_at)} · Tocsin {content.version}"
    return (
        f"<p>{bilingual(Text(zh, en))}</p><p>{bilingual(Text('生成时日志末端', 'Head of the journal when made'))}: "
        f"<code>{escape(content.head)}</code></p><p>{bilingual(Text('生成于', 'Made at'))} {escape(made)}</p>"
    )


def bilingual(text: Text) -> str:
    """Chinese with English beside it, as HTML."""
    return f'{escape(text.zh)} <span class="en" lang="en">{escape(text.en)}</span>'


def _body(body: str) -> str:
    told = json.loads(body)
    hidden = ("id", "at", "kind")
    shown = {name: value for name, value in told.items() if name not in hidden and value not in ("", [], None)}
    parts = [f"{name}: {_value(name, value)}" for name, value in shown.items()]
    return escape("; ".join(parts))


def _value(name: str, value: object) -> str:
    if name in _TIMES and isinstance(value, int):
        return local_time(value)
    if isinstance(value, dict) and set(value) == {"zh", "en"}:
        return f"{value['zh']} / {value['en']}"
    if name == "readings" and isinstance(value, list):
        return ", ".join(f"{each['point']} = {each['value']} ({each['quality']})" for each in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _figure(shown: CurveShown, content: ReportContent) -> str:
    unit = f" ({escape(shown.unit)})" if shown.unit else ""
    states = "；".join(f"{value} = {text.zh} {text.en}" for value, text in shown.states)
    note = f'<p class="en">{escape(states)}</p>' if states else ""
    return (
        f"<figure><h3>{bilingual(shown.name)}{unit} <code>{escape(shown.curve.point)}</code></h3>"
        f"{_svg(shown, content)}{note}</figure>"
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    start: int
    end: int
    low: float
    high: float

    def x(self, at: int) -> float:
        part = (at - self.start) / max(1, self.end - self.start)
        return round(_LEFT + min(1.0, max(0.0, part)) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return round(_HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM), 1)


def _scale(shown: CurveShown, content: ReportContent) -> _Scale:
    ends = [*shown.curve.low[np.isfinite(shown.curve.low)], *shown.curve.high[np.isfinite(shown.curve.high)]]
    ends += [line.value for line in shown.limits]
    low, high = (float(min(ends)), float(max(ends))) if ends else (0.0, 1.0)
    margin = (high - low) * 0.08 or max(1.0, abs(high)) * 0.1
    return _Scale(content.start, content.end, low - margin, high + margin)


def _svg(shown: CurveShown, content: ReportContent) -> str:
    scale = _scale(shown, content)
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(shown.name.zh)}">']
    parts += _axes(scale)
    silence = max(shown.hold, 2 * shown.curve.bucket)
    parts += _grounds(shown.curve, scale, silence)
    for run in _runs(shown.curve, silence):
        parts += _line(shown.curve, run, scale)
    for line in shown.limits:
        y = scale.y(line.value)
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        label = f"{line.title.zh} {line.value:g}"
        parts.append(f'<text x="{_WIDTH - _RIGHT - 4}" y="{y - 4}" text-anchor="end">{escape(label)}</text>')
    x = scale.x(content.onset)
    parts.append(f'<line class="onset" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/></svg>')
    return "".join(parts)


def _axes(scale: _Scale) -> list[str]:
    parts = []
    for step in range(5):
        value = scale.low + (scale.high - scale.low) * step / 4
        y = scale.y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.4g}</text>')
    for step in range(6):
        at = scale.start + (scale.end - scale.start) * step // 5
        anchor = "start" if step == 0 else "end" if step == 5 else "middle"
        label = local_time(at, precise=False)[11:]
        parts.append(f'<text x="{scale.x(at)}" y="{_HEIGHT - 10}" text-anchor="{anchor}">{label}</text>')
    return parts


def _grounds(curve: Curve, scale: _Scale, silence: int) -> list[str]:
    """Where no good value stood: red where something was said, grey where nothing was."""
    spans: list[tuple[str, int, int]] = []
    reached = scale.start
    for at, count, worst, missing in zip(curve.start, curve.count, curve.worst, curve.not_good):
        if at > reached + silence:
            spans.append(("gap", reached, int(at)))
        if count and worst > Quality.UNCERTAIN:
            spans.append(("bad", int(at), int(at) + curve.bucket))
        elif missing >= curve.bucket:
            spans.append(("gap", int(at), int(at) + curve.bucket))
        reached = max(reached, int(at) + curve.bucket)
    if scale.end > reached + silence:
        spans.append(("gap", reached, scale.end))
    height = _HEIGHT - _TOP - _BOTTOM
    return [
        f'<rect class="{kind}" x="{scale.x(begin)}" y="{_TOP}" '
        f'width="{max(0.8, scale.x(end) - scale.x(begin)):.1f}" height="{height}"/>'
        for kind, begin, end in spans
    ]


def _runs(curve: Curve, silence: int) -> Iterator[list[int]]:
    """Buckets that may be joined: with numbers, and with hardly a bucket missing between them."""
    run: list[int] = []
    for index in np.nonzero(np.isfinite(curve.mean))[0].tolist():
        if run and curve.start[index] - curve.start[run[-1]] > silence + curve.bucket:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _line(curve: Curve, run: Sequence[int], scale: _Scale) -> list[str]:
    middle = [scale.x(int(curve.start[index]) + curve.bucket // 2) for index in run]
    upper = [f"{x},{scale.y(float(curve.high[index]))}" for x, index in zip(middle, run)]
    lower = [f"{x},{scale.y(float(curve.low[index]))}" for x, index in zip(middle, run)]
    mean = [f"{x},{scale.y(float(curve.mean[index]))}" for x, index in zip(middle, run)]
    if len(run) == 1:
        return [f'<circle cx="{middle[0]}" cy="{mean[0].partition(",")[2]}" r="2" class="mean"/>']
    return [
        f'<polygon class="band" points="{" ".join([*upper, *reversed(lower)])}"/>',
        f'<polyline class="mean" points="{" ".join(mean)}"/>',
    ]
