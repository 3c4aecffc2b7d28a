"""Columns: numpy columns that grow at their end, so that following a store copies nothing twice."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class Columns:
    """Equally long columns with room behind; a view of one stays valid until rows are added."""

    def __init__(self, kinds: Mapping[str, DTypeLike]) -> None:
        self._room = {name: np.empty(64, kind) for name, kind in kinds.items()}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The column's rows so far, writable in place."""
        return self._room[name][: self._size]

    def append(self, **rows: ArrayLike) -> None:
        """Add rows to every column; all must be given and equally long."""
        added = {name: np.asarray(rows[name], self._room[name].dtype) for name in self._room}
        count = len(next(iter(added.values())))
        self._reserve(self._size + count)
        for name, column in added.items():
            self._room[name][self._size : self._size + count] = column
        self._size += count

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Keep the marked rows of every column, in their order."""
        for name, column in self._room.items():
            self._room[name] = column[: self._size][rows]
        self._size = int(np.count_nonzero(rows))

    def _reserve(self, size: int) -> None:
        for name, column in self._room.items():
            if column.size < size:
                larger = np.empty(max(size, 2 * column.size), column.dtype)
                larger[: self._size] = column[: self._size]
                self._room[name] = larger


class Records:
    """Columns of whole numbers whose rows lie together: for whoever asks at random for all of a few rows."""

    def __init__(self, names: Sequence[str]) -> None:
        self._place = {name: place for place, name in enumerate(names)}
        self._room = np.empty((64, len(names)), np.int64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """The column's rows so far, writable in place; strided."""
        return self._room[: self._size, self._place[name]]

    def extend(self, size: int, row: Sequence[int]) -> None:
        """Let there be `size` rows; each new one says the same."""
        if size > len(self._room):
            larger = np.empty((max(size, 2 * len(self._room)), len(row)), np.int64)
            larger[: self._size] = self._room[: self._size]
            self._room = larger
        self._room[self._size : size] = row
        self._size = max(size, self._size)


class Codes:
    """Words numbered in order of appearance."""

    def __init__(self) -> None:
        self._code: dict[str, int] = {}
        self._words: list[str] = []

    def __len__(self) -> int:
        return len(self._code)

    def lean(self) -> "Codes":
        """The same without what follows from its words."""
        found = Codes()
        found._words = self._words
        return found

    def whole(self) -> None:
        """Find again what was left out."""
        self._code = dict(zip(self._words, range(len(self._words)), strict=True))

    def of(self, word: str | None) -> int:
        """The word's code, a new one if need be; -1 for None."""
        if word is None:
            return -1
        code = self._code.setdefault(word, len(self._words))
        if code == len(self._words):
            self._words.append(word)
        return code

    def all_of(self, words: Sequence[str | None]) -> list[int]:
        """The code of each word."""
        return [self.of(word) for word in words]

    def known(self, word: str) -> int:
        """The word's code, -1 if it has none."""
        return self._code.get(word, -1)

    def word(self, code: int) -> str:
        """The word of a code."""
        return self._words[code]

    def words(self, codes: Iterable[int]) -> list[str]:
        """The word of each code."""
        return [self._words[code] for code in codes]

    @property
    def levels(self) -> tuple[str, ...]:
        """The words, in the order of their codes."""
        return tuple(self._words)
