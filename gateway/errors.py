"""The few errors of the project. Each says what was expected, what came, and what to do.

The command line ends with exit code 2 on a `TocsinError`; the API answers with `http_status`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class TocsinError(Exception):
    """Base of every error that is somebody's to mend; anything else is our bug."""

    http_status = 500


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a file that a person wrote, at the place where they can mend it."""

    file: str
    line: int
    """1-based; 0 where the file as a whole is meant."""
    column: int
    """1-based; 0 where unknown."""
    field: str
    """Path of the field, such as `points[3].unit`."""
    expected: str
    got: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        what = f"{self.field}: " if self.field else ""
        return f"{place}: {self.severity}: {what}expected {self.expected}, got {self.got}"


def wrong_field(field: str, expected: str, got: str) -> Problem:
    """One mistake in what a person asked for, rather than in a file: it has a field and no place."""
    return Problem("", 0, 0, field, expected, got)


class ConfigurationError(TocsinError):
    """A plant file or rule pack does not hold; carries every problem found, in file order."""

    http_status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class IllegalTransition(TocsinError):
    """An action that the present state does not allow (ISA-18.2 table, ticket table)."""

    http_status = 409

    def __init__(self, machine: str, subject: str, state: str, action: str, allowed: Sequence[str]) -> None:
        self.machine, self.subject, self.state, self.action = machine, subject, state, action
        self.allowed = tuple(allowed)
        choice = ", ".join(self.allowed) or "nothing"
        super().__init__(f"{machine} {subject} is {state}: expected one of [{choice}], got {action}")


class UnknownSubject(TocsinError):
    """An id that names nothing."""

    http_status = 404

    def __init__(self, what: str, subject: str) -> None:
        self.what, self.subject = what, subject
        super().__init__(f"expected the id of an existing {what}, got {subject!r}")


class RequestRefused(TocsinError):
    """A request whose content does not hold; carries every field that is wrong."""

    http_status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: expected {p.expected}, got {p.got}" for p in self.problems))


def refusal(field: str, expected: str, got: str) -> RequestRefused:
    """The error of a request in which this one field does not hold."""
    return RequestRefused([wrong_field(field, expected, got)])


class OutputRefused(TocsinError):
    """A write that the plant file does not allow."""

    http_status = 409

    def __init__(self, output: str, expected: str, got: str) -> None:
        self.output, self.expected, self.got = output, expected, got
        super().__init__(f"output {output}: expected {expected}, got {got}")


class StoreFailed(TocsinError):
    """A store can no longer keep what it is given (disk full, failed sync, damaged file)."""

    http_status = 503

    def __init__(self, store: str, doing: str, cause: str) -> None:
        self.store, self.doing, self.cause = store, doing, cause
        super().__init__(f"{store} cannot {doing}: {cause}")


class RecordsRefused(TocsinError):
    """A target elsewhere refuses records for what they say; offering them again would not help."""

    http_status = 502

    def __init__(self, target: str, cause: str) -> None:
        self.target, self.cause = target, cause
        super().__init__(f"{target} refuses what it is given: {cause}")


class PortInUse(TocsinError):
    """An address to listen on is taken."""

    def __init__(self, host: str, port: int, choose: str = "with --port") -> None:
        self.host, self.port = host, port
        super().__init__(
            f"expected {host}:{port} to be free, got an address already in use; "
            f"stop what listens there, or choose another {choose}"
        )
