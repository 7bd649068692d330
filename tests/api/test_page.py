"""The page as files: small, never stale, nothing foreign, nothing beside it."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api import support

SCRIPT = "console.log('警钟');" * 200


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    page = tmp_path / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>警钟</title>", encoding="utf-8")
    (page / "assets" / "index-abc123.js").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("not yours", encoding="utf-8")
    return page


@pytest.fixture
async def page(tmp_path: Path, dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        support.rig(tmp_path, page=dist) as unserved,
        support.served(unserved) as gateway,
        support.client(gateway) as client,
    ):
        yield client


async def test_hashed_files_are_kept_for_ever_and_the_entry_never(page: httpx.AsyncClient) -> None:
    entry = await page.get("/")
    assert entry.text == "<!doctype html><title>警钟</title>"
    assert entry.headers["content-type"] == "text/html; charset=utf-8"
    assert entry.headers["cache-control"] == "no-cache"
    script = await page.get("/assets/index-abc123.js")
    assert "immutable" in script.headers["cache-control"]
    assert "javascript" in script.headers["content-type"]


async def test_large_files_travel_packed_to_those_who_can_unpack(page: httpx.AsyncClient) -> None:
    async with page.stream("GET", "/assets/index-abc123.js", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw).decode() == SCRIPT
    assert len(raw) < len(SCRIPT) / 4
    plain = await page.get("/assets/index-abc123.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == SCRIPT


async def test_a_page_that_is_unchanged_is_not_sent_again(page: httpx.AsyncClient, dist: Path) -> None:
    tag = (await page.get("/")).headers["etag"]
    again = await page.get("/", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    (dist / "index.html").write_text("new", encoding="utf-8")
    os.utime(dist / "index.html", ns=(1, 1))
    assert (await page.get("/", headers={"if-none-match": tag})).text == "new"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "//etc/passwd",
        "/assets",
        "/x",
        "/%00",
        "/" + "x" * 300,
    ],
)
async def test_nothing_beside_the_page_is_served(page: httpx.AsyncClient, path: str) -> None:
    answer = await page.send(httpx.Request("GET", httpx.URL(str(page.base_url), raw_path=path.encode())))
    assert answer.status_code == 404
    assert "not yours" not in answer.text


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/nothing", "/docs"])
async def test_every_answer_forbids_what_is_foreign(page: httpx.AsyncClient, path: str) -> None:
    headers = (await page.get(path)).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_page_takes_nothing_but_questions(page: httpx.AsyncClient) -> None:
    assert (await page.post("/")).status_code == 405
    head = await page.head("/")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_page_that_is_not_built_says_how(tmp_path: Path) -> None:
    async with (
        support.rig(tmp_path) as unserved,
        support.served(unserved) as gateway,
        support.client(gateway) as client,
    ):
        answer = await client.get("/")
        assert answer.status_code == 503
        assert "make web" in answer.text
        assert (await client.get("/api/plant")).status_code == 200


async def test_the_reference_needs_nothing_from_elsewhere(page: httpx.AsyncClient) -> None:
    docs = await page.get("/docs")
    assert docs.status_code == 200
    assert "://" not in docs.text
    assert "<script" not in docs.text
    for shown in ("/api/alarms/{alarm_id}/acknowledge", 'id="ChangesMessage"', 'id="LiveMessage"'):
        assert shown in docs.text
    assert (await page.get("/docs.css")).headers["content-type"].startswith("text/css")
