"""FactColumns: facts that come batch by batch in any order, put into the ledger's a column at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...facts import QUANTITIES, WORDS, Facts
from ..fact_book import Batch, News, batch_of

_KINDS = {name: column.dtype for name, column in batch_of(()).items()}
_PLAIN = ("lead", "agent", "time", "seen", "bits", "sign")
_RARE = ("sentiment", "talk_ratio", "interruptions", "silence_s", "promise", "first_seen")
"""Columns that are left out where no fact says anything in them."""


class FactColumns:
    """What FactBook is to news; facts that are told at once keep the order in which they were added."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in _KINDS if name != "unit"}
        self._said = {name for name in _KINDS if name not in _RARE}

    def add(self, batch: Batch) -> None:
        """Add the facts of a batch; columns that it lacks have their defaults."""
        size = len(batch["lead"])
        for name, pieces in self._pieces.items() if size else ():
            piece = batch.get(name)
            if name in _RARE and piece is not None and not _says_nothing(name, piece):
                self._said.add(name)
            pieces.append(_nothing(name, size) if piece is None else piece.astype(_KINDS[name], copy=False))

    def facts(self) -> Facts:
        """All facts in the order in which they became known; the pieces are let go."""
        known, seq = self._taken("known"), self._taken("seq")
        order = np.lexsort((seq, known))
        del known, seq
        names = [name for name in self._pieces if name in self._said]
        columns = {name: self._taken(name)[order] for name in names}
        plain = {name: columns.pop(name) for name in _PLAIN}
        quantities = {name: columns[name] for name in QUANTITIES if name in columns}
        words = {name: columns[name] for name in WORDS if name in columns}
        return Facts(**plain, quantities=quantities, words=words)

    def _taken(self, name: str) -> NDArray[Any]:
        return np.concatenate([np.empty(0, _KINDS[name]), *self._pieces.pop(name)])


def _says_nothing(name: str, column: NDArray[Any]) -> bool:
    return bool(np.all(column == -1 if name in WORDS else np.isnan(column)))


def _nothing(name: str, size: int) -> NDArray[Any]:
    """The column's default as a view of one value: until somebody speaks, rare columns cost nothing."""
    return np.broadcast_to(np.array(News._field_defaults[name], _KINDS[name]), size)
