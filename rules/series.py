"""The short notation of a pack's own tests: what a point shows over time, and what the rule must make of it.

`0x60 12x10 _x20 9x40` is sixty samples of 0, ten of 12, twenty lost ones and forty of 9. Text to values and
back to nothing else: runs no rule, reads no file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from gateway.duration import parse_duration
from gateway.rule import Truth
from gateway.sample import SECOND, Quality, Reason
from rules.syntax import ExpressionError

MOST_SAMPLES = 200_000
"""A slip of the finger in a repeat must not take the memory of whoever checks a pack."""

_SYNTAX = "a step such as '24x10', '0..9x4', '24', '_x5' (lost), '~x5' (stale), '^x5' (out of range), 'Ex5' (fault)"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a point shows at one tick; a silent one (`fresh` is False) shows its last value, grown stale."""

    value: float
    quality: Quality = Quality.GOOD
    reason: Reason = Reason.NONE
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Series:
    """What a point shows, tick after tick; the last holds on for a series that is shorter than its trial."""

    shown: tuple[Shown, ...]
    constant: bool
    """Written as one bare value: true of the whole trial, however long."""

    def at(self, tick: int) -> Shown:
        return self.shown[min(tick, len(self.shown) - 1)]


@dataclass(frozen=True, slots=True)
class Expected:
    """One change of the rule's condition: what it becomes, and between which times (microseconds, inclusive)."""

    truth: Truth
    earliest: int
    latest: int

    def __str__(self) -> str:
        until = "" if self.latest == self.earliest else f"..{self.latest / SECOND:g}"
        return f"{WORDS[self.truth]}@{self.earliest / SECOND:g}{until}s"


WORDS = {Truth.TRUE: "raise", Truth.FALSE: "clear", Truth.UNKNOWN: "unknown"}
"""What a condition becomes, in the word that packs use. A trial begins clear unless it says otherwise."""
_TRUTHS = {word: truth for truth, word in WORDS.items()}

_NUMBER = r"-?\d+(?:\.\d+)?"
_TOKEN = re.compile(
    rf"(?P<open>\()|\)(?P<close>)|(?P<first>{_NUMBER})(?:\.\.(?P<last>{_NUMBER}))?(?P<uncertain>\?)?|(?P<lost>[_~^E])"
)
_TIMES = re.compile(r"x(\d+)")
_BLANK = re.compile(r"\s*")
_LOST = {
    "_": Shown(math.nan, Quality.BAD, Reason.TIMEOUT),
    "~": Shown(math.nan, Quality.STALE, Reason.TOO_OLD, fresh=False),
    "^": Shown(math.nan, Quality.BAD, Reason.OUT_OF_RANGE),
    "E": Shown(math.nan, Quality.BAD, Reason.SENSOR_FAULT),
}
_EXPECTED = re.compile(
    r"\s*(?P<word>[a-z]+)@(?P<from>\d+(?:\.\d+)?)(?:\.\.(?P<to>\d+(?:\.\d+)?))?\s?(?P<unit>ms|s|min|h|d)\s*"
)


def parse_series(text: str) -> Series:
    """The values of one point; raises ExpressionError at the character of the first mistake.

    `VxN` holds, `A..BxN` is a ramp from A to B, `V?xN` is uncertain, `( ... )xN` repeats; without `xN` it is once.
    """
    parser = _Parser(text)
    shown = parser.steps()
    if parser.at < len(text):
        raise ExpressionError(parser.at, "a '(' before", "')'")
    return Series(tuple(shown), constant=re.fullmatch(rf"\s*(?:{_NUMBER}|[_~^E])\s*", text) is not None)


class _Parser:
    def __init__(self, text: str) -> None:
        self.at = _end(_BLANK, text, 0)
        self._text = text

    def steps(self) -> list[Shown]:
        """Steps up to the end or to a closing parenthesis that is not theirs; at least one."""
        shown: list[Shown] = []
        while not shown or (self.at < len(self._text) and self._text[self.at] != ")"):
            shown += self._step()
            if len(shown) > MOST_SAMPLES:
                raise ExpressionError(self.at, f"at most {MOST_SAMPLES} samples", "more")
        return shown

    def _step(self) -> list[Shown]:
        start = self.at
        token = _TOKEN.match(self._text, start)
        if token is None or token["close"] is not None:
            word = re.split(r"[\s()]", self._text[start:])[0] or self._text[start:]
            raise ExpressionError(start, _SYNTAX, repr(word) if word else "nothing")
        self.at = token.end()
        if token["open"] is not None:
            self.at = _end(_BLANK, self._text, self.at)
            group = self.steps()
            if self._text[self.at : self.at + 1] != ")":
                raise ExpressionError(self.at, "')'", "the end")
            self.at += 1
            return group * self._times(len(group))
        if token["lost"] is not None:
            return [_LOST[token["lost"]]] * self._times(1)
        quality, reason = (Quality.UNCERTAIN, Reason.NONE) if token["uncertain"] else (Quality.GOOD, Reason.NONE)
        first, times = float(token["first"]), self._times(1)
        if token["last"] is None:
            return [Shown(first, quality, reason)] * times
        return [Shown(float(value), quality, reason) for value in np.linspace(first, float(token["last"]), times)]

    def _times(self, length: int) -> int:
        """The repeat that follows, and the blanks behind it."""
        match = _TIMES.match(self._text, self.at)
        times = int(match[1]) if match is not None else 1
        if not 0 < times * length <= MOST_SAMPLES:
            raise ExpressionError(self.at, f"a repeat that gives 1 to {MOST_SAMPLES} samples", f"x{times}")
        end = match.end() if match is not None else self.at
        self.at = _end(_BLANK, self._text, end)
        if self.at == end < len(self._text) and self._text[end] != ")":
            raise ExpressionError(end, "a blank, or 'x' and a whole number", repr(self._text[end]))
        return times


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match is not None else at


def parse_expected(text: str) -> Expected:
    """`raise@65s`, `clear@2min`, or with a leeway `unknown@84..90s`; raises ExpressionError."""
    match = _EXPECTED.fullmatch(text)
    if match is None or match["word"] not in _TRUTHS:
        words = "', '".join(f"{word}@65s" for word in _TRUTHS)
        raise ExpressionError(0, f"'{words}' or a span as in 'raise@60..65s'", repr(text))
    earliest = parse_duration(match["from"] + match["unit"])
    latest = parse_duration((match["to"] or match["from"]) + match["unit"])
    if latest < earliest:
        raise ExpressionError(match.start("to"), "a time after the first", match["to"])
    return Expected(_TRUTHS[match["word"]], earliest, latest)
