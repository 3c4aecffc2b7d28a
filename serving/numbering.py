"""Numbering: numbers for codes in order of appearance, looked up for many leads at once."""

import numpy as np

from features.instants import NEVER
from features.kernel import Int64Array


class Numbering:
    """Of the codes that appear at once the least is the first; NEVER is none."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        """By number."""
        self._ascending, self._number = np.array([NEVER]), np.array([-1])

    def __len__(self) -> int:
        return len(self.codes)

    def of(self, codes: Int64Array) -> Int64Array:
        """The number of each code; new ones get theirs."""
        place = self._ascending.searchsorted(codes)
        new = self._ascending[place] != codes
        if np.count_nonzero(new):
            self._add(np.unique(codes[new]))
            place = self._ascending.searchsorted(codes)
        return self._number[place]

    def _add(self, codes: Int64Array) -> None:
        self.codes += codes.tolist()
        told = np.array([*self.codes, NEVER])
        self._number = np.append(np.arange(len(self)), -1)[np.argsort(told)]
        self._ascending = np.sort(told)
