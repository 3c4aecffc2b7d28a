"""Ring: records of leads by their rows, as many as fit; those made first give way."""

import numpy as np
from numpy.typing import NDArray

from features.kernel import Int64Array

Records = NDArray[np.void]
"""Records of one kind, of which the field `row` names the lead."""

NOBODY = -1


class Ring:
    """Records of at most `most` leads; room is made as it is needed."""

    def __init__(self, kind: np.dtype[np.void], most: int) -> None:
        self._most = most
        self._records = _nobodys(1, kind)
        self._place = np.zeros(0, np.int32)
        """Where each lead's last record was written; its field `row` tells whether it is there still."""
        self._written = 0
        """How many records ever were."""

    def of(self, rows: Int64Array) -> Records:
        """A copy of what is kept of each lead; another one's record, or NOBODY's, where nothing is."""
        self._know(rows)
        return self._records.take(self._place.take(rows))

    def keep(self, records: Records) -> None:
        """Write records in place of the oldest ones; of one lead the last counts."""
        records = records[-self._most :]
        ends = self._written + len(records)
        self._reserve(min(ends, self._most))
        places = np.arange(self._written, ends) % self._most
        self._know(records["row"])
        self._records[places] = records
        self._place[records["row"]] = places
        self._written = ends

    def _know(self, rows: Int64Array) -> None:
        """Have a place for each lead."""
        if (leads := int(rows.max(initial=NOBODY)) + 1) > self._place.size:
            more = np.zeros(leads + leads // 4 - self._place.size, np.int32)
            self._place = np.concatenate([self._place, more])

    def _reserve(self, size: int) -> None:
        """Have so many records, and some more."""
        if (missing := size - len(self._records)) > 0:
            more = min(max(missing, len(self._records)), self._most - len(self._records))
            self._records = np.concatenate([self._records, _nobodys(more, self._records.dtype)])


def _nobodys(size: int, kind: np.dtype[np.void]) -> Records:
    records = np.zeros(size, kind)
    records["row"] = NOBODY
    return records
