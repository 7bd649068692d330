"""What a file is, by its content: the photographs, videos and documents that may stand beside a hazard ticket.

Only what is known by its own marks is taken; an executable under another name has none of them. Opens no archive's
contents, and runs nothing.
"""

from __future__ import annotations

import struct
import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gateway.errors import RequestRefused, wrong_field

HEAD = 64
"""Bytes from the beginning that tell what a file is."""

MOST_MEMBERS = 10_000
"""Parts of an office document; more would only fill the memory."""

LONGEST_NAME = 120

_END = struct.Struct("<4s4H2LH")
"""A ZIP archive's end record (APPNOTE 4.3.16)."""


@dataclass(frozen=True, slots=True)
class Media:
    """A kind of file that is accepted."""

    media_type: str
    suffixes: tuple[str, ...]
    """Names it goes by; the first is given to a file that has none of them."""


JPEG = Media("image/jpeg", (".jpg", ".jpeg"))
PNG = Media("image/png", (".png",))
WEBP = Media("image/webp", (".webp",))
HEIC = Media("image/heic", (".heic", ".heif"))
MP4 = Media("video/mp4", (".mp4", ".m4v", ".3gp"))
QUICKTIME = Media("video/quicktime", (".mov",))
WEBM = Media("video/webm", (".webm", ".mkv"))
AVI = Media("video/x-msvideo", (".avi",))
PDF = Media("application/pdf", (".pdf",))
_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCX = Media(f"{_OFFICE}.wordprocessingml.document", (".docx",))
XLSX = Media(f"{_OFFICE}.spreadsheetml.sheet", (".xlsx",))
PPTX = Media(f"{_OFFICE}.presentationml.presentation", (".pptx",))
OFFICE = Media("application/zip", ())
"""An archive that may be an office document: only its directory tells."""

ACCEPTED = (JPEG, PNG, WEBP, HEIC, MP4, QUICKTIME, WEBM, AVI, PDF, DOCX, XLSX, PPTX)
_DOCUMENTS: Mapping[str, Media] = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX, "ppt/presentation.xml": PPTX}
_BEGINNINGS: Mapping[bytes, Media] = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"%PDF-": PDF,
    b"PK\x03\x04": OFFICE,
}
_RIFF: Mapping[bytes, Media] = {b"WEBP": WEBP, b"AVI ": AVI}
_BRANDS: Mapping[bytes, Media] = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"), HEIC),
    **dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"hvc1", b"M4V "), MP4),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"MSNV", b"dash"), MP4),
    b"qt  ": QUICKTIME,
}
"""Major brands of ISO base media files (ISO/IEC 14496-12; mp4ra.org)."""


def media_of(head: bytes) -> Media:
    """What a file is by its first `HEAD` bytes. Raises RequestRefused for any other."""
    for mark, media in _BEGINNINGS.items():
        if head.startswith(mark):
            return media
    found: Media | None = None
    if head[:4] == b"RIFF":
        found = _RIFF.get(head[8:12])
    elif head[4:8] == b"ftyp":
        found = _BRANDS.get(head[8:12])
    elif head[:4] == b"\x1aE\xdf\xa3" and (b"webm" in head or b"matroska" in head):
        found = WEBM
    if found is None:
        raise refusal(_words(head))
    return found


def document_of(path: Path) -> Media:
    """Which office document an archive is. Raises RequestRefused for one with macros, and for any other archive."""
    if _members(path) > MOST_MEMBERS:
        raise refusal(f"an archive of more than {MOST_MEMBERS} parts")
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise refusal(f"an archive that cannot be read ({error})") from error
    if any(PurePosixPath(name).name.lower() == "vbaproject.bin" for name in names):
        raise refusal("an office document with macros")
    found = [media for part, media in _DOCUMENTS.items() if part in names and "[Content_Types].xml" in names]
    if len(found) != 1:
        raise refusal("an archive that is no office document")
    return found[0]


def safe_name(name: str, media: Media) -> str:
    """The name without a path or signs that are not seen, with a suffix that says what the content is."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(each for each in last if unicodedata.category(each)[0] != "C").strip(" .")
    stem, dot, suffix = seen.rpartition(".")
    if f".{suffix.lower()}" in media.suffixes and stem:
        return f"{stem[: LONGEST_NAME - len(suffix) - 1]}{dot}{suffix}"
    kept = media.suffixes[0]
    return f"{(seen or 'attachment')[: LONGEST_NAME - len(kept)]}{kept}"


def refusal(got: str) -> RequestRefused:
    """What is said of a file that is not taken."""
    kinds = " ".join(suffix.removeprefix(".") for media in ACCEPTED for suffix in media.suffixes[:1])
    return RequestRefused([wrong_field("file", f"a photograph, video or document ({kinds}), by its content", got)])


def _members(path: Path) -> int:
    """How many parts the archive's end record tells of, before anything reads its directory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65_535 - _END.size))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise refusal("an archive that is cut short")
    members: int = _END.unpack_from(tail, at)[4]
    return members


_KNOWN: Mapping[bytes, str] = {
    b"MZ": "a Windows executable",
    b"\x7fELF": "a Linux executable",
    b"\xca\xfe\xba\xbe": "a Java class or macOS executable",
    b"\xcf\xfa\xed\xfe": "a macOS executable",
    b"#!": "a script",
    b"\xd0\xcf\x11\xe0": "an old office document or installer (save it as docx, xlsx, pptx or pdf)",
    b"<": "a web page or drawing",
    b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"\x1f\x8b": "an archive",
}


def _words(head: bytes) -> str:
    """What is refused, as far as its marks say."""
    if not head:
        return "nothing"
    return next((words for mark, words in _KNOWN.items() if head.startswith(mark)), "something else")
