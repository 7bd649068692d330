"""The evidence of one ticket or alarm as one archive that a person can read and check without our software.

Samples, curves, events, the journal's chain around them, a report, checksums, and a script that checks it all.
Reads only; puts nothing into it that the stores do not hold.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.api.curves import SPAN, read_curve, whole_buckets
from gateway.api.export import CsvWriter, ExportAsked, ExportRefused, parquet_of
from gateway.api.record_views import ExportFormat
from gateway.api.report import CurveShown, ReportContent, cut_short, local_time, render
from gateway.api.schema import AlarmView, TicketStep, TicketView
from gateway.api.services import ApiServices
from gateway.errors import StoreFailed
from gateway.machines.ticket import Attached
from gateway.plant.model import Point, Text
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.store import ChainEntry, EventRecord
from gateway.words import term

BUCKETS = 600

MOST_SAMPLES = 2_000_000
"""In one archive; more than twenty minutes of a hundred points at 10 Hz."""

MOST_CHAINED = 20_000
"""Journal entries in one archive."""

_LATE = 60 * SECOND
"""A sample of the range may be received this much later."""

_KINDS = ("condition.", "alarm.", "interlock.", "command.", "ticket.")

_VERIFY = Path(__file__).with_name("verify.py")


MOST_ATTACHED = 2 * 1024**3
"""Bytes of attachments in one archive."""


@dataclass(frozen=True, slots=True)
class _File:
    """An attachment on its way into an archive; its checksum is the journal's."""

    name: str
    sha256: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class _Subject:
    """What an archive is about."""

    kind: Text
    id: str
    title: Text
    equipment: str
    onset: Instant
    points: tuple[str, ...]
    about: frozenset[str]
    """Subjects of the events that belong to it."""
    facts: tuple[tuple[Text, str], ...]
    attachments: tuple[Attached, ...] = ()


async def ticket_archive(services: ApiServices, ticket_id: str) -> BinaryIO:
    """The archive of a hazard ticket, its files included. Raises UnknownSubject, StoreFailed."""
    return await _archive(services, _of_ticket(services, services.hub.book.ticket(ticket_id)))


async def alarm_archive(services: ApiServices, alarm_id: str) -> BinaryIO:
    """The archive of an alarm's present or last occurrence.

    Raises UnknownSubject, StoreFailed, and ExportRefused for an alarm that has not been raised.
    """
    view = services.hub.book.alarm(alarm_id)
    if not view.occurrence:
        raise ExportRefused("an alarm that has been raised", f"{alarm_id}, which has not")
    return await _archive(services, _of_alarm(services, view))


def _of_ticket(services: ApiServices, view: TicketView) -> _Subject:
    facts = (
        (Text("设备", "Equipment"), _equipment(services, view.equipment)),
        (Text("判定标准条款", "Clause of the criteria"), "、".join(view.clauses)),
        (Text("等级", "Grade"), term(view.grade)),
        (Text("状态", "State"), term(view.state)),
        (Text("起始时刻", "Onset"), local_time(view.onset)),
        (Text("立案时间", "Filed at"), local_time(view.filed_at)),
        (Text("来源", "Source"), f"{view.source} {view.found_by} {view.unit}".strip()),
        *((name, value) for name, value in _plan(view) if value),
        *((Text("附件", "File"), _file(each)) for each in view.attachments),
        *((Text("处置", "Step"), _step(step)) for step in view.steps),
    )
    return _Subject(
        Text("隐患单", "Hazard ticket"),
        view.id,
        view.title,
        view.equipment,
        Instant(view.onset),
        view.evidence_points,
        frozenset((view.id, view.rule or view.id, *_demands_of(services, view.equipment))),
        facts,
        view.attachments,
    )


def _plan(view: TicketView) -> list[tuple[Text, str]]:
    return [
        (Text("隐患描述", "Description"), view.description),
        (Text("责任部门", "Department"), view.department),
        (Text("责任人", "Responsible"), view.responsible or "—"),
        (Text("整改措施", "Measures"), view.measures),
        (Text("整改资金", "Funds"), view.funds),
        (Text("整改时限", "Deadline"), local_time(view.due) if view.due else ""),
        (Text("应急预案", "Emergency plan"), view.emergency_plan),
        (Text("防范措施", "Interim measures"), view.interim),
        (Text("挂牌督办", "Supervised by"), view.supervision.authority if view.supervision else ""),
        (Text("停产范围", "Production stopped"), view.production.scope if view.production else ""),
    ]


def _file(attached: Attached) -> str:
    file = attached.file
    return f"{file.name} · {file.media_type} · {file.size} B · SHA-256 {file.sha256} · {attached.by}"


def _step(step: TicketStep) -> str:
    due = f"→ {local_time(step.due)}" if step.due else ""
    said = (local_time(step.at), step.action, step.by, step.approver, step.cause or "", due, step.note, step.comment)
    return " ".join(part for part in said if part)


def _of_alarm(services: ApiServices, view: AlarmView) -> _Subject:
    def told(at: int | None) -> str:
        return local_time(at) if at else "—"

    facts = (
        (Text("设备", "Equipment"), _equipment(services, view.equipment)),
        (Text("判定标准条款", "Clause of the criteria"), "、".join(view.clauses)),
        (Text("优先级", "Priority"), term(view.priority)),
        (Text("状态", "State"), term(view.state)),
        (Text("起始时刻", "Onset"), local_time(view.onset)),
        (Text("报警时间", "Raised at"), told(view.raised_at)),
        (Text("确认", "Acknowledged"), f"{told(view.acknowledged_at)} {view.acknowledged_by or ''}"),
        (Text("恢复时间", "Cleared at"), told(view.cleared_at)),
        (Text("首出", "First-out"), "是 yes" if view.first_out else "否 no"),
        (Text("后果", "Consequence"), f"{view.consequence.zh} / {view.consequence.en}"),
        (Text("处置要求", "Response"), f"{view.response.zh} / {view.response.en}"),
    )
    points = tuple(services.plant.points[index].id for index in view.points)
    about = {view.id, view.ticket or view.id, *_demands_of(services, view.equipment)}
    return _Subject(
        Text("报警", "Alarm"), view.id, view.title, view.equipment, Instant(view.onset), points, frozenset(about), facts
    )


def _demands_of(services: ApiServices, equipment: str) -> list[str]:
    return [view.id for view in services.hub.book.demands.values() if view.equipment == equipment]


def _equipment(services: ApiServices, equipment_id: str) -> str:
    found = services.plant.equipment_by_id().get(equipment_id)
    return f"{found.name.zh} / {found.name.en} ({equipment_id})" if found else equipment_id


async def _archive(services: ApiServices, subject: _Subject) -> BinaryIO:
    now = services.clock.now()
    start = Instant(max(0, subject.onset - SPAN))
    end = Instant(max(subject.onset + SECOND, min(subject.onset + SPAN, now)))
    known = services.plant.points_by_id()
    points = [known[name] for name in subject.points if name in known]
    samples = await _samples(services, points, start, end)
    chained, mine, left_out = await _chained(services, subject, start, now)
    head = await _head(services)
    content = ReportContent(
        kind=subject.kind,
        id=subject.id,
        title=subject.title,
        site=services.plant.site.name,
        facts=subject.facts,
        onset=subject.onset,
        start=start,
        end=end,
        made_at=now,
        version=services.hub.plant_view.version,
        curves=[await _shown(services, point, start, end) for point in points],
        events=mine,
        chained=len(chained),
        left_out=left_out,
        head=head,
    )
    asked = _asked(points, start, end)
    files = await _files(services, subject.attachments)
    return await asyncio.to_thread(_pack, content, asked, samples, chained, files, services.attachments.scratch)


async def _files(services: ApiServices, attachments: Sequence[Attached]) -> list[_File]:
    size = sum(each.file.size for each in attachments)
    if size > MOST_ATTACHED:
        raise ExportRefused(f"at most {MOST_ATTACHED} bytes of files in an archive", f"{size}; fetch them one by one")
    return [
        _File(f"attachments/{each.file.sha256[:12]}-{each.file.name}", each.file.sha256, await _path(services, each))
        for each in attachments
    ]


async def _path(services: ApiServices, attached: Attached) -> Path | None:
    """Where the file is; None where it is gone, which the archive's own check then tells."""
    try:
        return await services.attachments.find(attached.file.sha256)
    except StoreFailed:
        return None


async def _samples(
    services: ApiServices, points: Sequence[Point], start: Instant, end: Instant
) -> Sequence[SampleBatch]:
    """What these points said in the range, by the time of their source."""
    kept: list[SampleBatch] = []
    count = 0
    names = [point.id for point in points]
    async for batch in services.history.samples(names, start, Instant(end + _LATE)):
        within = (batch.source_time >= start) & (batch.source_time < end)
        rows = batch.rows(within)
        count += len(rows)
        if count > MOST_SAMPLES:
            raise ExportRefused(f"at most {MOST_SAMPLES} samples in an archive", "more; export them instead")
        if len(rows):
            kept.append(rows)
    return kept


async def _shown(services: ApiServices, point: Point, start: Instant, end: Instant) -> CurveShown:
    curve = await read_curve(services, point.id, *whole_buckets(start, end, BUCKETS))
    view = services.hub.plant_view.points[point.index]
    limits = services.point_limits.get(point.id, ())
    return CurveShown(point.name, point.unit, view.states, limits, point.stale_after, curve)


async def _chained(
    services: ApiServices, subject: _Subject, start: Instant, now: Instant
) -> tuple[list[ChainEntry], list[ChainEntry], int]:
    """The journal from the first event of the subject to its last, without a gap; those that belong to it; and how
    many more that run would have had.

    Events of the equipment count within the range; those of the subject itself until now.
    """
    until = Instant(now + SECOND)
    records: list[EventRecord] = []
    more = False
    for kind in _KINDS:
        found = await services.history.read_events(start, until, kind_prefix=kind, limit=MOST_CHAINED)
        more = more or len(found) == MOST_CHAINED
        records += found
    own = [record for record in records if _belongs(record, subject)]
    if not own:
        return [], [], 0
    first, last = min(record.sequence for record in own), max(record.sequence for record in own)
    if more:  # what was not looked at may belong to it as well
        last = await services.journal.last_sequence()
    chained = list(await services.journal.chain(first - 1, min(last - first + 1, MOST_CHAINED)))
    wanted = {record.sequence for record in own}
    mine = [entry for entry in chained if entry.sequence in wanted]
    return chained, mine, last - first + 1 - len(chained)


def _belongs(record: EventRecord, subject: _Subject) -> bool:
    near = bool(subject.equipment) and record.at < subject.onset + SPAN
    return record.subject in subject.about or (near and record.equipment == subject.equipment)


async def _head(services: ApiServices) -> str:
    last = await services.journal.last_sequence()
    found = await services.journal.chain(last - 1, 1)
    return f"{found[0].sequence}:{found[0].hash}" if found else "0"


def _asked(points: Sequence[Point], start: Instant, end: Instant) -> ExportAsked:
    return ExportAsked(
        points=tuple(point.id for point in points),
        units=tuple(point.unit for point in points),
        indices=tuple(point.index for point in points),
        start=start,
        end=end,
        format=ExportFormat.CSV,
    )


def _pack(
    content: ReportContent,
    asked: ExportAsked,
    samples: Sequence[SampleBatch],
    chained: Iterable[ChainEntry],
    files: Sequence[_File],
    scratch: Path,
) -> BinaryIO:
    """The archive, in a file that goes when it is closed; the same contents give the same bytes."""
    table = io.StringIO(newline="")
    writer = CsvWriter(table, asked)
    for batch in samples:
        writer.write(batch)
    members = {
        "report.html": render(content).encode(),
        "samples.csv": ("\ufeff" + table.getvalue()).encode(),
        "samples.parquet": parquet_of(asked, samples),
        "events.jsonl": _lines(content.events),
        "journal.jsonl": _lines(chained),
        "journal-head.txt": f"{content.head}\n".encode(),
        "verify.py": _VERIFY.read_bytes(),
        "README.txt": _readme(content).encode(),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in members.items())
    sums += "".join(f"{file.sha256}  {file.name}\n" for file in files)
    members["SHA256SUMS"] = sums.encode()
    packed = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - whoever sends it closes it
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(_member(content, name), data, zipfile.ZIP_DEFLATED)
        for file in files:
            if file.path is not None:
                with file.path.open("rb") as source, archive.open(_member(content, file.name), "w") as sink:
                    shutil.copyfileobj(source, sink)
    packed.seek(0)
    return packed


def _member(content: ReportContent, name: str) -> zipfile.ZipInfo:
    place = zipfile.ZipInfo(f"{folder_name(content.id)}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
    place.external_attr = 0o644 << 16
    return place


def folder_name(subject: str) -> str:
    """A name that every file system takes."""
    return "evidence-" + "".join(each if each.isalnum() or each in "-_." else "_" for each in subject)


def _lines(entries: Iterable[ChainEntry]) -> bytes:
    return "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries).encode()


def _cut(content: ReportContent) -> str:
    words = cut_short(content)
    return f"注意：{words.zh}\nNOTE: {words.en}\n\n" if words else ""


def _readme(content: ReportContent) -> str:
    return f"""\
{content.kind.zh} {content.id}　{content.title.zh}
{content.kind.en} {content.id}  {content.title.en}

report.html       报告，用浏览器打开 / the report: open it in a browser
samples.csv       原始样本（UTC，含质量码）/ the samples as they came (UTC, with quality)
samples.parquet   同上，供数据工具使用 / the same for data tools
events.jsonl      相关事件 / the events that belong to it
journal.jsonl     事件日志中连续的一段，含哈希链 / a run of the journal without a gap, with its hash chain
journal-head.txt  生成时日志末端（序号:哈希）/ the journal's head when this was made (sequence:hash)
attachments/      隐患单附件（照片、视频、文件）/ the files beside the ticket, if there are any
SHA256SUMS        每个文件的校验值 / the checksum of every file (sha256sum -c SHA256SUMS)
verify.py         校验脚本 / checks all of this: python3 verify.py

{_cut(content)}hash = SHA-256(previous_hash + body)，UTF-8 / in UTF-8.
可与企业保存的日志比对：tocsin journal verify JOURNAL --head {content.head}
Against the plant's own journal: tocsin journal verify JOURNAL --head {content.head}
"""
