"""A handover pack as a workbook: one line a row, both names below. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.handover_pack import SECTIONS, HandoverPack, HandoverSection
from gateway.events.presence import HandoverLine, HandoverSigned
from gateway.ledgers.form import BY_HAND, Cell, Column, Form, china
from gateway.plant.model import Text
from gateway.sample import Instant

_TITLE = "交接班记录"
_COLUMNS = (
    Column("序号", 6),
    Column("类别", 22),
    Column("自", 19),
    Column("内容", 46),
    Column("编号", 44),
    Column("说明", 44),
)


def present(found: HandoverPack) -> Form:
    """What would be signed now."""
    return _form(_TITLE, found.site, found.at, found.lines, found.left_out, found.digest, ("", "", ""))


def signed(site: Text, event: HandoverSigned) -> Form:
    """What was signed."""
    names = (event.by, event.to, event.comment)
    return _form(f"{_TITLE} {event.handover}", site, event.at, event.lines, event.left_out, event.digest, names)


def _form(
    title: str,
    site: Text,
    at: Instant,
    lines: Sequence[HandoverLine],
    left_out: int,
    digest: str,
    names: tuple[str, str, str],
) -> Form:
    gives, takes, remark = names
    beyond = (f"另有 {left_out} 条未列出",) if left_out else ()
    return Form(
        id="handover",
        title=title,
        columns=_COLUMNS,
        rows=tuple(_row(number, line) for number, line in enumerate(lines, 1)),
        above=((f"{site.zh}　{china(at):%Y-%m-%d %H:%M:%S}",),),
        below=(
            *((text,) for text in beyond),
            (f"交班人：{gives}", f"接班人：{takes}"),
            (f"备注：{remark}",),
            (f"SHA-256 {digest}",),
        ),
    )


def _row(number: int, line: HandoverLine) -> tuple[Cell, ...]:
    since: Cell = china(line.since) if line.since else BY_HAND
    return (number, SECTIONS[HandoverSection(line.section)].zh, since, line.text.zh, line.subject, line.note)
