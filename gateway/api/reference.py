"""The OpenAPI document with the live messages in it, and a page that shows it without the internet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.api.schema import LiveMessage

Document = dict[str, Any]
"""An OpenAPI document: JSON, as the standard shapes it."""

reference = APIRouter(include_in_schema=False)

_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222 }
h2 { margin-top: 2.5rem } h3 { margin: 1.5rem 0 .3rem } code { font-family: ui-monospace, monospace }
table { border-collapse: collapse; width: 100% } td, th { border-top: 1px solid #ddd; padding: .25rem .6rem;
text-align: left; vertical-align: top } th { white-space: nowrap } .method { font-weight: 700 }
"""


def openapi_document(app: FastAPI) -> Document:
    """What the app serves, messages of the WebSocket included; made once per app."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        live = TypeAdapter(LiveMessage).json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        schemas = document["components"]["schemas"]
        for name, schema in live.pop("$defs").items():
            schemas.setdefault(name, schema)
        schemas["LiveMessage"] = {"title": "LiveMessage", "description": "Messages of WS /api/live.", **live}
        document["components"]["schemas"] = dict(sorted(schemas.items()))
        app.openapi_schema = document
    return app.openapi_schema


@reference.get("/docs")
async def docs(request: Request) -> Response:
    """The document as tables; needs no script and nothing from elsewhere."""
    return HTMLResponse("".join(_html(request.app.openapi())))


@reference.get("/docs.css")
async def docs_style() -> Response:
    return Response(_STYLE, media_type="text/css")


def _html(document: Document) -> Iterator[str]:
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield f'<link rel="stylesheet" href="/docs.css"><h1>{title}</h1>'
    yield '<p>The same as data: <a href="/openapi.json">/openapi.json</a>. '
    yield 'WebSocket <code>/api/live</code>: <a href="#LiveMessage">LiveMessage</a>.</p><h2>Routes</h2>'
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield from _operation(path, method, operation)
    yield "<h2>Schemas</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield from _schema(name, schema)


def _operation(path: str, method: str, operation: Document) -> Iterator[str]:
    yield f'<h3><code><span class="method">{method.upper()}</span> {escape(path)}</code></h3>'
    yield f"<p>{escape(operation.get('description', ''))}</p><table>"
    for parameter in operation.get("parameters", ()):
        need = "required" if parameter.get("required") else "optional"
        words = escape(parameter.get("description", ""))
        yield _row(parameter["name"], f"{_type(parameter['schema'])}, {need}", words)
    body = operation.get("requestBody")
    if body:
        yield _row("body", _content(body), "")
    for status, answer in operation["responses"].items():
        yield _row(status, _content(answer), escape(answer.get("description", "")))
    yield "</table>"


def _schema(name: str, schema: Document) -> Iterator[str]:
    yield f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3><p>{escape(schema.get("description", ""))}</p>'
    if "properties" not in schema:
        yield f"<p>{_type(schema)}</p>"
        return
    yield "<table>"
    for field, value in schema["properties"].items():
        yield _row(field, _type(value), escape(value.get("description", "")))
    yield "</table>"


def _row(name: str, kind: str, words: str) -> str:
    return f"<tr><th><code>{escape(name)}</code></th><td>{kind}</td><td>{words}</td></tr>"


def _content(holder: Mapping[str, Any]) -> str:
    return ", ".join(_type(content.get("schema", {})) for content in holder.get("content", {}).values())


def _type(schema: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words, references as links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_type(choice) for choice in schema[word])
    if "const" in schema or "enum" in schema:
        return escape(", ".join(str(value) for value in schema.get("enum", [schema.get("const")])))
    if "prefixItems" in schema:
        return f"[{', '.join(_type(item) for item in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("type", "anything")))
