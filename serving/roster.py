"""Roster: the leads of the ledger as the calling rules see them, with the leases this worker knows of."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from features.columns import Columns, Records
from features.kernel import Float64Array, Int8Array, Int64Array, kernel, plain
from features.store.lead_book import LeadBook
from features.store.ledger import Ledger

from .abandons import Abandons, Nearness
from .budget import Budget
from .jurisdictions import jurisdictions
from .numbers import Sharers
from .ranking.arms import dealt, places
from .ranking.fairness import Account
from .ranking.policy import Policy
from .roll_call import ANSWERS, Law, OfLeads, OfNumbers, call_roll, find_turns
from .rows import union
from .rule import EARLY, Caps
from .rules.attempts import daily_caps, too_old_from
from .standing import CONVERTED, DNC, OBJECTED, OPEN, Standing
from .tally import Tally

_STOPS = {"dnc": DNC, "objection": OBJECTED, "erased": OBJECTED}


class Held:
    """Who holds what: growing columns over leads or over numbers."""

    def __init__(self) -> None:
        self._columns = Records(("by", "since", "until"))

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def by(self) -> Int64Array:
        """Row of the lead that was leased; -1 before the first lease."""
        return self._columns["by"]

    @property
    def until(self) -> Int64Array:
        """When it ends, as far as is known."""
        return self._columns["until"]

    def make_room(self, size: int) -> None:
        """Room for `size` of them; nobody holds the new ones."""
        self._columns.extend(size, (-1, 0, 0))

    @property
    def since(self) -> Int64Array:
        """Since when; a call that began later ended it."""
        return self._columns["since"]

    def take(self, places: Int64Array, by: Int64Array, since: Int64Array, until: Int64Array) -> None:
        """Leads take these places from an instant until another; of one place the last counts, -1 is none."""
        take(places, by, since, until, self.by, self.since, self.until)

    def let_go(self, at: int) -> Int64Array:
        """Nobody holds anything; return the places of which somebody did at `at`."""
        held = np.flatnonzero(self.until > at)
        self.until[held] = 0
        return held


@kernel
def take(
    places: Int64Array,
    by: Int64Array,
    since: Int64Array,
    until: Int64Array,
    kept_by: Int64Array,
    kept_since: Int64Array,
    kept_until: Int64Array,
) -> None:
    """Let leads have places, one after the other."""
    for i in range(places.size):
        place = places[i]
        if place >= 0:
            kept_by[place], kept_since[place], kept_until[place] = by[i], since[i], until[i]


class Stops:
    """Who is suppressed: why (OPEN if nobody said) and until when; growing columns over leads or numbers."""

    def __init__(self) -> None:
        self._columns = Records(("code", "until"))

    def __len__(self) -> int:
        return len(self._columns)

    def make_room(self, size: int) -> None:
        """Room for `size` of them; the new ones are open."""
        self._columns.extend(size, (OPEN, 0))

    def say(self, place: int, told: Iterable[tuple[str, int]]) -> None:
        """Let (reason, end) be what is told; the one that ends last counts, an objection before a wish."""
        reason, until = max(told, key=lambda one: (one[1], one[0] != "dnc"), default=("", 0))
        self._columns["code"][place] = _STOPS[reason] if until > 0 else OPEN
        self._columns["until"][place] = until

    @property
    def code(self) -> Int64Array:
        """Why."""
        return self._columns["code"]

    @property
    def until(self) -> Int64Array:
        """Until when."""
        return self._columns["until"]


@dataclass
class Roster:
    """Follows a ledger: only what something was told of is worked out anew."""

    ledger: Ledger
    salt: bytes = b""
    """The installation's secret: it decides each lead's arm."""
    _places: dict[str, Columns] = field(default_factory=dict)
    """By experiment every lead's place in it; NaN before it was asked for."""
    _seq: int = -1
    _sizes: tuple[int, int, int] = (0, 0, 0)
    """How many leads, numbers and places it follows."""
    _tally: Tally = field(default_factory=Tally)
    _sharers: Sharers = field(default_factory=Sharers)
    _stopped_leads: Stops = field(default_factory=Stops)
    _stopped_phones: Stops = field(default_factory=Stops)
    _held_leads: Held = field(default_factory=Held)
    _held_phones: Held = field(default_factory=Held)
    _abandons: Abandons = field(default_factory=lambda: Abandons(jurisdictions().abandonments))
    _jurisdictions: Columns = field(
        default_factory=lambda: Columns({"code": np.int64, "abandonment": np.int64})
    )
    _news: list[Int64Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._budget = Budget(self.arms)

    def whole(self) -> None:
        """Find again what a memory doesn't keep."""
        self._budget.arm_of = self.arms

    def follow(self) -> list[int]:
        """Take over what the ledger read since the last time; return the leads whose features changed."""
        if self._seq == self.ledger.seq:
            return []
        leads, calls, touched = self.ledger.leads, self.ledger.calls, self.ledger.take_touched()
        own, rows = leads.columns["phone"], np.unique(np.array(touched, np.int64))
        self._sharers.follow(own, len(leads.phones), rows)
        dialed = self._tally.follow(calls, own, len(leads.phones), rows.tolist())
        self._budget.follow(calls, rows, leads.columns["source"])
        for held, size in ((self._held_leads, len(leads)), (self._held_phones, len(leads.phones))):
            held.make_room(size)
        codes = [_place_code(*place) for place in leads.places(len(self._jurisdictions))]
        places_known = jurisdictions().places
        self._jurisdictions.append(code=codes, abandonment=[places_known[code].abandonment for code in codes])
        self._abandons.follow(calls, rows, leads.columns["place"], self._jurisdictions["abandonment"])
        self._news += [rows, self._sharers.of(dialed), self._stop(), np.array(leads.promised, np.int64)]
        leads.promised.clear()
        self._seq, self._sizes = self.ledger.seq, _sizes(leads)
        return touched

    def take_news(self) -> Int64Array:
        """Rows of leads that may stand otherwise than when this was last asked, ascending."""
        news = union([np.empty(0, np.int64), *self._news])
        self._news.clear()
        return news

    def hold(self, rows: Int64Array | list[int], at: Int64Array | int, until: Int64Array | int) -> None:
        """Remember that somebody holds these leads and their numbers from `at` until an instant."""
        rows = plain(np.asarray(rows, np.int64))
        since, until = _each(at, rows.size), _each(until, rows.size)
        phone = self.ledger.leads.columns["phone"][rows]
        self._held_leads.take(rows, rows, since, until)
        self._held_phones.take(phone, rows, since, until)
        self._news += [rows, self._sharers.of(phone)]

    def held_since(self, rows: Int64Array) -> Int64Array:
        """Since when the last one to hold each lead held it."""
        return self._held_leads.since[rows]

    def hear(self, held: Int64Array) -> Int64Array:
        """Remember who is held by others: (database key, since, until), shape (leads, 3); their rows."""
        if not held.size:
            return np.empty(0, np.int64)
        rows = self.ledger.leads.rows_of_keys(held[:, 0])
        known = rows >= 0
        if known.any():
            self.hold(rows[known], held[known, 1], held[known, 2])
        return rows[known]

    def extend(self, row: int, until: int) -> None:
        """Remember until when a lead is withheld from now on, since the same lease."""
        self._held_leads.until[row] = until
        self._news.append(np.array([row]))
        phone = self.ledger.leads.columns["phone"][row]
        if phone >= 0 and self._held_phones.by[phone] == row:
            self._held_phones.until[phone] = until
            self._news.append(self._sharers.of(np.array([phone])))

    def standing(self, rows: Int64Array, caps: Caps, at: int) -> Standing:
        """How the leads stand at `at`."""
        rows, out = plain(rows), np.empty((len(ANSWERS), rows.size), np.int64)
        law = Law(self._jurisdictions["code"], daily_caps(caps))
        call_roll(rows, at, law, self._of_leads(), self._of_numbers(), out)
        found = dict(zip(ANSWERS, out, strict=True))
        return Standing(
            zones=self.ledger.leads.zone_sets,
            closed=self._closed(rows, found.pop("closed")),
            has_phone=found.pop("has_phone").astype(np.bool_),
            **found,
        )

    def turns_at(self, rows: Int64Array, standing: Standing, caps: Caps, at: int) -> Int64Array:
        """The first instant after `at` at which a rule about the lead alone may change its mind without news.

        Whatever a rule compares `at` with is among these instants; most of the time nothing happens at one.
        """
        instants = (
            standing.last_call_at + caps.min_gap,
            standing.callback_at - EARLY,
            too_old_from(standing, caps),
            standing.not_before,
            standing.leased_until,
        )
        out = np.empty(rows.size, np.int64)
        find_turns(plain(rows), at, instants, self._of_leads(), self._of_numbers(), out)
        return out

    def arms(self, rows: Int64Array, policy: Policy) -> Int8Array:
        """The number of each lead's arm."""
        return dealt(policy, lambda experiment: self._place(experiment, rows))

    def account(self, campaign: int, policy: Policy, at: int) -> Account:
        """What the campaign's calls within the budget time were spent on."""
        return self._budget.account(campaign, policy, at)

    def abandoned(self, campaign: int, cap: float | None, at: int) -> tuple[Nearness, ...]:
        """How near a campaign's dialers are to what may be abandoned; nothing where they never do."""
        return () if cap is None else self._abandons.of(campaign, cap, at)

    def restore(self, held: Iterable[tuple[int, int, int]], at: int) -> None:
        """Know the leases that the database has at `at`, (key of the lead, since, until), and no others."""
        self._news.append(self._held_leads.let_go(at))
        self._news.append(self._sharers.of(self._held_phones.let_go(at)))
        told = np.array(list(held), np.int64).reshape(-1, 3)
        told[:, 1] = np.minimum(told[:, 1], at)
        self.hear(told)

    def _place(self, experiment: str, rows: Int64Array) -> Float64Array:
        """Leads' places in an experiment."""
        kept = self._places.setdefault(experiment, Columns({"place": np.float64}))
        kept.append(place=np.full(len(self.ledger.leads) - len(kept), np.nan))
        new = rows[np.isnan(kept["place"][rows])]
        kept["place"][new] = places(
            self.salt, experiment, (self.ledger.leads.ids[row] for row in new.tolist())
        )
        return np.asarray(kept["place"][rows], np.float64)

    def _of_leads(self) -> OfLeads:
        """Columns that loops read without a look at their ends: so the ledger may not be ahead."""
        if _sizes(self.ledger.leads) != self._sizes:
            raise IndexError("the ledger knows leads, numbers or places that the roster doesn't follow yet")
        told, counted = self.ledger.leads.columns, self._tally.by_lead
        stopped, held = self._stopped_leads, self._held_leads
        return OfLeads(
            phone=told["phone"],
            zone=told["zones"],
            place=told["place"],
            created_at=told["created_at"],
            promised=told["callback_at"],
            promised_at=told["callback_told_at"],
            attempts=counted["attempts"],
            called_at=counted["last"],
            closed=counted["closed"],
            waits_until=counted["not_before"],
            stopped=stopped.code,
            stop_ends=stopped.until,
            held_since=held.since,
            held_until=held.until,
        )

    def _of_numbers(self) -> OfNumbers:
        stopped, held = self._stopped_phones, self._held_phones
        return OfNumbers(self._tally.by_phone, stopped.code, stopped.until, held.since, held.until)

    def _closed(self, rows: Int64Array, told: Int64Array) -> Int8Array:
        """A sale on record closes whoever nothing else does, whether or not anybody ever called them."""
        closed, sales = told.astype(np.int8), self.ledger.calls.sales
        sold = sales.keys() & set(rows[closed == OPEN].tolist()) if sales else ()
        if sold:
            closed[(closed == OPEN) & np.isin(rows, list(sold))] = CONVERTED
        return closed

    def _stop(self) -> Int64Array:
        """Take over what was told of suppressions, and what waited for new leads and numbers; the leads."""
        leads, found = self.ledger.leads, list[Int64Array]()
        subjects = [*leads.stopped, *_waiting(leads, len(self._stopped_leads), len(self._stopped_phones))]
        self._stopped_leads.make_room(len(leads))
        self._stopped_phones.make_room(len(leads.phones))
        for subject in subjects:
            kind, name = subject.split(":", 1)
            place = leads.phones.known(name) if kind == "phone" else leads.row(name)
            if place is not None and place >= 0:
                stops = self._stopped_phones if kind == "phone" else self._stopped_leads
                stops.say(place, leads.suppressions_of(subject))
                one = np.array([place])
                found.append(self._sharers.of(one) if kind == "phone" else one)
        leads.stopped.clear()
        return np.concatenate([np.empty(0, np.int64), *found])


def _sizes(leads: LeadBook) -> tuple[int, int, int]:
    return len(leads), len(leads.phones), leads.place_count


def _each(instant: Int64Array | int, leads: int) -> Int64Array:
    """One for each lead."""
    return plain(instant) if isinstance(instant, np.ndarray) else np.full(leads, instant)


def _waiting(leads: LeadBook, known_leads: int, known_phones: int) -> list[str]:
    """Suppressed subjects among the leads and numbers that are new."""
    suppressed = leads.suppressed
    if not suppressed:
        return []
    named = [f"lead:{name}" for name in leads.ids[known_leads:]]
    numbered = [f"phone:{leads.phones.word(code)}" for code in range(known_phones, len(leads.phones))]
    return [subject for subject in (*named, *numbered) if subject in suppressed]


@lru_cache(maxsize=65536)
def _place_code(country: str, region: str, number: str) -> int:
    return jurisdictions().code(country or None, region or None, number or None)
