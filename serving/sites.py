"""Sites: the distinct (zones, place) of leads, and which of them are open now: few, asked for all at once."""

import numpy as np

from features.instants import NEVER
from features.kernel import BoolArray, Int64Array

from .jurisdictions import QUARTER
from .numbering import Numbering
from .rule import Caps
from .standing import NEVER_CALLED, OPEN, Standing
from .verdicts import judge_sites

_WIDTH = 1 << 32


class Sites:
    """Numbered in order of appearance; hours change at quarters of an hour, and are asked once in each."""

    def __init__(self) -> None:
        self._pairs = Numbering()
        self._zones: tuple[tuple[str, ...], ...] = ()
        self._asked = (-1, 0)
        self._until = np.empty(0, np.int64)
        self._closed = np.empty(0, np.bool_)
        self._open = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._pairs)

    def of(self, standing: Standing) -> Int64Array:
        """The site of each lead; new ones are numbered."""
        self._zones = standing.zones
        return self._pairs.of(standing.zone * _WIDTH + standing.jurisdiction)

    def zone(self, site: int) -> tuple[str, ...]:
        """The zones of a site; empty where none is known."""
        zone = self._pairs.codes[site] // _WIDTH
        return self._zones[zone] if zone >= 0 else ()

    def closed(self, at: int) -> BoolArray:
        """Which are closed by the hours of their place."""
        self._ask(at)
        return self._closed

    def until(self, at: int) -> Int64Array:
        """When the closed ones may open; 0 for those that are open."""
        self._ask(at)
        return self._until

    def opening(self, at: int, within: int = 0) -> Int64Array:
        """Those that are open, or open within some time."""
        until = self.until(at)
        return np.flatnonzero(until <= at + within) if within else self._open

    def open_at(self, at: int) -> BoolArray:
        """Which are open at an instant to come."""
        return ~judge_sites(self._standing(), Caps(), at).forbidden

    def _ask(self, at: int) -> None:
        asked = at // QUARTER, len(self)
        if asked != self._asked:
            verdicts = judge_sites(self._standing(), Caps(), at)
            self._closed, self._until, self._asked = verdicts.forbidden, verdicts.until, asked
            self._open = np.flatnonzero(verdicts.until <= at)

    def _standing(self) -> Standing:
        """A lead at each site of whom nothing else is known."""
        zone, jurisdiction = np.divmod(np.array(self._pairs.codes, np.int64), _WIDTH)
        nothing = np.zeros(zone.size, np.int64)
        return Standing(
            zones=self._zones, zone=zone, jurisdiction=jurisdiction, attempts=nothing, calls_24h=nothing,
            last_call_at=nothing + NEVER_CALLED, oldest_in_24h=nothing, closed=nothing.astype(np.int8) + OPEN,
            callback_at=nothing + NEVER, not_before=nothing, leased_until=nothing, created_at=nothing,
            has_phone=np.ones(zone.size, np.bool_),
        )  # fmt: skip
