"""Local time: IANA zones as tables of offsets, so that a column of instants shifts at once."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from .instants import DAY, SECOND, of, to_datetime
from .kernel import Int64Array, kernel, plain

_FIRST, _LAST = (
    of(datetime.fromisoformat("1990-01-01T00:00Z")),
    of(datetime.fromisoformat("2050-01-01T00:00Z")),
)

_STRIDE = 6 * DAY  # the shortest stay of an offset in these years: 6.96 days (Boa Vista 2000, Gaza 2040)

_UNASKED = np.empty(0, np.int64), np.empty(0, np.int64)


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
    asked = np.bincount(zone[zone >= 0], minlength=len(names)) > 0
    tables = [offsets(name) if some else _UNASKED for name, some in zip(names, asked, strict=True)]
    starts = np.cumsum([0, *(since.size for since, _ in tables)])
    since, shift = (np.concatenate(column) for column in zip(_UNASKED, *tables, strict=True))
    shifted = at.astype(np.int64, copy=True)
    shift_all(plain(zone), starts, since, shift, shifted)
    return shifted


@kernel
def shift_all(
    zone: Int64Array, starts: Int64Array, since: Int64Array, shift: Int64Array, out: Int64Array
) -> None:
    """Add to `out[i]` what its zone's clock is ahead; those of zone z stand from `starts[z]` on."""
    found = starts.copy()  # of each zone the place found last: the next instant is often near
    for i in range(out.size):
        z = zone[i]
        if z >= 0:
            first, end, k = starts[z], starts[z + 1], found[z]
            if out[i] < since[k] or (k + 1 < end and out[i] >= since[k + 1]):
                k = first + max(np.searchsorted(since[first:end], out[i], side="right") - 1, 0)
                found[z] = k
            out[i] += shift[k]


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
