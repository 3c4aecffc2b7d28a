"""Instants: int64 microseconds since the Unix epoch, UTC; the only clock format inside leadrank."""

from datetime import UTC, datetime, timedelta

import numpy as np

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

NEVER = int(np.iinfo(np.int64).max)
"""Later than every moment: the instant of what has not happened."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(text: str) -> int:
    """Read an RFC 3339 instant; one without an offset is a `ValueError`."""
    return of(datetime.fromisoformat(text.upper()))


def of(when: datetime) -> int:
    """The instant of an aware datetime; a naive one is a `ValueError`."""
    if when.tzinfo is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    return (when - _EPOCH) // timedelta(microseconds=1)


def render(at: int) -> str:
    """Write an instant as RFC 3339 in UTC, with as many decimals as it needs (none or six)."""
    return to_datetime(at).isoformat().replace("+00:00", "Z")


def to_datetime(at: int) -> datetime:
    """The aware UTC datetime of an instant, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=int(at))
