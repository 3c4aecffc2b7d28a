"""View: the part of a lineup that one poll may have, as its queue asks for it; what holds back the rest."""

from collections import Counter
from dataclasses import fields
from types import TracebackType
from typing import Self

import numpy as np

from features.instants import HOUR, NEVER, SECOND
from features.kernel import BoolArray, Float64Array, Int32Array, Int64Array
from features.store.lead_book import LeadBook

from .cells import NOWHERE, Cells
from .handout import Order
from .insight import Ahead, RankAge
from .lineup import Lineup
from .ranking.queue import RANKED_ARMS, TRIED, Candidates
from .rows import union
from .settling import DUE, KINDS, STALE
from .verdicts import FREE, WITHHELD

_OUTSIDE = WITHHELD.index("outside_hours")


class View:
    """A `ranking.queue.Field` whose places are slots; who is put aside comes back at its end."""

    def __init__(self, lineup: Lineup, passed: BoolArray | None = None) -> None:
        """Of all leads, or of those (by slot, as many as there is room for) that passed a poll's filters."""
        self.lineup, self.cells, self._untried = lineup, lineup.cells, lineup.untried
        if passed is not None:
            self.cells, self._untried = lineup.cells.only(passed), lineup.untried.only(passed)
        self._aside: list[tuple[Cells, Int64Array, Int32Array]] = []
        self.leads = int(lineup.cells.totals.sum())
        """How many the campaign has, whoever is put aside later."""
        self.filtered = 0
        """How many of them the poll itself doesn't want."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for cells, slots, were in reversed(self._aside):
            cells.move(slots, were.astype(np.int64))

    def put_aside(self, slots: Int64Array) -> None:
        """As if these leads weren't there."""
        for cells in (self.cells, self._untried.cells):
            there = slots[slots < cells.cell.size]
            self._aside.append((cells, there, cells.cell[there].copy()))
            cells.move(there, np.full(there.size, NOWHERE))

    def put_aside_rows(self, rows: Int64Array) -> None:
        """The same of leads by their rows in the ledger, in any order and of any campaign."""
        if rows.size:
            self.put_aside(self.lineup.slots_of(union([rows])))

    def follow(self, slots: Int64Array) -> None:
        """Let leads be where the lineup has them now."""
        if self.cells is not self.lineup.cells:
            self.cells.move(slots, self.lineup.cells.cell[slots].astype(np.int64))
            self._untried.follow(self.lineup.untried, slots)

    @property
    def scored(self) -> bool:
        """Whether a model serves."""
        return self.lineup.terms.bundle is not None

    def waiting(self, arm: int) -> int:
        """How many of an arm may be called, due callbacks aside."""
        return self.cells.number(self._open(FREE + arm))

    def free(self) -> int:
        """How many may be called, those without a score left out."""
        return sum(self.cells.number(self._open(kind)) for kind in range(FREE, STALE))

    def due(self) -> Int64Array:
        """Those whose callback is due, the longest due first."""
        slots = self.cells.among(self._open(DUE))
        return slots[np.lexsort((slots, self.lineup.columns["callback_at"][slots]))] if slots.size else slots

    def first(self, arm: int, most: int) -> Int64Array:
        """The first of an arm."""
        return self.lineup.ladders[arm].first(self.cells, self._open(FREE + arm), most)

    def numbered(self, arm: int, numbers: Int64Array) -> Int64Array:
        """Some of an arm, or of all that the model ranks, numbered as they were stored."""
        arms = self.lineup.terms.plan.policy.drawn if arm == RANKED_ARMS else (arm,)
        return self.cells.numbered(np.concatenate([self._open(FREE + one) for one in arms]), numbers)

    def untried(self) -> tuple[Int64Array, Int64Array]:
        """Of the others that the model ranks those never tried: codes of sources, and how many each has."""
        return self._untried.counts(self.lineup.sites.opening(self.lineup.at))

    def untried_of(self, origin: int, numbers: Int64Array) -> Int64Array:
        """Some of a source's, numbered as they were stored."""
        return self._untried.numbered(self.lineup.sites.opening(self.lineup.at), origin, numbers)

    def origin_of(self, places: Int64Array) -> Int64Array:
        """Codes of leads' sources; TRIED for those that were tried."""
        columns = self.lineup.columns
        return np.where(columns["attempts"][places] == 0, columns["origin"][places], TRIED)

    def index_of(self, places: Int64Array) -> Float64Array:
        """By what the model ranks."""
        return self.lineup.columns["index"][places]

    def score_of(self, places: Int64Array) -> Float64Array:
        """Expected value per second; NaN where no model said."""
        return self.lineup.columns["score"][places]

    def seconds_of(self, places: Int64Array) -> Float64Array:
        """Expected seconds of the dial."""
        return self.lineup.columns["seconds"][places]

    def rows(self, places: Int64Array) -> Int64Array:
        """Their rows in the ledger."""
        return self.lineup.columns["row"][places]

    def unscored(self) -> Int64Array:
        """Those that may be called but for want of a score."""
        return self.cells.among(self._open(STALE))

    def candidates(self) -> Candidates:
        """All who may be called."""
        kinds = [self._open(kind) for kind in range(FREE, KINDS)]
        slots = self.cells.among(np.concatenate(kinds))
        return Candidates(**{one.name: self.lineup.columns[one.name][slots] for one in fields(Candidates)})

    def withheld(self) -> dict[str, int]:
        """How many leads each heading holds back; each counts under the first.

        `filtered` are those that the poll's filters and exclusions leave out: nothing else is said of them.
        """
        held = dict(zip(WITHHELD, self._held().sum(axis=0).tolist(), strict=True))
        return held | ({"filtered": self.filtered} if self.filtered else {})

    def withheld_by_zone(self) -> dict[str, dict[str, int]]:
        """The same by time zone; headings that hold nobody back are left out."""
        found: dict[str, Counter[str]] = {}
        for site, held in enumerate(self._held().tolist()):
            counts = {heading: leads for heading, leads in zip(WITHHELD, held, strict=True) if leads}
            if counts:
                found.setdefault(self._zone(site), Counter()).update(counts)
        return {zone: dict(counts) for zone, counts in found.items()}

    def by_zone(self) -> dict[str, dict[str, int]]:
        """Callable and withheld leads by time zone."""
        held, leads, found = self._held().sum(axis=1), self._counts().sum(axis=1), dict[str, dict[str, int]]()
        for site in np.flatnonzero(leads).tolist():
            told = found.setdefault(self._zone(site), {"callable": 0, "withheld": 0})
            told["callable"] += int(leads[site] - held[site])
            told["withheld"] += int(held[site])
        return found

    def ahead(self, hours: int) -> tuple[Ahead, ...]:
        """Who may be called now and in so many hours, if nothing happens meanwhile."""
        instants, sites = self.lineup.at + HOUR * np.arange(hours), self.lineup.sites
        there = np.flatnonzero(self.cells.cell >= 0)
        after = np.searchsorted(instants, self.lineup.columns["until"][there])
        kinds, width = self.cells.cell[there] // KINDS, hours + 1
        counts = np.bincount(kinds * width + after, minlength=len(sites) * width).reshape(-1, width)
        free = counts.cumsum(axis=1)
        return tuple(self._ahead(int(at), free[:, hour]) for hour, at in enumerate(instants))

    def _ahead(self, at: int, free: Int64Array) -> Ahead:
        """`free`: by site how many leads no rule but the hours of their place holds back by then."""
        found: Counter[str] = Counter()
        for site in np.flatnonzero(self.lineup.sites.open_at(at) & (free > 0)).tolist():
            found[self._zone(site)] += int(free[site])
        return Ahead(at, found.total(), dict(found))

    def rank_age(self) -> RankAge | None:
        """How old the scores are of those who may be called; None where no model serves."""
        if not self.scored:
            return None
        slots = self.cells.among(np.concatenate([self._open(kind) for kind in range(FREE, STALE)]))
        age, waiting = (self.lineup.at - self.lineup.scored_at(slots)) / SECOND, self.unscored().size
        if not slots.size:
            return RankAge(0, waiting, None, None)
        return RankAge(slots.size, waiting, float(np.median(age)), float(age.max()))

    def _zone(self, site: int) -> str:
        return "+".join(self.lineup.sites.zone(site)) or "unknown"

    def _held(self) -> Int64Array:
        """Leads held back by site and heading."""
        counts, closed = self._counts(), self.lineup.sites.closed(self.lineup.at)
        held = counts[:, :FREE].copy()
        held[closed, _OUTSIDE:] = 0
        held[closed, _OUTSIDE] = counts[closed, _OUTSIDE:].sum(axis=1)
        return held

    def next_callable(self) -> int | None:
        """The first instant after now at which a lead that is held back may be allowed."""
        at, opens, columns = self.lineup.at, self.lineup.sites.until(self.lineup.at), self.lineup.columns
        free = self._counts()[:, FREE:].any(axis=1)
        opening = int(opens[free & (opens > at)].min(initial=NEVER))
        told = (columns["until"], columns["site"], self.cells.cell)
        found = self.lineup.freeing.first(*told, opens, at, before=opening)
        return found if found < NEVER else None

    def next_poll(self, given: int) -> int:
        """Seconds until another poll may find more: soon, after an empty one when the next lead frees up."""
        at = self.lineup.at
        frees_up = at if given else self.next_callable()
        return 300 if frees_up is None else min(max((frees_up - at) // SECOND, 5), 300)

    def _open(self, kind: int) -> Int64Array:
        """The cells of a kind at the sites that are open."""
        return self.lineup.sites.opening(self.lineup.at) * KINDS + kind

    def _counts(self) -> Int64Array:
        """Leads by site and kind."""
        sites = len(self.lineup.sites)
        return self.cells.totals[: sites * KINDS].reshape(sites, KINDS)


def passing(lineup: Lineup, book: LeadBook, order: Order) -> View:
    """The leads that pass an order's filters."""
    wanted = {"channel": order.channels, "region": order.regions, "list": order.lists}
    asked = {name: [book.code(name, word) for word in words] for name, words in wanted.items() if words}
    rows, passed = lineup.columns["row"], None
    if asked:
        passed = np.ones(lineup.cells.cell.size, np.bool_)
        for name, codes in asked.items():
            passed[: rows.size] &= np.isin(book.columns[name][rows], codes)
    found = View(lineup, passed)
    named = [row for row in map(book.row, order.exclude) if row is not None]
    found.put_aside_rows(np.array(named, np.int64))
    found.filtered = found.leads - int(found.cells.totals.sum())
    return found
