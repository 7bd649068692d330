"""The way into the history's tables: columns in memory, poured by one parsed statement.

Decides nothing and keeps nothing: a pour is one transaction of whoever holds the connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from gateway.event import Entry, encode, subject_of
from gateway.sample import Indices, SampleBatch

Columns = Mapping[str, NDArray[np.generic]]


class Inlet:
    """A view over columns in memory, and the statement that pours them into a table.

    Exchanging the columns of a registered view and running a parsed statement again is the fastest
    durable append that DuckDB's Python interface has: no registration, no parsing, no copy.
    """

    def __init__(self, database: DuckDBPyConnection, view: str, statement: str, columns: Columns) -> None:
        self._database = database
        self._columns = dict(columns)
        database.register(view, self._columns)
        self.aim(statement)

    def aim(self, statement: str) -> None:
        """Pour with this statement from now on."""
        self._statement = self._database.extract_statements(statement)[0]

    def pour(self, columns: Columns) -> None:
        """Append the columns in one transaction; they have the names and types of the first ones.

        NaN becomes NULL on the way.
        """
        self._columns.update(columns)
        self._database.execute(self._statement)


def no_samples() -> Columns:
    times = np.empty(0, dtype=np.int64)
    marks = np.empty(0, dtype=np.uint8)
    return {
        "point": np.empty(0, dtype=np.int32),
        "source_time": times,
        "receive_time": times,
        "value": np.empty(0, dtype=np.float64),
        "quality": marks,
        "reason": marks,
    }


def event_columns(entries: Sequence[Entry]) -> Columns:
    events = [entry.event for entry in entries]
    return {
        "sequence": np.array([entry.sequence for entry in entries], dtype=np.int64),
        "at": np.array([event.at for event in events], dtype=np.int64),
        "kind": np.array([event.kind for event in events], dtype=object),
        "subject": np.array([subject_of(event) for event in events], dtype=object),
        "equipment": np.array([getattr(event, "equipment", "") for event in events], dtype=object),
        "body": np.array([encode(event).decode() for event in events], dtype=object),
    }


def sample_columns(batch: SampleBatch, keys: Indices) -> Columns:
    """A batch as the columns of a sample table; `keys` by point index."""
    return {
        "point": keys[batch.point],
        "source_time": np.ascontiguousarray(batch.source_time, dtype=np.int64),
        "receive_time": np.ascontiguousarray(batch.receive_time, dtype=np.int64),
        "value": np.ascontiguousarray(batch.value, dtype=np.float64),
        "quality": np.ascontiguousarray(batch.quality, dtype=np.uint8),
        "reason": np.ascontiguousarray(batch.reason, dtype=np.uint8),
    }
