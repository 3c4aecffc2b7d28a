"""Ring: records of leads by their rows, as many as fit; those made first give way."""

import numpy as np
from numpy.typing import NDArray

from features.kernel import BoolArray, Int64Array

Kept = NDArray[np.void]
"""Records of one kind, of which the field `row` names the lead."""

NEVER_WRITTEN = 0
"""The place of a lead of which nothing was kept: the first record is nobody's."""


class Ring:
    """Records of at most `most` leads; what was never written takes no memory."""

    def __init__(self, kind: np.dtype[np.void], most: int) -> None:
        self._records = np.zeros(most + 1, kind)
        self._place = np.zeros(0, np.int32)
        """Where each lead's last record was written; its field `row` tells whether it is there still."""
        self._written = 0
        """How many records ever were."""

    def of(self, rows: Int64Array) -> tuple[Kept, BoolArray]:
        """A copy of what is kept of each lead, and whether anything is: otherwise the record is another's."""
        self._know(rows)
        places = self._place.take(rows)
        found = self._records.take(places)
        return found, (places != NEVER_WRITTEN) & (found["row"] == rows)

    def keep(self, records: Kept) -> None:
        """Write records in place of the oldest ones; of one lead the last counts."""
        most = len(self._records) - 1
        records = records[-most:]
        places = np.arange(self._written, self._written + len(records)) % most + 1
        self._know(records["row"])
        self._records[places] = records
        self._place[records["row"]] = places
        self._written += len(records)

    def _know(self, rows: Int64Array) -> None:
        """Have a place for each lead."""
        if (leads := int(rows.max(initial=-1)) + 1) > self._place.size:
            more = np.full(leads + leads // 4 - self._place.size, NEVER_WRITTEN, np.int32)
            self._place = np.concatenate([self._place, more])
