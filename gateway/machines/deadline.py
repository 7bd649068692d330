"""By when a hazard has to be gone: an ordinary one within its month, a major one within three months.

Months are calendar months in China, which keeps one time zone. Source: the county's notices
(即时排查、即时整改、当月销号; 重大隐患整治时限原则上不超过 3 个月).
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta, timezone

from gateway.clock import from_datetime, to_datetime
from gateway.rule import TicketGrade
from gateway.sample import Instant

MAJOR_MONTHS = 3

CHINA = timezone(timedelta(hours=8))


def limit(grade: TicketGrade, filed_at: Instant) -> Instant:
    """The last moment for a hazard filed then; later only with interim measures and a second person."""
    filed = to_datetime(filed_at).astimezone(CHINA)
    if grade is TicketGrade.MAJOR:
        return from_datetime(_months_later(filed, MAJOR_MONTHS))
    first = filed.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Instant(from_datetime(_months_later(first, 1)) - 1)


def _months_later(moment: datetime, months: int) -> datetime:
    """The same day of a later month, or its last day where it is shorter."""
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
