"""Numbers: who shares a telephone number, so that what befalls it finds all its leads."""

import numpy as np

from features.columns import Columns
from features.kernel import Int64Array, kernel

NOBODY = -1


class Sharers:
    """The leads of each number, as chains that grow at their heads."""

    def __init__(self) -> None:
        self._leads = Columns({"phone": np.int64, "next": np.int64})
        self._phones = Columns({"head": np.int64})

    def follow(self, own: Int64Array, phones: int, touched: Int64Array) -> None:
        """Take in new leads, and those of the touched ones that have another number now."""
        self._phones.append(head=np.full(phones - len(self._phones), NOBODY))
        old = touched[touched < len(self._leads)]
        moved = old[self._leads["phone"][old] != own[old]]
        new = np.arange(len(self._leads), own.size)
        self._leads.append(phone=np.full(new.size, NOBODY), next=np.full(new.size, NOBODY))
        phone, following, head = self._leads["phone"], self._leads["next"], self._phones["head"]
        leave(moved, phone, following, head)
        join(np.concatenate([moved, new]), own, phone, following, head)

    def of(self, phones: Int64Array) -> Int64Array:
        """The leads with any of these numbers, each number given once; -1 is nobody's."""
        found = np.empty(16 + 2 * phones.size, np.int64)
        count = 0
        while (count := gather(phones, self._leads["next"], self._phones["head"], found)) > found.size:
            found = np.empty(count, np.int64)
        return found[:count]


@kernel
def join(
    rows: Int64Array, own: Int64Array, phone: Int64Array, following: Int64Array, head: Int64Array
) -> None:
    """Put each lead at the head of its number's chain."""
    for i in range(rows.size):
        row = rows[i]
        phone[row] = own[row]
        if own[row] >= 0:
            following[row] = head[own[row]]
            head[own[row]] = row


@kernel
def leave(rows: Int64Array, phone: Int64Array, following: Int64Array, head: Int64Array) -> None:
    """Take each lead out of its number's chain."""
    for i in range(rows.size):
        row, number = rows[i], phone[rows[i]]
        if number < 0:
            continue
        if head[number] == row:
            head[number] = following[row]
        else:
            before = head[number]
            while following[before] != row:
                before = following[before]
            following[before] = following[row]


@kernel
def gather(phones: Int64Array, following: Int64Array, head: Int64Array, out: Int64Array) -> int:
    """Fill `out` with the leads of these numbers as far as it goes; return how many there are."""
    count = 0
    for i in range(phones.size):
        row = head[phones[i]] if phones[i] >= 0 else NOBODY
        while row >= 0:
            if count < out.size:
                out[count] = row
            count += 1
            row = following[row]
    return count
