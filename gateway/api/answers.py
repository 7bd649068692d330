"""Every answer that is not the one asked for has the shape of `ErrorView`, whoever refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.schema import ErrorView, ProblemView
from gateway.errors import ConfigurationError, Problem, RequestRefused, TocsinError, wrong_field
from gateway.stores.attachments import LARGEST

_LONGEST_GOT = 200
"""Characters of a refused value that are shown back."""

LARGEST_REQUEST = 65_536
"""Bytes of a request body; a comment has at most 2,000 characters."""

IMPORT_PATH = "/api/ledgers/hazards/import"
LARGEST_WORKBOOK = 8 * 2**20
"""Bytes; a ledger of some thousand hazards has less than one million."""

_UPLOADS = ((re.compile(r"/api/tickets/[^/]+/attachments"), LARGEST), (re.compile(IMPORT_PATH), LARGEST_WORKBOOK))
"""The routes that take a file. An attachment goes to the disk and never into the memory as a whole."""

_VIEW = TypeAdapter(ErrorView)


def answer_errors(app: FastAPI) -> None:
    """Let the app answer refusals, unknown routes and our own bugs alike."""

    @app.exception_handler(TocsinError)
    async def _refused(_: Request, error: TocsinError) -> Response:
        problems = error.problems if isinstance(error, RequestRefused | ConfigurationError) else ()
        views = tuple(ProblemView(problem.field, problem.expected, problem.got) for problem in problems)
        return _answer(error.http_status, ErrorView(type(error).__name__, str(error), views))

    @app.exception_handler(RequestValidationError)
    async def _malformed(_: Request, error: RequestValidationError) -> Response:
        problems = tuple(_problem(each) for each in error.errors())
        message = "; ".join(f"{each.field}: expected {each.expected}, got {each.got}" for each in problems)
        return _answer(422, ErrorView(RequestRefused.__name__, message, problems))

    @app.exception_handler(HTTPException)
    async def _not_served(request: Request, error: HTTPException) -> Response:
        message = f"{request.method} {request.url.path}: {error.detail}; what is served stands in /docs"
        return _answer(error.status_code, ErrorView("HttpError", message), error.headers)

    @app.exception_handler(Exception)
    async def _bug(_: Request, error: Exception) -> Response:
        message = f"this is a mistake in Tocsin, not in the request: {type(error).__name__}; the log has more"
        return _answer(500, ErrorView("InternalError", message))


def require(field: str, value: str, expected: str) -> None:
    """Raises RequestRefused, naming the field, if a text is empty."""
    if not value:
        refuse([wrong_field(field, expected, "nothing")])


def refuse(problems: Sequence[Problem]) -> None:
    """Raises RequestRefused if there is any problem."""
    if problems:
        raise RequestRefused(problems)


def problem(field: str, expected: str, got: object) -> Problem:
    """A wrong field of a request."""
    return wrong_field(field, expected, str(got)[:_LONGEST_GOT])


class BodyLimit:
    """Refuses a request body that is longer than any real one, before it fills the memory.

    One that says beforehand how long it is, is refused before it is read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next((most for route, most in _UPLOADS if route.fullmatch(scope["path"])), LARGEST_REQUEST)
        said = Headers(scope=scope).get("content-length", "")
        taken = int(said) if said.isdecimal() else 0

        async def bounded() -> Message:
            nonlocal taken
            if taken > most:
                raise HTTPException(413, f"expected a body of at most {most} bytes")
            message = await receive()
            if not said:
                taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413, f"expected a body of at most {most} bytes")
            return message

        await self._app(scope, bounded, send)


def _problem(error: Mapping[str, Any]) -> ProblemView:
    field = ".".join(str(part) for part in _without_place(error["loc"]))
    got = "nothing" if error["type"] == "missing" else repr(error.get("input"))[:_LONGEST_GOT]
    return ProblemView(field or "body", _expected(error), got)


def _without_place(location: Iterable[str | int]) -> list[str | int]:
    place, *path = location
    return path if place in ("body", "query", "path") else [place, *path]


def _expected(error: Mapping[str, Any]) -> str:
    wording: dict[str, str] = {
        "missing": "a value for this required field",
        "extra_forbidden": "no field of this name",
        "json_invalid": "JSON",
    }
    return wording.get(error["type"], str(error["msg"]).removeprefix("Input should be "))


def _answer(status: int, view: ErrorView, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_VIEW.dump_json(view), status, dict(headers) if headers else None, media_type="application/json")
