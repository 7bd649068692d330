"""A back-test as one picture: alarms over time for each rule set, and a lane for every alarm that differs.

Plain SVG without scripts, fonts or links: it opens in any browser, offline, and can go into a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.sax.saxutils import escape

from gateway.cli.backtest_report import Report, SetReport, moment
from gateway.kpi import HOUR, SLOT, Episode
from gateway.sample import Instant

_WIDTH, _LEFT, _RIGHT = 1200, 250, 30
_PANEL, _LANE, _GAP = 130, 18, 46
_LANES = 40
"""Most alarms that get a lane; the rest is told in words."""

_BUCKETS = 160
_COLOURS = ("#1f6feb", "#6e7781")
_ADDED, _REMOVED, _SAME = "#cf222e", "#6e7781", "#1f6feb"
_TICKS = 6


def draw(report: Report) -> str:
    """The picture as SVG text."""
    scale = _Scale(report.start, report.end)
    parts: list[str] = []
    top = 56
    for each, colour in zip(report.sets, _COLOURS):
        parts += _panel(each, colour, scale, top)
        top += _PANEL + _GAP
    lanes = _lanes(report)
    for name, episodes in lanes[:_LANES]:
        parts += _lane(name, episodes, scale, top)
        top += _LANE
    if len(lanes) > _LANES:
        parts.append(_text(_LEFT, top + 14, f"另有 and {len(lanes) - _LANES} more"))
        top += _LANE
    parts += _axis(scale, top)
    height = top + 40
    title = f"回测 Back-test  {moment(report.start)} – {moment(report.end)} (UTC+8)"
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(20, 26, title, size=16),
        *_legend(report),
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


class _Scale:
    """Time to the right."""

    def __init__(self, start: Instant, end: Instant) -> None:
        self.start, self.end = start, end
        self._per_unit = (_WIDTH - _LEFT - _RIGHT) / (end - start)

    def x(self, at: int) -> float:
        return _LEFT + (min(max(at, self.start), self.end) - self.start) * self._per_unit


def _panel(each: SetReport, colour: str, scale: _Scale, top: int) -> list[str]:
    """Annunciations per bucket, floods behind them."""
    figures = each.judged.figures
    bucket = max(SLOT, -(-(scale.end - scale.start) // _BUCKETS // SLOT) * SLOT)
    raised = [e.raised_at for e in each.judged.outcome.episodes if scale.start <= e.raised_at < scale.end]
    counts = Counter((at - scale.start) // bucket for at in raised)
    most = max(counts.values(), default=1)
    bottom = top + _PANEL
    width = "10 min" if bucket < HOUR else f"{bucket / HOUR:g} h"
    parts = [
        _text(20, top + 14, each.name[-32:], size=13),
        _text(20, top + 34, f"{figures.annunciations} 次报警 alarms"),
        _text(20, top + 52, f"{figures.per_hour:.2f} /h, 每格 bar: {width}"),
        _text(20, top + 70, f"泛滥 floods: {len(figures.floods)}"),
        _text(20, top + 88, f"抖动 chattering: {figures.chattering}"),
        _text(_LEFT - 8, top + 10, str(most), anchor="end"),
        f'<line x1="{_LEFT}" y1="{bottom}" x2="{_WIDTH - _RIGHT}" y2="{bottom}" stroke="#8c959f"/>',
    ]
    for flood in figures.floods:
        left, right = scale.x(flood.start), scale.x(flood.end)
        parts.append(_box(left, top, right - left, _PANEL, "#ffd8b5", f"泛滥 flood: {flood.alarms} in all"))
    for place, count in sorted(counts.items()):
        begin = Instant(scale.start + place * bucket)
        left, right = scale.x(begin), scale.x(begin + bucket)
        high = count / most * (_PANEL - 4)
        parts.append(_box(left, bottom - high, max(1.0, right - left - 0.5), high, colour, f"{moment(begin)}: {count}"))
    return parts


def _lanes(report: Report) -> list[tuple[str, list[tuple[Episode, str, str]]]]:
    """Alarms that differ, or all of a set that stands alone; each episode with its colour and its word."""
    lanes: dict[str, list[tuple[Episode, str, str]]] = {}
    if report.difference is None:
        for each in report.sets[0].judged.outcome.episodes:
            lanes.setdefault(each.alarm, []).append((each, _SAME, ""))
    else:
        for each in report.difference.added:
            lanes.setdefault(each.alarm, []).append((each, _ADDED, "新增 added"))
        for each in report.difference.removed:
            lanes.setdefault(each.alarm, []).append((each, _REMOVED, "消失 removed"))
        for both in report.difference.both:
            if both.gained:
                seconds = abs(both.gained) / 1e6
                word = f"提前 {seconds:g} s sooner" if both.gained > 0 else f"推迟 {seconds:g} s later"
                lanes.setdefault(both.alarm, []).append((both.after, _SAME, word))
    return sorted(lanes.items(), key=lambda lane: (-len(lane[1]), lane[0]))


def _lane(name: str, episodes: Sequence[tuple[Episode, str, str]], scale: _Scale, top: int) -> list[str]:
    parts = [_text(_LEFT - 8, top + 13, name[-38:], anchor="end", size=11)]
    parts.append(f'<line x1="{_LEFT}" y1="{top + _LANE}" x2="{_WIDTH - _RIGHT}" y2="{top + _LANE}" stroke="#eaeef2"/>')
    for each, colour, word in episodes:
        end = scale.end if each.cleared_at is None else each.cleared_at
        left = scale.x(each.raised_at)
        words = f"{name} {word} {moment(each.raised_at)}"
        parts.append(_box(left, top + 3, max(2.0, scale.x(end) - left), _LANE - 6, colour, words))
    return parts


def _axis(scale: _Scale, top: int) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        at = Instant(scale.start + (scale.end - scale.start) * tick // _TICKS)
        anchor = "start" if tick == 0 else "end" if tick == _TICKS else "middle"
        parts.append(_text(scale.x(at), top + 24, moment(at), anchor=anchor, size=11))
    return parts


def _legend(report: Report) -> list[str]:
    if report.difference is None:
        return []
    words = ((_ADDED, "新增 added"), (_REMOVED, "消失 removed"), (_SAME, "时间不同 at another time"))
    parts = []
    for place, (colour, word) in enumerate(words):
        left = _WIDTH - 520 + place * 170
        parts += [_box(left, 16, 12, 12, colour, word), _text(left + 18, 26, word)]
    return parts


def _box(left: float, top: float, width: float, height: float, colour: str, words: str) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
        f"<title>{escape(words)}</title></rect>"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {place} fill="#24292f">{escape(words)}</text>'
