"""Fairness: a floor under the dials that never-tried leads of each source get, kept by what they are owed."""

from dataclasses import dataclass

import numpy as np

from features.kernel import Float64Array, Int64Array

MOST = 0.2
"""All sources' floors together take no more of the dials: many sources share it, each less than its floor."""

CATCH_UP = 2.0
"""A source that is behind gets so many times its share of the slots until it isn't: calls are counted only
once they are told, and leads that are still in a dialer's hands must not be made up for again."""


@dataclass(frozen=True)
class Account:
    """What a campaign's calls of late were spent on."""

    spent: tuple[float, ...] = ()
    """Seconds by arm, 0 where it isn't told."""
    dials: int = 0
    """Of the arms that the model ranks."""
    firsts: tuple[tuple[int, int], ...] = ()
    """(source, how many of those were a lead's first), of sources that had any."""


@dataclass(frozen=True)
class Stocks:
    """Sources that are behind: equally long columns."""

    origin: Int64Array
    """The source's code."""
    size: Int64Array
    """How many of its never-tried leads may be called."""
    owed: Int64Array
    """Dials that it lacks."""
    rate: float = 0.0
    """Share of the slots that each gets."""

    def __len__(self) -> int:
        return int(self.origin.size)


_NOTHING = np.empty(0, np.int64)
NOBODY = Stocks(_NOTHING, _NOTHING, _NOTHING)


def behind(floor: float, account: Account, origin: Int64Array, size: Int64Array, n: int) -> Stocks:
    """Which of the sources with never-tried leads had less than `floor` of the dials, before `n` more."""
    share = min(floor, MOST / max(origin.size, 1))
    firsts = dict(account.firsts)
    had = np.array([firsts.get(code, 0) for code in origin.tolist()], np.int64)
    late = had < share * account.dials
    if not late.any():
        return NOBODY
    owed = np.ceil(share * (account.dials + n)).astype(np.int64) - had
    return Stocks(origin[late], size[late], owed[late], CATCH_UP * share)


def allotted(stocks: Stocks, coins: Float64Array) -> Int64Array:
    """Which stock each slot goes to by its coin in [0, 1), -1 none; never more than it has or is owed."""
    if not len(stocks):
        return np.full(coins.size, -1)
    found = (coins / stocks.rate).astype(np.int64)
    found[found >= len(stocks)] = -1
    for stock, most in enumerate(np.minimum(stocks.size, stocks.owed).tolist()):
        found[np.flatnonzero(found == stock)[most:]] = -1
    return found
