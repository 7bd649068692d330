"""A disk that loses power: what a process asked of the disk, call by call, and what could be left of it after each.

The calls are those of the real process (strace). What was not synced may be there, be gone, or be there in part, each
write for itself; so may names in a directory until the directory is synced. (ALICE, OSDI 2014; SQLite's test6.c.)
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,rename"
SECTOR = 512
MEMORY = "-shm"
"""SQLite's shared memory: rebuilt after a crash, never read from the disk."""

_LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<rest>.*)$")
_CALL = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+=\s+(?P<result>-?\d+)(?:<(?P<opened>[^>]*)>)?")
_ON_FILE = re.compile(r"^(?P<fd>\d+)<(?P<path>[^>]*)>(?:, \"(?P<data>[^\"]*)\")?(?P<numbers>.*)$")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that matters: `create`, `write`, `truncate`, `sync`, `unlink`, or `say` for a line of output."""

    name: str
    file: str = ""
    at: int = 0
    data: bytes = b""


def recorded(child: Path, scenario: str, path: Path, log: Path) -> list[Call]:
    """Everything that the scenario asked of the disk below the folder of `path`, in order."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace, from Debian's packages")
    command = [strace, "-f", "-y", "-xx", "-s", "2000000", "-e", f"trace={CALLS}", "-o", log]
    done = subprocess.run(
        [*command, sys.executable, child, scenario, path], capture_output=True, text=True, check=False, timeout=110
    )
    if "ptrace" in done.stderr and "not permitted" in done.stderr:
        pytest.skip("needs the right to trace a process")
    assert done.returncode == 0, done.stderr
    return list(_calls(log.read_text(), path.parent))


def _calls(log: str, folder: Path) -> Iterator[Call]:
    begun: dict[str, str] = {}
    for line in log.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        pid, rest = found["pid"], found["rest"]
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
            continue
        if rest.startswith("<..."):
            rest = begun.pop(pid) + rest.partition("resumed>")[2]
        call = _CALL.match(rest)
        if call is not None and not call["result"].startswith("-"):
            yield from _call(call, folder)


def _call(call: re.Match[str], folder: Path) -> Iterator[Call]:
    name, arguments = call["name"], call["arguments"]
    if name == "openat":
        path = Path(_text(call["opened"] or "").decode())
        if "O_CREAT" in arguments and path.parent == folder:
            yield Call("create", path.name)
        return
    if name in {"unlink", "rename"}:
        paths = [Path(_text(text).decode()) for text in re.findall(r'"([^"]*)"', arguments)]
        assert name == "unlink" or paths[0].parent != folder, "a rename is not modelled here"
        if paths[0].parent == folder:
            yield Call("unlink", paths[0].name)
        return
    on = _ON_FILE.match(arguments)
    assert on is not None, arguments[:100]
    path = Path(_text(on["path"]).decode(errors="replace"))
    if name == "write" and on["fd"] == "1":
        yield Call("say", data=_text(on["data"]))
    elif name in {"fsync", "fdatasync"} and path == folder:
        yield Call("sync", "")
    elif path.parent == folder:
        numbers = [int(number) for number in re.findall(r"-?\d+", on["numbers"])]
        if name == "pwrite64":
            yield Call("write", path.name, numbers[-1], _text(on["data"]))
        elif name == "ftruncate":
            yield Call("truncate", path.name, numbers[-1])
        else:
            assert name in {"fsync", "fdatasync"}, f"{name} into {path} is not modelled here"
            yield Call("sync", path.name)


def _text(hexadecimal: str) -> bytes:
    if "\\x" not in hexadecimal:
        return hexadecimal.encode()
    return bytes.fromhex(hexadecimal.replace("\\x", ""))


@dataclass
class Disk:
    """What is surely on the disk, and what was asked for since."""

    files: dict[str, bytes] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    """Files whose names are surely in the directory."""
    pending: dict[str, list[Call]] = field(default_factory=dict)
    names: list[Call] = field(default_factory=list)

    def take(self, call: Call) -> None:
        match call.name:
            case "create" | "unlink":
                self.names.append(call)
                self.files.setdefault(call.file, b"")
            case "write" | "truncate":
                self.pending.setdefault(call.file, []).append(call)
            case "sync" if call.file:
                self.files[call.file] = after(self.files.get(call.file, b""), self.pending.pop(call.file, []))
            case "sync":
                self.named = self._named(self.names)
                self.names = []

    def _named(self, calls: Sequence[Call]) -> set[str]:
        named = set(self.named)
        for call in calls:
            (named.add if call.name == "create" else named.discard)(call.file)
        return named

    def without_the_rest(self) -> dict[str, bytes]:
        """Nothing that was not synced."""
        return {name: self.files[name] for name in self.named}

    def with_all(self, *, torn: bool = False) -> dict[str, bytes]:
        """Everything that was asked for; the last write of each file in half, where `torn`."""
        result = {}
        for name in self._named(self.names):
            calls = self.pending.get(name, [])
            if torn and calls:
                calls = [*calls[:-1], _half(calls[-1])]
            result[name] = after(self.files.get(name, b""), calls)
        return result

    def with_some(self, chance: Random) -> dict[str, bytes]:
        """Each write for itself: there, gone, or cut at a sector."""
        names = self._named([call for call in self.names if chance.random() < 0.5])
        kept = {
            name: [_half(call) if chance.random() < 0.2 else call for call in calls if chance.random() < 0.6]
            for name, calls in self.pending.items()
        }
        return {name: after(self.files.get(name, b""), kept.get(name, [])) for name in names}


def _half(call: Call) -> Call:
    if call.name != "write":
        return call
    return Call("write", call.file, call.at, call.data[: max(SECTOR, len(call.data) // 2 // SECTOR * SECTOR)])


def after(content: bytes, calls: Sequence[Call]) -> bytes:
    """A file's content once these calls have reached the disk."""
    result = bytearray(content)
    for call in calls:
        end = call.at if call.name == "truncate" else call.at + len(call.data)
        if len(result) < end:
            result.extend(bytes(end - len(result)))
        if call.name == "truncate":
            del result[end:]
        else:
            result[call.at : end] = call.data
    return bytes(result)


def laid(files: dict[str, bytes], folder: Path) -> Path:
    """The files of a crashed disk in a folder of their own."""
    folder.mkdir()
    for name, content in files.items():
        if not name.endswith(MEMORY):
            (folder / name).write_bytes(content)
    return folder
