"""FactBook: the facts of the store as growing columns, in the order in which they became known."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..columns import Columns
from ..facts import WORDS, Facts
from ..kernel import Int64Array

_FACTS = {
    "lead": np.int64,
    "agent": np.int64,
    "time": np.int64,
    "seen": np.int64,
    "bits": np.int64,
    "sign": np.int8,
    "talk_s": np.float32,
    "wrap_s": np.float32,
    "handle_s": np.float32,
    "value": np.float64,
    "line": np.int64,
    "script": np.int64,
}
_ORDER = {
    "known": np.int64,  # since when the store knew
    "seq": np.int64,  # the change number of what told it: the order of equal `known`
    "unit": np.int64,  # what the fact belongs to: facts of a unit are rewritten together
}
_RARE = {
    "sentiment": np.float32,
    "talk_ratio": np.float32,
    "interruptions": np.float32,
    "silence_s": np.float32,
    "promise": np.int64,
    "first_seen": np.int64,
}

NEVER_SEEN = int(np.iinfo(np.int64).min)
"""Before everything: the newest fact of a lead that has none."""

_CODED = "agent", "line", "script"
"""Columns of codes: what is kept by code needs room for the highest."""

OF_NOBODY = -1
"""The unit of facts that nothing can change: touches."""

T = TypeVar("T", int, Int64Array)


def of_call(call: T) -> T:
    """The unit of a call and of what was told of it."""
    return 3 * call


def of_scores(call: int) -> int:
    """The unit of a call's voice scores."""
    return 3 * call + 1


def of_promises(lead: int) -> int:
    """The unit of a lead's promised callbacks."""
    return 3 * lead + 2


class News(NamedTuple):
    """One fact, and when and by what it became known."""

    known: int
    seq: int
    unit: int
    lead: int
    agent: int
    time: int
    seen: int
    bits: int
    sign: int = 1
    talk_s: float = 0.0
    wrap_s: float = 0.0
    handle_s: float = 0.0
    value: float = 0.0
    line: int = -1
    script: int = -1
    sentiment: float = np.nan
    talk_ratio: float = np.nan
    interruptions: float = np.nan
    silence_s: float = np.nan
    promise: int = -1
    first_seen: int = -1


Batch = Mapping[str, NDArray[Any]]
"""Facts as columns named like the fields of News; those left out have their defaults."""


def batch_of(news: Sequence[News]) -> Batch:
    """News as columns."""
    kinds = {**_FACTS, **_ORDER, **_RARE}
    columns = zip(*news, strict=True) if news else ((),) * len(News._fields)
    return {name: np.array(column, kinds[name]) for name, column in zip(News._fields, columns, strict=True)}


class FactBook:
    """One row per fact; rows never move while the epoch lasts.

    Facts are added in the order of (`known`, `seq`). News that changes what was known of a unit at an instant
    already told begins another epoch: the unit's facts are replaced, and all stand in their order again.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._newest = Columns({"seen": np.int64})
        """By lead."""
        self._sizes = dict.fromkeys(_CODED, 0)
        """One more than the highest code of each."""
        self._columns = Columns({**_FACTS, **_ORDER})
        self._rare: dict[str, Columns] = {}

    def __len__(self) -> int:
        return len(self._columns)

    def facts(self) -> Facts:
        """The facts as the features see them: views, valid until the next news."""
        columns = {name: self._columns[name] for name in _FACTS}
        columns |= {name: column[name] for name, column in self._rare.items()}
        plain = {name: columns.pop(name) for name in ("lead", "agent", "time", "seen", "bits", "sign")}
        words = {name: columns.pop(name) for name in WORDS if name in columns}
        return Facts(**plain, quantities=columns, words=words)

    def sizes(self) -> Mapping[str, int]:
        """One more than the highest code of an agent, a line, a script, by what they are."""
        return dict(self._sizes)

    def newest_of(self, lead: int) -> int:
        """The latest `seen` of a lead's facts."""
        return int(self._newest["seen"][lead]) if lead < len(self._newest) else NEVER_SEEN

    def learn(self, batches: Sequence[Batch], rewritten: Collection[int] = ()) -> Int64Array:
        """Add facts, in any order, after those of the `rewritten` units were removed; the leads concerned."""
        batches = [batch for batch in batches if len(batch["lead"])]
        if not batches and not rewritten:
            return np.empty(0, np.int64)
        news = _joined(batches)
        leads = np.unique(news["lead"])
        if rewritten:
            news = self._replaced(news, rewritten)
        self._append(
            {name: column[np.lexsort((news["seq"], news["known"]))] for name, column in news.items()}
        )
        return leads

    def _replaced(self, news: Batch, units: Collection[int]) -> dict[str, NDArray[Any]]:
        """The facts of all other units with the news, for a new epoch that begins empty."""
        kept = ~np.isin(self._columns["unit"], np.array(list(units), np.int64))
        names = [*_FACTS, *_ORDER, *self._rare]
        old = {name: self._rare.get(name, self._columns)[name][kept] for name in names}
        self._columns, self._rare = Columns({**_FACTS, **_ORDER}), {}
        self._sizes = dict.fromkeys(_CODED, 0)
        self.epoch += 1
        return _joined([old, news])

    def _append(self, news: Batch) -> None:
        """Add rows to the columns, to a rare one from its first value on."""
        rows, count = len(self), len(news["lead"])
        for name, kind in _RARE.items():
            if name not in self._rare and name in news:
                self._rare[name] = Columns({name: kind})
                self._rare[name].append(**{name: _default(name, rows)})
            if name in self._rare:
                self._rare[name].append(**{name: news.get(name, _default(name, count))})
        self._columns.append(**{name: news[name] for name in (*_FACTS, *_ORDER)})
        for name, size in self._sizes.items():
            self._sizes[name] = max(size, int(news[name].max(initial=-1)) + 1)
        self._remember(news["lead"], news["seen"])

    def _remember(self, lead: Int64Array, seen: Int64Array) -> None:
        missing = int(lead.max(initial=-1)) + 1 - len(self._newest)
        if missing > 0:
            self._newest.append(seen=np.full(missing, NEVER_SEEN))
        np.maximum.at(self._newest["seen"], lead, seen)


def _joined(batches: Sequence[Batch]) -> dict[str, NDArray[Any]]:
    """All rows of the batches, with the columns that any of them has and all that facts must have."""
    named = {name for batch in batches for name in batch}
    named -= {name for name in _RARE if all(_says_nothing(batch, name) for batch in batches)}
    kinds = {**_FACTS, **_ORDER, **{name: kind for name, kind in _RARE.items() if name in named}}
    return {
        name: np.concatenate([np.empty(0, kind), *(_column(batch, name) for batch in batches)], dtype=kind)
        for name, kind in kinds.items()
    }


def _column(batch: Batch, name: str) -> NDArray[Any]:
    return batch[name] if name in batch else _default(name, len(batch["lead"]))


def _says_nothing(batch: Batch, name: str) -> bool:
    return name not in batch or bool(np.all(batch[name] == -1 if name in WORDS else np.isnan(batch[name])))


def _default(name: str, size: int) -> NDArray[Any]:
    default: float = News._field_defaults[name]
    return np.full(size, default, {**_FACTS, **_ORDER, **_RARE}[name])
