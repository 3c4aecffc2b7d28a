"""Gathered: columns that come piece by piece, joined one at a time when they are wanted whole."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...kernel import Int64Array


class Gathered:
    """Equally long columns; joining one lets its pieces go, so that no more than one is there twice."""

    def __init__(self, kinds: Mapping[str, DTypeLike]) -> None:
        self._kinds = kinds
        self._pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in kinds}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, **pieces: NDArray[Any]) -> None:
        """Add rows to every column."""
        for name, kind in self._kinds.items():
            self._pieces[name].append(np.asarray(pieces[name]).astype(kind, copy=False))
        self._size += len(self._pieces[name][-1])

    def take(self, name: str) -> NDArray[Any]:
        """A column as one array; it is gone from here."""
        pieces = self._pieces.pop(name)
        return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, self._kinds[name]), *pieces])

    def take_all(self, order: Int64Array | None = None) -> dict[str, NDArray[Any]]:
        """Every column that is left, its rows in an order."""
        found: dict[str, NDArray[Any]] = {}
        for name in list(self._pieces):
            column = self.take(name)
            found[name] = column if order is None else column[order]
        return found
