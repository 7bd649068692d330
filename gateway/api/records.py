"""The routes for what is kept: curves at a resolution, exports, evidence archives, metrics. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from os import SEEK_END
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response, StreamingResponse

from gateway.api import archive, curves
from gateway.api.answers import problem, refuse
from gateway.api.export import ExportAsked, ExportJob, ExportRefused, indices_of
from gateway.api.metrics import CONTENT_TYPE
from gateway.api.record_views import ExportState, ExportView, HistoryView, SnapshotView
from gateway.api.requests import ExportRequest, SnapshotRequest
from gateway.api.services import ApiServices, Services
from gateway.api.views import numbers_or_none
from gateway.sample import Instant

_AT_ONCE = 1 << 20
"""Bytes of an archive sent at a time."""

MOST_POINTS = 5_000
"""In one export."""

records = APIRouter()

_START = Query(description="Microseconds since 1970 UTC; its own bucket begins here.")
_END = Query(description="Microseconds since 1970 UTC; not in the range itself.")
_RESOLUTION = Query(
    description=f"Bucket width in microseconds; at most {curves.MOST_BUCKETS} buckets in one answer. Whole minutes "
    "and hours on whole minutes and hours are the fastest.",
    json_schema_extra={"minimum": 1},
)
_Responses = dict[int | str, dict[str, Any]]
_ZIP: _Responses = {200: {"content": {"application/zip": {}}, "description": "The archive."}}
_FILE: _Responses = {200: {"content": {"application/octet-stream": {}}, "description": "The file, with its SHA-256."}}


@records.get("/api/history")
async def history(
    point: str,
    start: Annotated[int, _START],
    end: Annotated[int, _END],
    resolution: Annotated[int, _RESOLUTION],
    services: Services,
) -> HistoryView:
    """One point's curve at a resolution: extremes, mean, worst quality, samples and time not good of each bucket."""
    found = curves.range_problems(start, end, start, end)
    least = max(1, -(-(end - start) // curves.MOST_BUCKETS))
    if resolution < least:
        expected = f"{least} or more microseconds (at most {curves.MOST_BUCKETS} buckets; export what is more)"
        found.append(problem("resolution", expected, resolution))
    refuse(found)
    curve = await curves.read_curve(services, point, Instant(start), Instant(end), resolution)
    return HistoryView(
        point=point,
        resolution=resolution,
        start=tuple(curve.start.tolist()),
        low=numbers_or_none(curve.low),
        high=numbers_or_none(curve.high),
        mean=numbers_or_none(curve.mean),
        last=numbers_or_none(curve.last),
        worst_quality=tuple(curve.worst.tolist()),
        count=tuple(curve.count.tolist()),
        not_good=tuple(curve.not_good.tolist()),
    )


@records.post("/api/exports")
async def begin_export(request: ExportRequest, services: Services) -> ExportView:
    """Begin to write samples into a file; ask on for its progress."""
    return _view(services.exports.begin(_asked(request, services)))


@records.get("/api/exports")
async def exports(services: Services) -> tuple[ExportView, ...]:
    """The exports that are remembered, oldest first."""
    return tuple(_view(job) for job in services.exports.jobs())


@records.get("/api/exports/{export_id}")
async def export(export_id: str, services: Services) -> ExportView:
    """How far one export is."""
    return _view(services.exports.job(export_id))


@records.delete("/api/exports/{export_id}")
async def cancel_export(export_id: str, services: Services) -> ExportView:
    """Stop an export, or remove the file of one that is over."""
    return _view(services.exports.cancel(export_id))


@records.get("/api/exports/{export_id}/file", response_class=FileResponse, responses=_FILE)
async def export_file(export_id: str, services: Services) -> FileResponse:
    """The file of an export that is done."""
    job = services.exports.job(export_id)
    if job.state is not ExportState.DONE or job.file is None:
        raise ExportRefused("an export that is done", job.state)
    return FileResponse(
        job.file, filename=f"tocsin-{job.file.name}", headers={"x-sha256": job.sha256, "cache-control": "no-store"}
    )


@records.post("/api/history/snapshot")
async def take_snapshot(request: SnapshotRequest, services: Services) -> SnapshotView:
    """Put the whole history, as of now, into the gateway's data directory: half of `tocsin backup`."""
    return await services.snapshots.take(request.by)


@records.delete("/api/history/snapshot")
async def remove_snapshot(services: Services) -> SnapshotView:
    """Remove the snapshot that a backup has taken away, if there is one; where it was."""
    return await services.snapshots.remove()


@records.get("/api/tickets/{ticket_id}/evidence.zip", response_class=Response, responses=_ZIP)
async def ticket_archive(ticket_id: str, services: Services) -> Response:
    """Everything about a hazard ticket in one archive: report, samples, events, journal proof (证据包)."""
    return _zip(await archive.ticket_archive(services, ticket_id), ticket_id)


@records.get("/api/alarms/{alarm_id}/evidence.zip", response_class=Response, responses=_ZIP)
async def alarm_archive(alarm_id: str, services: Services) -> Response:
    """Everything about an alarm's present or last occurrence in one archive (证据包)."""
    return _zip(await archive.alarm_archive(services, alarm_id), alarm_id)


@records.get("/metrics", include_in_schema=False)
async def metrics(services: Services) -> Response:
    """What the gateway measures of itself, for Prometheus."""
    return Response(services.metrics(), media_type=CONTENT_TYPE)


def _asked(request: ExportRequest, services: ApiServices) -> ExportAsked:
    plant = services.plant
    found = curves.range_problems(request.start, request.end, request.start, request.end)
    if len(request.points) > MOST_POINTS:
        found.append(problem("points", f"at most {MOST_POINTS} points", len(request.points)))
    refuse(found)
    names = tuple(dict.fromkeys(request.points)) or tuple(point.id for point in plant.points)
    indices = indices_of(names, [point.id for point in plant.points])
    return ExportAsked(
        points=names,
        units=tuple(plant.points[index].unit for index in indices),
        indices=indices,
        start=Instant(request.start),
        end=Instant(request.end),
        format=request.format,
    )


def _view(job: ExportJob) -> ExportView:
    return ExportView(
        id=job.id,
        state=job.state,
        format=job.asked.format,
        points=len(job.asked.points),
        start=job.asked.start,
        end=job.asked.end,
        begun_at=job.begun_at,
        progress=round(job.done, 4),
        samples=job.samples,
        size=job.size,
        sha256=job.sha256,
        failure=job.failure,
    )


def _zip(content: BinaryIO, subject: str) -> Response:
    name = archive.folder_name(subject).encode("ascii", "replace").decode().replace("?", "_")
    headers = {
        "content-disposition": f'attachment; filename="{name}.zip"',
        "content-length": str(content.seek(0, SEEK_END)),
        "cache-control": "no-store",
    }
    content.seek(0)
    return StreamingResponse(_parts(content), media_type="application/zip", headers=headers)


async def _parts(content: BinaryIO) -> AsyncIterator[bytes]:
    """The file, which goes once it is sent or nobody wants it any more."""
    with content:
        while part := await asyncio.to_thread(content.read, _AT_ONCE):
            yield part
