"""A filled form as the answer to a request: a workbook with its Chinese name. Fills nothing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from gateway.ledgers.form import Form

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORKBOOK_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {WORKBOOK: {}}, "description": "The workbook."}}


def workbook(form: Form, *further: Form) -> Response:
    """The form to download, with further sheets in its workbook."""
    from gateway.ledgers.workbook import written  # openpyxl costs a start that writes no workbook too much

    name = quote(f"{form.title}.xlsx")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "cache-control": "no-store"}
    return Response(written(form, *further), media_type=WORKBOOK, headers=headers)
