"""Files beside tickets: known by their content, whole and synced before anything speaks of them, never half there."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestRefused, StoreFailed
from gateway.events.tickets import Attachment
from gateway.stores import attachments, media
from gateway.stores.attachments import AttachmentStore
from gateway.stores.media import LONGEST_NAME, MOST_MEMBERS, safe_name

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name in names:
            made.writestr(name, "<x/>")
    return packed.getvalue()


ACCEPTED = {
    "image/jpeg": JPEG,
    "image/png": b"\x89PNG\r\n\x1a\n" + b"x" * 90,
    "image/webp": b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"x" * 90,
    "image/heic": b"\x00\x00\x00\x18ftypheic" + b"x" * 90,
    "video/mp4": b"\x00\x00\x00\x18ftypisom" + b"x" * 90,
    "video/quicktime": b"\x00\x00\x00\x14ftypqt  " + b"x" * 90,
    "video/webm": b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x82\x84webm" + b"x" * 90,
    "video/x-msvideo": b"RIFF\x10\x00\x00\x00AVI LIST" + b"x" * 90,
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3" + b"x" * 90,
    media.DOCX.media_type: archive("[Content_Types].xml", "word/document.xml"),
    media.XLSX.media_type: archive("[Content_Types].xml", "xl/workbook.xml"),
    media.PPTX.media_type: archive("[Content_Types].xml", "ppt/presentation.xml"),
}

REFUSED = {
    "Windows executable": b"MZ\x90\x00" + b"x" * 200,
    "Linux executable": b"\x7fELF\x02\x01\x01" + b"x" * 200,
    "macOS executable": b"\xcf\xfa\xed\xfe" + b"x" * 200,
    "script": b"#!/bin/sh\nrm -rf /\n" + b"#" * 100,
    "web page": b"<!doctype html><script>alert(1)</script>" + b" " * 100,
    "something else": b"plain words " * 20,
    "something else ": b"\x00\x00\x00\x18ftypevil" + b"x" * 90,
    "no office document": archive("photo.jpg", "run.exe"),
    "no office document ": archive("[Content_Types].xml", "word/document.xml", "xl/workbook.xml"),
    "macros": archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    "cut short": archive("[Content_Types].xml", "word/document.xml")[:-10],
    "installer": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 200,
    "nothing": b"",
}


async def parts(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def opened(data: Path, **limits: int) -> AttachmentStore:
    return await AttachmentStore.open(data, reserve=0, **limits)


def files(data: Path) -> dict[str, bytes]:
    return {str(each.relative_to(data)): each.read_bytes() for each in data.rglob("*") if each.is_file()}


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
async def test_a_file_is_stored_under_its_own_hash_and_once_however_often_it_comes(tmp_path: Path, size: int) -> None:
    store = await opened(tmp_path)
    content, sha256 = JPEG[:300], hashlib.sha256(JPEG[:300]).hexdigest()
    for name in ("整改前.jpg", "again.jpeg"):
        assert await store.put(parts(content, size), name) == Attachment(sha256, name, "image/jpeg", len(content))
    assert files(tmp_path) == {f"attachments/{sha256[:2]}/{sha256}": content}
    found = await store.find(sha256)
    assert stat.S_IMODE(found.stat().st_mode) == 0o440
    await store.close()


@pytest.mark.parametrize("media_type", list(ACCEPTED))
async def test_a_photograph_a_video_and_a_document_are_known_by_their_content(tmp_path: Path, media_type: str) -> None:
    store = await opened(tmp_path)
    assert (await store.put(parts(ACCEPTED[media_type]), "x")).media_type == media_type
    await store.close()


@pytest.mark.parametrize("what", list(REFUSED))
@pytest.mark.parametrize("name", ["photo.jpg", "plan.pdf", "plan.docx"])
async def test_what_is_nothing_of_that_is_refused_whatever_its_name_and_nothing_of_it_stays(
    tmp_path: Path, what: str, name: str
) -> None:
    store = await opened(tmp_path)
    with pytest.raises(RequestRefused) as refused:
        await store.put(parts(REFUSED[what]), name)
    (problem,) = refused.value.problems
    assert what.strip() in problem.got
    assert "jpg png" in problem.expected
    assert files(tmp_path) == {}
    await store.close()


async def test_a_file_that_is_too_large_is_refused_as_soon_as_it_is(tmp_path: Path) -> None:
    store, asked = await opened(tmp_path, largest=5000), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        yield JPEG[:1000]
        while True:
            asked += 1
            yield b"x" * 1000

    with pytest.raises(RequestRefused, match="at most 5000 bytes"):
        await store.put(endless(), "x.jpg")
    assert asked == 5
    assert files(tmp_path) == {}
    await store.close()


async def test_an_archive_with_more_parts_than_any_document_is_refused_before_they_are_read(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    content = archive("[Content_Types].xml", "word/document.xml", *map(str, range(MOST_MEMBERS)))
    with pytest.raises(RequestRefused, match="more than"):
        await store.put(parts(content, 100_000), "x.docx")
    await store.close()


async def test_an_upload_that_stops_coming_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "PATIENCE", 0.05)
    store = await opened(tmp_path)

    async def stalled() -> AsyncIterator[bytes]:
        yield JPEG[:1000]
        await asyncio.sleep(60)

    with pytest.raises(RequestRefused, match="send the file again"):
        await store.put(stalled(), "x.jpg")
    assert files(tmp_path) == {}
    await store.close()


async def test_an_asker_who_goes_away_leaves_nothing_behind(tmp_path: Path) -> None:
    store, begun = await opened(tmp_path), asyncio.Event()

    async def broken() -> AsyncIterator[bytes]:
        yield JPEG[:1000]
        begun.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(store.put(broken(), "x.jpg"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path) == {}
    await store.close()


async def test_what_a_stop_cut_short_is_let_go_of_at_the_next_start_and_nothing_else(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    kept = await store.put(parts(JPEG), "x.jpg")
    await store.close()
    (store.scratch / "half").write_bytes(b"half")
    store = await opened(tmp_path)
    assert list(files(tmp_path)) == [f"attachments/{kept.sha256[:2]}/{kept.sha256}"]
    await store.close()


async def test_the_file_and_its_name_are_synced_before_anybody_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_sync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        done.append("rename")
        return real_rename(path, target)

    store = await opened(tmp_path)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    await store.put(parts(JPEG), "x.jpg")
    assert done == ["file", "directory", "rename", "directory"]
    await store.close()


async def test_a_disk_that_fails_leaves_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await opened(tmp_path)

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        with pytest.raises(StoreFailed, match="Input/output error"):
            await store.put(parts(JPEG), "x.jpg")
    assert files(tmp_path) == {}
    assert await store.put(parts(JPEG), "x.jpg")
    await store.close()


async def test_no_attachment_takes_the_space_that_the_journal_needs(tmp_path: Path) -> None:
    store = await AttachmentStore.open(tmp_path, reserve=2**60)
    with pytest.raises(StoreFailed, match="the journal may need"):
        await store.put(parts(JPEG), "x.jpg")
    await store.close()


async def test_a_file_that_somebody_took_away_is_said_to_be_gone(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    kept = await store.put(parts(JPEG), "x.jpg")
    (await store.find(kept.sha256)).unlink()
    with pytest.raises(StoreFailed, match="restore it"):
        await store.find(kept.sha256)
    await store.close()


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("整改前.JPG", "整改前.JPG"),
        ("setup.exe", "setup.exe.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\temp\\a.jpeg", "a.jpeg"),
        (".jpg", "jpg.jpg"),
        ("", "attachment.jpg"),
        ("a\r\nSet-Cookie: b.jpg", "aSet-Cookie: b.jpg"),
    ],
)
def test_a_name_is_no_path_hides_nothing_and_says_what_the_content_is(given_name: str, kept: str) -> None:
    assert safe_name(given_name, media.JPEG) == kept


@given(st.text(max_size=300), st.sampled_from(media.ACCEPTED))
def test_a_kept_name_is_short_has_its_suffix_and_stays_as_it_is(name: str, of: media.Media) -> None:
    kept = safe_name(name, of)
    assert len(kept) <= LONGEST_NAME
    assert kept.lower().endswith(of.suffixes)
    assert not set(kept) & set("/\\\r\n\x00")
    assert safe_name(kept, of) == kept


@given(st.binary(max_size=80), st.sampled_from(sorted(REFUSED)))
def test_no_executable_is_taken_for_a_picture_whatever_follows_its_mark(tail: bytes, what: str) -> None:
    head = REFUSED[what][:4] + tail
    if REFUSED[what][:4] in (b"MZ\x90\x00", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"#!/b", b"\xd0\xcf\x11\xe0"):
        with pytest.raises(RequestRefused):
            media.media_of(head)
