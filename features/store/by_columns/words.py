"""Words: a column's words numbered in the order of first appearance, taken in whole columns in any order."""

from collections.abc import Sequence

import numpy as np

from ...columns import Codes
from ...instants import NEVER
from ...kernel import Int64Array
from .stream import Arrow


class Words:
    """What `Codes` gives row by row: codes are provisional while words come, `final` once all are there.

    Words come in stages: those of a later stage are numbered behind all of the stages before.
    """

    def __init__(self) -> None:
        self._heard = Codes()
        self._first = np.empty(0, np.int64)
        """By provisional code, where in its stage the word first stood."""
        self._in_order: list[int] = []
        """Provisional codes of the stages that are over."""

    def add(self, column: Arrow, order: Int64Array) -> Int64Array:
        """Provisional codes of words as `stream.worded` tells them; `order` says where each stands."""
        coded = column.dictionary_encode()
        words = [word[1:] if word else None for word in coded.dictionary.to_pylist()]
        return self._seen(self._codes(words)[coded.indices.to_numpy(zero_copy_only=False)], order)

    def add_words(self, words: Sequence[str | None], order: Int64Array) -> Int64Array:
        """The same of words as they are."""
        return self._seen(self._codes(words), order)

    def settle(self) -> None:
        """End a stage."""
        self._make_room()
        new = np.arange(len(self._in_order), len(self._heard))
        self._in_order += new[np.argsort(self._first[new], kind="stable")].tolist()

    def final(self) -> tuple[Codes, Int64Array]:
        """The words in order, and for each provisional code the final one; the last is that of -1."""
        self.settle()
        codes = Codes()
        codes.all_of([self._heard.word(code) for code in self._in_order])
        places = np.full(len(self._heard) + 1, -1)
        places[self._in_order] = np.arange(len(self._in_order))
        return codes, places

    def _codes(self, words: Sequence[str | None]) -> Int64Array:
        return np.array(self._heard.all_of(words), np.int64)

    def _seen(self, codes: Int64Array, order: Int64Array) -> Int64Array:
        self._make_room()
        said = codes >= 0
        np.minimum.at(self._first, codes[said], order[said])
        return codes

    def _make_room(self) -> None:
        missing = len(self._heard) - self._first.size
        self._first = np.append(self._first, np.full(missing, NEVER))
