"""A handover pack as one page to print: Chinese first, with room for both signatures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from gateway.api.handover_pack import SECTIONS, HandoverPack, HandoverSection
from gateway.api.report import bilingual, local_time
from gateway.events.presence import HandoverLine, HandoverSigned
from gateway.plant.model import Text

STYLE_PATH = "/api/handover.css"

STYLE = """
:root{color-scheme:light}
body{font:14px/1.55 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",system-ui,sans-serif;color:#1a1d21;
background:#fff;margin:1.5rem auto;max-width:62rem;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:1.4rem 0 .3rem;border-bottom:2px solid #1a1d21}
.en{color:#5b6470;font-size:.88em}p.none{margin:.1rem 0;color:#5b6470}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #9aa3ad;padding:.2rem .5rem;text-align:left;
vertical-align:top;overflow-wrap:anywhere}th{background:#eef1f4}td.time{white-space:nowrap}
table.signed{margin-top:2rem}table.signed td{height:3.2rem;width:35%}code{font-size:.85em;overflow-wrap:anywhere}
@page{size:A4;margin:14mm}@media print{body{margin:0;max-width:none;padding:0}
h2{break-after:avoid}tr{break-inside:avoid}}
@media(max-width:700px){td.time{white-space:normal}body{font-size:13px}}
"""

_HEADS = (Text("自", "Since"), Text("内容", "What"), Text("编号", "Id"), Text("说明", "Note"))


def present(found: HandoverPack) -> str:
    """What would be signed now."""
    return "".join(_page(found.site, "", int(found.at), found.lines, found.left_out, found.digest, None))


def signed(site: Text, event: HandoverSigned) -> str:
    """What was signed."""
    return "".join(_page(site, event.handover, int(event.at), event.lines, event.left_out, event.digest, event))


def _page(
    site: Text,
    handover: str,
    at: int,
    lines: Sequence[HandoverLine],
    left_out: int,
    digest: str,
    event: HandoverSigned | None,
) -> Iterator[str]:
    name = Text("交接班记录", "Shift handover")
    yield f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{escape(name.zh)} {escape(site.zh)}</title>'
    yield f'<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="{STYLE_PATH}">'
    yield f"<h1>{bilingual(name)}</h1><p>{bilingual(site)}　·　{local_time(at)}　<code>{escape(handover)}</code></p>"
    for section in HandoverSection:
        mine = [line for line in lines if line.section == section.value]
        yield f"<h2>{bilingual(SECTIONS[section])}　{len(mine)}</h2>"
        yield from _table(mine) if mine else ['<p class="none">无 <span class="en">None</span></p>']
    if left_out:
        yield f"<p><strong>另有 {left_out} 条未列出 <span class='en'>{left_out} more are not listed</span></strong></p>"
    yield from _signatures(event)
    yield f"<p><code>SHA-256 {escape(digest)}</code></p></html>"


def _table(lines: Sequence[HandoverLine]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{bilingual(head)}</th>" for head in _HEADS) + "</tr>"
    for line in lines:
        since = local_time(line.since, precise=False) if line.since else "—"
        yield f'<tr><td class="time">{since}</td><td>{bilingual(line.text)}</td>'
        yield f"<td><code>{escape(line.subject)}</code></td><td>{escape(line.note)}</td></tr>"
    yield "</table>"


def _signatures(event: HandoverSigned | None) -> Iterator[str]:
    gives, takes, remark = Text("交班人", "Hands over"), Text("接班人", "Takes over"), Text("备注", "Remark")
    names = ("", "", "") if event is None else (event.by, event.to, event.comment)
    yield '<table class="signed">'
    yield f"<tr><th>{bilingual(gives)}</th><td>{escape(names[0])}</td>"
    yield f"<th>{bilingual(takes)}</th><td>{escape(names[1])}</td></tr>"
    yield f'<tr><th>{bilingual(remark)}</th><td colspan="3">{escape(names[2])}</td></tr></table>'
