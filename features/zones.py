"""Local time: IANA zones as tables of offsets, so that a column of instants shifts at once."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from .instants import DAY, SECOND, of, to_datetime
from .kernel import Int64Array

_FIRST, _LAST = (
    of(datetime.fromisoformat("1990-01-01T00:00Z")),
    of(datetime.fromisoformat("2050-01-01T00:00Z")),
)

_STRIDE = 6 * DAY  # the shortest stay of an offset in these years: 6.96 days (Boa Vista 2000, Gaza 2040)


@lru_cache(maxsize=1024)
def offsets(zone: str) -> tuple[Int64Array, Int64Array]:
    """The instants (1990 to 2050) from which a zone keeps an offset, and the offsets; both in microseconds.

    An unknown zone is a `zoneinfo.ZoneInfoNotFoundError`.
    """
    info = ZoneInfo(zone)
    since, shift = [_FIRST], [_offset(info, _FIRST)]
    for start in range(_FIRST, _LAST, _STRIDE):
        after = _offset(info, start + _STRIDE)
        if after != shift[-1]:
            since.append(_change(info, start, start + _STRIDE))
            shift.append(after)
    return np.array(since), np.array(shift)


def local(at: Int64Array, zone: Int64Array, names: Sequence[str]) -> Int64Array:
    """Shift instants into wall-clock microseconds of zone `names[zone[i]]`; code -1 stays in UTC."""
    shifted = at.astype(np.int64, copy=True)
    for code in np.unique(zone[zone >= 0]):
        here = zone == code
        since, shift = offsets(names[code])
        found = np.searchsorted(since, at[here], side="right") - 1
        shifted[here] += shift[np.maximum(found, 0)]
    return shifted


def _offset(info: ZoneInfo, at: int) -> int:
    offset = to_datetime(at).astimezone(info).utcoffset()
    assert offset is not None  # a ZoneInfo always answers
    return int(offset.total_seconds()) * SECOND


def _change(info: ZoneInfo, low: int, high: int) -> int:
    """The first second in (low, high] that keeps the offset of `high`."""
    while high - low > SECOND:
        middle = (low + high) // 2 // SECOND * SECOND
        if _offset(info, middle) == _offset(info, high):
            high = middle
        else:
            low = middle
    return high
