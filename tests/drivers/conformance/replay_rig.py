"""A recording of three rows that is played over and over, and goes wrong on demand."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from drivers.replay import KIND
from gateway.driver import DriverKind
from gateway.sample import Instant, Reason
from tests.drivers.conformance.rig import STEP, Fault

_WRONG = frozenset({Reason.MALFORMED})
_NO_TALK = "a file is read, and does not talk back"


class CsvRig:
    """Implements `Rig` with a CSV file."""

    transport = "csv"
    kind: DriverKind = KIND
    reasons: Mapping[Fault, frozenset[Reason]] = {
        Fault.GONE: frozenset({Reason.DISCONNECTED}),
        Fault.HALF_A_FRAME: _WRONG,
        Fault.GARBAGE: _WRONG,
        Fault.RESTART: frozenset(),
    }
    impossible: Mapping[Fault, str] = dict.fromkeys(
        (Fault.REFUSE, Fault.HANG, Fault.SLOW_DRIP, Fault.WRONG_ID, Fault.LATE_REPLY, Fault.EXCEPTION), _NO_TALK
    )
    addresses: Sequence[Mapping[str, object]] = [{"column": f"v{place}", "quality": "q"} for place in range(2)]
    output: Mapping[str, object] | None = None
    visits = 0
    written: float | None = None

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{uuid.uuid4().hex}.{self.transport}"
        self._value, self._verdict = 1000, "good"
        self._at: float | None = None

    @property
    def settings(self) -> Mapping[str, object]:
        return {"file": str(self._file), "repeat": True, "times": "original", "time_format": "us"}

    async def start(self) -> None:
        self._record()

    async def stop(self) -> None:
        self._file.unlink(missing_ok=True)

    def say(self, value: int) -> None:
        self._value = value
        self._record()

    def date(self, at: Instant) -> None:
        self._at = at / 1e6
        self._record()

    def disown(self) -> None:
        self._verdict = "fault"
        self._record()

    async def inflict(self, fault: Fault) -> None:
        if fault is Fault.GONE:
            self._file.unlink()
        elif fault is Fault.RESTART:
            self._file.unlink()
            self._record()
        else:
            whole = self._file.read_bytes()
            self._replace(whole[: len(whole) * 2 // 3] if fault is Fault.HALF_A_FRAME else bytes(range(128, 256)) * 3)

    async def mend(self) -> None:
        self._record()

    def _record(self) -> None:
        self._replace(self._recording())

    def _replace(self, content: bytes) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_bytes(content)
        draft.replace(self._file)

    def _rows(self) -> list[tuple[int, int, int, str]]:
        start = round((self._at or time.time() - 0.1) * 1_000_000)
        return [
            (start + 10_000 * row * (self._at is None), self._value, self._value + STEP, self._verdict)
            for row in range(3)
        ]

    def _recording(self) -> bytes:
        lines = [",".join(map(str, row)) for row in self._rows()]
        return ("\n".join(["time,v0,v1,q", *lines]) + "\n").encode()


class ParquetRig(CsvRig):
    """The same as a Parquet file."""

    transport = "parquet"

    def _recording(self) -> bytes:
        draft = self._file.with_suffix(".made")
        with duckdb.connect() as database:
            database.execute('CREATE TABLE recording ("time" BIGINT, v0 INTEGER, v1 INTEGER, q VARCHAR)')
            database.executemany("INSERT INTO recording VALUES (?, ?, ?, ?)", self._rows())
            database.execute(f"COPY recording TO '{draft}' (FORMAT parquet)")
        return draft.read_bytes()
