"""Lineup: a campaign's leads as they stand, kept as news comes in: who may be called first, and why not."""

from dataclasses import dataclass, replace

import numpy as np

from features.columns import Columns
from features.instants import NEVER
from features.kernel import BoolArray, Int64Array
from features.past import Past
from training.bundle import Bundle

from .cells import BLOCK, NOWHERE, Cells
from .draws import COLUMNS, INDEX, Told
from .freeing import Freeing
from .ladder import Ladder
from .later import Asked, later
from .plan import Plan
from .ranking.orders import ORDERS
from .ranking.policy import BY_SCORE
from .ranking.value import value_per_second
from .ranking.waiting import SKIPPED, dearer, index_of
from .roster import Roster
from .rows import sift, union
from .rule import callback_due
from .scores import FRESH_REFRESH, ScoreSheet
from .settling import DUE, KINDS, STALE, STRETCH, Book, Judged, Kept, note, settle, turned
from .sites import Sites
from .standing import Standing
from .untried import Untried
from .verdicts import FREE, judge_leads

USUAL_SECONDS = 60.0
"""What a dial is taken to cost while no model says better."""

AT_ONCE = 16 * BLOCK
"""So many leads are judged at a time."""


_NOBODY = np.empty(0, np.int64)


@dataclass(frozen=True)
class Terms:
    """What a lineup was made for: under others another one is made."""

    campaign: int
    """The campaign's code in the ledger."""
    plan: Plan
    bundle: Bundle | None


class Lineup:
    """One slot per lead of the campaign, in the order of the ledger's rows."""

    def __init__(self, roster: Roster, sheet: ScoreSheet, terms: Terms, at: int) -> None:
        self.terms, self.at = terms, at
        self.version = terms.bundle.version if terms.bundle else ""
        """The bundle's by which its leads are scored, empty without one."""
        self._roster, self._sheet, self.sites = roster, sheet, Sites()
        if terms.bundle is not None:
            sheet.turn_to(terms.bundle)
        self.columns = Columns(
            dict.fromkeys(
                (
                    "row",
                    "site",
                    "until",
                    "turns_at",
                    "callback_at",
                    "created_at",
                    "attempts",
                    "last_call_at",
                    "origin",
                ),
                np.int64,
            )
            | {"arm": np.int8, **dict.fromkeys(("score", "index", "seconds"), np.float64)}
        )
        self.cells, self.freeing = Cells(np.empty(0, np.int32), 0), Freeing()
        self._drawn = np.isin(np.arange(KINDS + 1) - FREE, terms.plan.policy.drawn)
        """By kind whether its leads are drawn by their scores; the last place is NOWHERE's."""
        self.untried = Untried(terms.plan.policy.fairness_floor > 0)
        self.ladders = tuple(Ladder() for _ in terms.plan.policy.arms)
        """By arm."""
        self._earliest = np.empty(0, np.int64)
        """By stretch the first instant at which one of its leads turns, or an earlier one."""
        self._news: list[Int64Array] = []
        self._sifted: tuple[Int64Array, Int64Array] | None = None
        """What `_sift` said of all that was heard so far."""
        self._price, self._priced_at = 0.0, 0
        """What a second of an agent is worth, where leads may wait: about the index of who is called last."""
        self._open(np.flatnonzero(roster.ledger.leads.columns["campaign"] == terms.campaign))

    def hear(self, rows: Int64Array) -> None:
        """These leads, by ascending rows, may stand otherwise."""
        if rows.size:
            self._news.append(rows)
            self._sifted = None

    def holds(self, terms: Terms, at: int) -> bool:
        """Whether it can be brought to `at` under those terms."""
        new = self._sift()[0]
        last = int(self.columns["row"][-1]) if len(self.columns) else -1
        return (
            (self.terms.campaign, self.terms.plan) == (terms.campaign, terms.plan)
            and self.terms.bundle is terms.bundle
            and at >= self.at
            and (not new.size or int(new[0]) > last)
        )

    def follow(self, at: int) -> None:
        """Judge anew whoever there is news of, and whose turn came with time: news until they are judged."""
        self.at = max(at, self.at)
        (new, slots), self._sifted = self._sift(), None
        turned = self._turned()
        self.hear(self.columns["row"][turned])
        if self._news:
            if new.size:
                self._open(new)
            self._judge(union([slots, turned]))
            self._news.clear()

    def described(self, slots: Int64Array) -> Told:
        """What goes on record of leads that a queue looked at."""
        rows = self.columns["row"][slots]
        said, worth = self._sheet.of(rows), self.terms.plan.worth
        columns = (
            self._roster.ledger.leads.columns["key"][rows], self.columns["score"][slots], said.p_answer,
            said.p_convert, worth(said.value), self.columns["seconds"][slots], self._sheet.prints_of(rows),
        )  # fmt: skip
        more = {INDEX: self.columns["index"][slots]} if self.terms.plan.policy.timing else {}
        return dict(zip(COLUMNS, columns, strict=True)) | more

    def scored_at(self, slots: Int64Array) -> Int64Array:
        """When those leads' scores were worked out."""
        return np.asarray(self._sheet.scored_at[self.columns["row"][slots]], np.int64)

    def unscored(self, ahead: int) -> Int64Array:
        """Rows of those who may be called now or will be within `ahead`, and will lack a score by then."""
        if self.terms.bundle is None:
            return np.empty(0, np.int64)
        cells = self.sites.opening(self.at, ahead)[:, None] * KINDS + np.arange(FREE, KINDS)
        slots = self.cells.among(cells.ravel())
        return self.columns["row"][slots[self._lacks_score(slots, self.columns["created_at"][slots], ahead)]]

    def score(self, slots: Int64Array, past: Past, seq: int) -> None:
        """Score leads anew; those that only waited for it may be called then."""
        bundle = self.terms.bundle
        assert bundle is not None
        cell = self.cells.cell[slots]
        slots = slots[(cell != NOWHERE) & (cell % KINDS >= FREE)]
        self._sheet.score(past, bundle, self.columns["row"][slots], self.at, seq)
        self._offer(slots)

    def offered(self) -> Int64Array:
        """Rows of those who may be called as far as rules about themselves go, scored or not."""
        return np.asarray(self.columns["row"][self._free()], np.int64)

    def turn_to(self, bundle: Bundle, sheet: ScoreSheet) -> None:
        """Go by another bundle from now on, whose scores of most leads are in a sheet."""
        self.terms, self.version, self._sheet = replace(self.terms, bundle=bundle), bundle.version, sheet
        slots = self._free()
        scored = sheet.scored_at[self.columns["row"][slots]] > 0
        self._offer(slots[scored])
        self._put(slots[~scored], np.full(int(np.count_nonzero(~scored)), STALE))

    def _free(self) -> Int64Array:
        kinds = np.arange(len(self.sites))[:, None] * KINDS + np.arange(FREE, KINDS)
        return self.cells.among(kinds.ravel())

    def _offer(self, slots: Int64Array) -> None:
        """Let those be called who have a score now."""
        self._read_scores(slots)
        if self.terms.plan.policy.timing:
            self._weigh(slots)
        self._climb(slots)
        due = self.columns["callback_at"][slots] < NEVER
        self._put(slots, np.where(due, DUE, FREE + self.columns["arm"][slots]).astype(np.int64))

    def _put(self, slots: Int64Array, kind: Int64Array) -> None:
        """Let leads be of these kinds, NOWHERE of none."""
        site, columns = self.columns["site"][slots], self.columns
        self.cells.make_room(0, len(self.sites) * KINDS)
        self.cells.move(slots, np.where(kind >= 0, site * KINDS + kind, NOWHERE))
        mine = self._drawn[kind] & (columns["attempts"][slots] == 0)
        self.untried.put(slots, site, columns["origin"][slots], mine)

    def _read_scores(self, slots: Int64Array) -> None:
        """Take over what the sheet says, and when it will be too old."""
        rows = self.columns["row"][slots]
        told = self._sheet.of(rows)
        score = value_per_second(
            told.p_answer, told.p_convert, self.terms.plan.worth(told.value), told.seconds
        )
        for name, column in (("score", score), ("index", score), ("seconds", told.seconds)):
            self.columns[name][slots] = column
        ends = self._sheet.stales_at(rows, self.columns["created_at"][slots], self.at)
        self.columns["turns_at"][slots] = np.minimum(self.columns["turns_at"][slots], ends)
        note(slots, self.columns["turns_at"], self._earliest)

    def _climb(self, slots: Int64Array) -> None:
        """Put leads that the model ranks on their ladders."""
        arm = self.columns["arm"][slots]
        for number in self.terms.plan.policy.drawn:
            ours = slots[arm == number]
            self.ladders[number].place(ours, -self.columns["index"][ours], np.zeros(ours.size))

    def _weigh(self, slots: Int64Array) -> None:
        """Work out what leads are worth now beyond their better hours; all leads' price is left in."""
        bundle, plan, score = self.terms.bundle, self.terms.plan, self.columns["score"][slots]
        assert bundle is not None
        some = np.flatnonzero(score >= SKIPPED * self._price)
        slots, rows = slots[some], self.columns["row"][slots[some]]
        told, standing = self._sheet.of(rows), self._roster.standing(rows, plan.caps, self.at)
        asked = Asked(
            self._roster.ledger.past(), rows, self._sheet.saw(rows), standing, told.p_answer, self.at
        )
        found = later(bundle, asked, plan.caps)
        idle, answer = bundle.handle.no_answer, np.maximum(told.p_answer, 1e-9)
        talk = (told.seconds - (1 - told.p_answer) * idle) / answer
        dial = np.stack([told.p_answer, told.p_convert * plan.worth(told.value), talk], axis=1)
        out = np.empty(rows.size)
        index_of(dial, idle, found.answer, found.faded, found.again, self._price, out)
        self.columns["index"][slots] = out + self._price

    def learn_price(self, slots: Int64Array, at: int) -> None:
        """The model's leads were handed out in this order: the last one tells what time is worth."""
        if slots.size and at >= self._priced_at + FRESH_REFRESH:
            self._price, self._priced_at = dearer(self._price, float(self.columns["index"][slots[-1]])), at

    def slots_of(self, rows: Int64Array) -> Int64Array:
        """The slots of those leads, by ascending rows, that have one."""
        mine = self.columns["row"]
        place = np.searchsorted(mine, rows)
        place = place[place < mine.size]
        return np.asarray(place[mine[place] == rows[: place.size]], np.int64)

    def _sift(self) -> tuple[Int64Array, Int64Array]:
        """Of whom there is news of: rows of those of the campaign that lack a slot, slots of the others."""
        if self._sifted is None:
            rows = self._news[0] if len(self._news) == 1 else union([_NOBODY, *self._news])
            out, campaigns = np.empty((2, rows.size), np.int64), self._roster.ledger.leads.columns["campaign"]
            known, new = sift(rows, self.columns["row"], campaigns, self.terms.campaign, out)
            self._sifted = out[1, :new], out[0, :known]
        return self._sifted

    def _open(self, rows: Int64Array) -> None:
        """Give leads their slots, once there is room for all that is kept by slot."""
        first, size = len(self.columns), rows.size
        self.cells.make_room(first + size, 0)
        self.untried.make_room(first + size)
        more = -(-self.cells.cell.size // STRETCH) - self._earliest.size
        self._earliest = np.append(self._earliest, np.full(more, NEVER))
        nothing = np.zeros(size, np.int64)
        self.columns.append(
            **dict.fromkeys(("site", "callback_at", "created_at", "attempts", "last_call_at"), nothing),
            row=rows, until=nothing, origin=nothing, turns_at=nothing + NEVER,
            arm=self._roster.arms(rows, self.terms.plan.policy),
            score=np.full(size, np.nan), index=np.full(size, np.nan), seconds=np.full(size, USUAL_SECONDS),
        )  # fmt: skip
        for begin in range(first, first + size, AT_ONCE):
            self._judge(np.arange(begin, min(begin + AT_ONCE, first + size)))

    def _judge(self, slots: Int64Array) -> None:
        """Ask the rules about leads, and put them where they belong."""
        if not slots.size:
            return
        rows, caps = self.columns["row"][slots], self.terms.plan.caps
        standing = self._roster.standing(rows, caps, self.at)
        verdicts, site = judge_leads(standing, caps, self.at), self.sites.of(standing)
        turns = self._roster.turns_at(rows, standing, caps, self.at)
        judged = Judged(
            verdicts.heading,
            verdicts.until,
            due=callback_due(standing, self.at),
            unscored=self._lacks_score(slots, standing.created_at),
            turns_at=turns,
            ends_at=self._sheet.ends_at(rows, standing.created_at, self.at) if self.terms.bundle else turns,
            site=site,
            callback_at=standing.callback_at,
            created_at=standing.created_at,
            attempts=standing.attempts,
            last_call_at=standing.last_call_at,
        )
        told, columns, kind = self._roster.ledger.leads.columns, self.columns, np.empty(slots.size, np.int64)
        book = Book(told["campaign"], told["erased"], told["source"])
        settle(
            slots, judged, book, self.terms.campaign, Kept._make(columns[name] for name in Kept._fields), kind
        )
        note(slots, columns["turns_at"], self._earliest)
        self.freeing.make_room(len(self.sites), self.cells.blocks.shape[1])
        self.freeing.hold(slots, site, verdicts.until)
        self._put(slots, kind)
        self._order(slots, standing)

    def _lacks_score(self, slots: Int64Array, created_at: Int64Array, ahead: int = 0) -> BoolArray:
        """Who has no score, or one that is too old or will be within `ahead`."""
        if self.terms.bundle is None:
            return np.zeros(slots.size, np.bool_)
        rows, unread = self.columns["row"][slots], np.isnan(self.columns["score"][slots])
        stale = self._sheet.stale(rows, created_at, self.at)
        if ahead:
            stale |= self._sheet.stales_at(rows, created_at, self.at) <= self.at + ahead
        return np.asarray(unread | stale, np.bool_)

    def _order(self, slots: Int64Array, standing: Standing) -> None:
        """Put leads on the ladders that don't go by score."""
        arm = self.columns["arm"][slots]
        for number, one in enumerate(self.terms.plan.policy.arms):
            if one.order == BY_SCORE and self.terms.bundle:
                continue
            mine = arm == number
            told = (standing.created_at[mine], standing.attempts[mine], standing.last_call_at[mine])
            first, second = ORDERS["newest" if one.order == BY_SCORE else one.order](*told)
            self.ladders[number].place(slots[mine], first.astype(np.float64), second.astype(np.float64))

    def _turned(self) -> Int64Array:
        """Who turns by now."""
        out = np.empty(np.count_nonzero(self._earliest <= self.at) * STRETCH, np.int64)
        found = turned(self.columns["turns_at"], self.at, self._earliest, out) if out.size else 0
        return out[:found]
