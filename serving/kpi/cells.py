"""Cells: the sums of attempts by day, arm, model version, agent and hour; those of different days add up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from features.kernel import BoolArray, Float64Array, Int64Array
from features.leads import Coded
from features.site import Site

from .attribution import Credits
from .intervals import Figure, Sums
from .report import Accounts, grouped

KEYS = ("policy", "model_version", "agent", "hour")
"""Beside the day; hours are those of the site's clock."""

SUMS = (
    "attempts", "connects", "contacts", "right_parties", "live_answers", "abandoned", "opt_outs", "late",
    "net", "gross", "net_value", "gross_value", "call_s", "talks", "talk_s", "handled", "handle_s",
    "agent_hours",
)  # fmt: skip
"""What is summed of attempts, as `Ledger.quantity` names it."""

UNCLAIMED = ("organic", "organic_value", "outside_window", "outside_window_value")
"""Sales that no attempt can claim, by the day they were made; `outside_window`: called too long before."""


@dataclass(frozen=True)
class Cells:
    """Equally long columns, one row per cell, ordered by day and keys, unknown last."""

    day: Int64Array
    """Of the site's clock, counted from 1970-01-01."""
    words: Mapping[str, Coded]
    """KEYS."""
    sums: Mapping[str, Float64Array]
    """SUMS and UNCLAIMED."""

    def __len__(self) -> int:
        return int(self.day.size)

    def take(self, rows: Int64Array | BoolArray) -> "Cells":
        """Some cells, in the order given."""
        words = {name: Coded(word.levels, word.codes[rows]) for name, word in self.words.items()}
        return Cells(self.day[rows], words, {name: column[rows] for name, column in self.sums.items()})

    def of(self, key: str, word: str) -> BoolArray:
        """The cells that have that word."""
        levels = self.words[key].levels
        return np.asarray(self.words[key].codes == (levels.index(word) if word in levels else -2))

    def total(self, name: str, mine: BoolArray | None = None) -> float:
        """A sum over some cells, or all."""
        return float(self.sums[name].sum() if mine is None else self.sums[name][mine].sum())

    def by(self, group: Int64Array, groups: int, name: str) -> Float64Array:
        """A sum by group."""
        return np.bincount(group, self.sums[name], groups).astype(np.float64)

    @property
    def agent_days(self) -> Int64Array:
        """The agent-day each cell belongs to; calls without an agent share their day."""
        span = int(self.day.max(initial=0)) + 1
        return (self.words["agent"].codes + 1) * span + self.day

    @property
    def hours(self) -> Int64Array:
        """The hour of the site's clock that each cell is of; -1 where there is none."""
        levels = [int(level) for level in self.words["hour"].levels]
        return np.array([*levels, -1], np.int64)[self.words["hour"].codes]

    def ratio(self, of: str, per: str, mine: BoolArray) -> Figure:
        """A sum over another one of some cells, with the delta method's variance over agent-days."""
        units, unit = np.unique(self.agent_days[mine], return_inverse=True)
        one = self.take(mine)
        y, x = (one.by(unit, units.size, name) for name in (of, per))
        return Sums.of(np.zeros(units.size, np.int64), 1, y, x).figures(0)

    def plain(self) -> dict[str, object]:
        """As lists, to be kept."""
        words = {name: [word.levels, word.codes.tolist()] for name, word in self.words.items()}
        sums = {name: column.tolist() for name, column in self.sums.items()}
        return {"day": self.day.tolist(), "words": words, "sums": sums}

    @classmethod
    def read(cls, plain: Mapping[str, object]) -> "Cells":
        """What `plain` wrote."""
        words = cast("Mapping[str, tuple[Sequence[str], Sequence[int]]]", plain["words"])
        sums = cast("Mapping[str, Sequence[float]]", plain["sums"])
        return cls(
            np.array(plain["day"], np.int64),
            {
                name: Coded(tuple(levels), np.array(codes, np.int64))
                for name, (levels, codes) in words.items()
            },
            {name: np.array(column, np.float64) for name, column in sums.items()},
        )


def cells_of(accounts: Accounts, site: Site) -> Cells:
    """Sum what a campaign's accounts count, by the days of its site."""
    ledger = accounts.ledger()
    days, code = np.unique(ledger.days(), return_inverse=True)
    named = Coded(tuple(f"{place:06d}" for place in range(days.size)), code)
    groups, cell = grouped([named, *(ledger.group(key) for key in KEYS)], len(ledger.attempts))
    rows = groups if len(ledger.attempts) else []
    columns = {name: np.nan_to_num(ledger.quantity(name)) for name in SUMS}
    nothing = np.zeros(len(rows))
    attempts = Cells(
        days[[int(words[0] or 0) for words in rows]] if rows else np.empty(0, np.int64),
        {key: _sorted([words[place] for words in rows]) for place, key in enumerate(KEYS, 1)},
        {name: np.bincount(cell, column, len(rows)).astype(np.float64) for name, column in columns.items()}
        | dict.fromkeys(UNCLAIMED, nothing),
    )
    return joined([attempts, _unclaimed(accounts, ledger.credits, site)])


def joined(parts: Iterable[Cells]) -> Cells:
    """The cells of all, ordered by day and keys; no two parts may share one."""
    found = list(parts)
    if not found:
        return _of_days(np.empty(0, np.int64), {})
    words = {key: _sorted([w for part in found for w in _words(part.words[key])]) for key in KEYS}
    day = np.concatenate([part.day for part in found])
    names = (*SUMS, *UNCLAIMED)
    whole = Cells(day, words, {name: np.concatenate([part.sums[name] for part in found]) for name in names})
    last = [np.where(word.codes < 0, len(word.levels), word.codes) for word in words.values()]
    return whole.take(np.lexsort([*reversed(last), day]))


def _unclaimed(accounts: Accounts, credits: Credits, site: Site) -> Cells:
    kept = (credits.unclaimed_at >= accounts.since) & (credits.unclaimed_at < accounts.until)
    days, place = np.unique(site.days(credits.unclaimed_at[kept]), return_inverse=True)
    late, value = credits.unclaimed_late[kept], credits.unclaimed_value[kept]
    amounts = (~late, ~late * value, late, late * value)
    sums = {
        name: np.bincount(place, amount, days.size).astype(np.float64)
        for name, amount in zip(UNCLAIMED, amounts, strict=True)
    }
    return _of_days(days, sums)


def _of_days(days: Int64Array, sums: Mapping[str, Float64Array]) -> Cells:
    """One cell a day, without attempts."""
    nothing = {name: np.zeros(days.size) for name in (*SUMS, *UNCLAIMED)}
    unknown = Coded((), np.full(days.size, -1))
    return Cells(days, dict.fromkeys(KEYS, unknown), {**nothing, **sums})


def _words(word: Coded) -> list[str | None]:
    return [word.levels[code] if code >= 0 else None for code in word.codes.tolist()]


def _sorted(words: Sequence[str | None]) -> Coded:
    """Codes into sorted levels: equal words, equal columns."""
    return Coded.of(words, tuple(sorted({word for word in words if word is not None})))
