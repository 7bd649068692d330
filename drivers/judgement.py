"""What a number and a source's word about it are worth: quality and reason, the same for every driver that hears words.

Sans-IO. A number is GOOD only if it is finite, inside the measuring range, and vouched for by its source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from gateway.sample import Quality, Reason

Word = str | bool | int | float
_RANGE_SLACK = 1e-9
"""Of the span: what rounding on the way may add to a value at the very end of its range."""


class Verdicts(BaseModel):
    """What a source's own word on its value means. Upper and lower case are the same, and so are 192 and 192.0."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    good: tuple[Word, ...] = ("good",)
    """Words that mean good; one that stands in none of these lists is a sensor fault."""
    uncertain: tuple[Word, ...] = ("uncertain",)
    """Words that mean that the value may be wrong."""
    warming_up: tuple[Word, ...] = ("warming_up",)
    """Words that mean that the sensor is not ready yet."""


@dataclass(frozen=True, slots=True)
class Judge:
    """How the values of one point are judged; made once, asked for every value."""

    low: float
    high: float
    meaning: dict[str, tuple[Quality, Reason]]
    """By word as `_plain` writes it."""

    @classmethod
    def of(cls, low: float, high: float, verdicts: Verdicts) -> Judge:
        """The judge of a point with this measuring range."""
        slack = (high - low) * _RANGE_SLACK if math.isfinite(high - low) else 0.0
        meaning = {_plain(word): (Quality.BAD, Reason.WARMING_UP) for word in verdicts.warming_up}
        meaning |= {_plain(word): (Quality.UNCERTAIN, Reason.SOURCE_DOUBT) for word in verdicts.uncertain}
        meaning |= {_plain(word): (Quality.GOOD, Reason.NONE) for word in verdicts.good}
        return cls(low - slack, high + slack, meaning)

    def word(self, word: Word) -> tuple[Quality, Reason]:
        """What the source's own word says."""
        return self.meaning.get(_plain(word), (Quality.BAD, Reason.SENSOR_FAULT))

    def number(self, number: float) -> tuple[Quality, Reason]:
        """What the number itself allows."""
        if not math.isfinite(number):
            return Quality.BAD, Reason.NOT_A_NUMBER
        if not self.low <= number <= self.high:
            return Quality.BAD, Reason.OUT_OF_RANGE
        return Quality.GOOD, Reason.NONE


def _plain(word: object) -> str:
    if isinstance(word, float) and word.is_integer():
        word = int(word)
    return str(word).strip().casefold()
