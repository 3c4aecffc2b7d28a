"""Quantities: what each attempt adds to a sum, and the words by which sums are grouped."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from features.attempts import Attempts, Decisions, Presence, Received
from features.calls import Outcome
from features.instants import DAY, HOUR, NEVER, SECOND
from features.kernel import BoolArray, Float64Array, Int64Array
from features.leads import Coded
from features.zones import local

from .attribution import Credits

CONTACT_S = 10.0
"""A live human for at least so many seconds is a contact."""

LATE = DAY
"""A call told longer than this after its end came late."""

_RIGHT_PARTY = (
    Outcome.CONTACT_REFUSED,
    Outcome.CONTACT_NO_DECISION,
    Outcome.CALLBACK,
    Outcome.CONVERTED,
    Outcome.DO_NOT_CALL,
)
_SILENT = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.DISCONNECTED, Outcome.ERROR)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Counted(Protocol):
    """Attempts that are counted, in their order, whoever keeps what each of them counts for."""

    def __len__(self) -> int: ...

    def quantity(self, name: str) -> Float64Array:
        """What each attempt adds to the sum of that name."""

    def group(self, by: str) -> Coded:
        """The word of each attempt in that dimension."""

    def leads(self) -> Int64Array:
        """The lead of each attempt."""

    def days(self) -> Int64Array:
        """The local day of each attempt's start, counted from 1970-01-01."""

    def ripe(self, at: int) -> BoolArray:
        """Attempts whose conversions can't come any more."""

    def units(self, over: str) -> Int64Array:
        """The independent observation each attempt belongs to; calls without an agent share their day.

        Days are those of the campaign's own clock: a late shift isn't two days of an agent.
        """
        if over == "lead":
            return self.leads()
        if over == "agent_day":
            return agent_days(self.group("agent"), self.days())
        return np.arange(len(self))


def agent_days(agent: Coded, day: Int64Array) -> Int64Array:
    """Numbers of agent-days, in the order of agents' names and days."""
    order = sorted(range(len(agent.levels)), key=agent.levels.__getitem__)
    rank = np.zeros(len(order) + 1, np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[agent.codes] * (int(day.max(initial=0)) + 1) + day


@dataclass(frozen=True)
class Ledger(Counted):
    """Attempts with their credits: every quantity is a float64 column, NaN where a source left it out."""

    attempts: Attempts
    credits: Credits
    decisions: Decisions

    def quantity(self, name: str) -> Float64Array:
        """What each attempt adds to the sum of that name."""
        found: Float64Array = np.asarray(getattr(self, f"_{name}"), np.float64)
        return found

    def group(self, by: str) -> Coded:
        """The word of each attempt in that dimension."""
        if by in ("policy", "model_version"):
            return self._decided(getattr(self.decisions, by))
        if by == "contact_channel":
            return Coded(("call",), np.zeros(len(self.attempts), np.int64))
        if by in ("hour", "weekday"):
            return clock(self.attempts.started_at, self.attempts.words["zone"], by)
        return self.attempts.words[by]

    def __len__(self) -> int:
        return len(self.attempts)

    def leads(self) -> Int64Array:
        """The lead of each attempt, by its number in the store."""
        return self.attempts.lead

    def days(self) -> Int64Array:
        """The local day of each attempt's start, counted from 1970-01-01."""
        zone = self.attempts.words["zone"]
        return local(self.attempts.started_at, zone.codes, zone.levels) // DAY

    def ripe(self, at: int) -> BoolArray:
        """Attempts whose conversions can't come any more."""
        return np.asarray(self.attempts.started_at + self.attempts.horizon <= at)

    def take(self, rows: Int64Array | BoolArray) -> "Ledger":
        """Some attempts, in the order given."""
        return Ledger(self.attempts.take(rows), self.credits.take(rows), self.decisions)

    @cached_property
    def contact(self) -> BoolArray:
        """A live human for at least CONTACT_S; talk that nobody measured counts as long enough."""
        long = np.nan_to_num(self.attempts.talk_s, nan=CONTACT_S) >= CONTACT_S
        return np.logical_and(self.attempts.human, long)

    def _decided(self, words: Coded) -> Coded:
        if len(self.decisions) == 0:
            return Coded((), np.full(len(self.attempts), -1))
        code = np.where(self.credits.decision < 0, -1, words.codes[self.credits.decision])
        return Coded(words.levels, code)

    @property
    def _attempts(self) -> Float64Array:
        return np.ones(len(self.attempts))

    @property
    def _connects(self) -> BoolArray:
        return self.attempts.human | ~np.isin(self.attempts.result, _SILENT)

    @property
    def _contacts(self) -> BoolArray:
        return self.contact

    @property
    def _right_parties(self) -> BoolArray:
        reached: BoolArray = self.attempts.human & np.isin(self.attempts.result, _RIGHT_PARTY)
        return reached

    @property
    def _live_answers(self) -> BoolArray:
        return self.attempts.human | self._abandoned

    @property
    def _abandoned(self) -> BoolArray:
        live: BoolArray = self.attempts.abandoned & (self.attempts.result != Outcome.MACHINE)
        return live

    @property
    def _net(self) -> BoolArray:
        return self.credits.net

    @property
    def _gross(self) -> BoolArray:
        return self.credits.gross

    @property
    def _net_value(self) -> Float64Array:
        return self.credits.net_value

    @property
    def _gross_value(self) -> Float64Array:
        return self.credits.gross_value

    @property
    def _call_s(self) -> Float64Array:
        return (self.attempts.ended_at - self.attempts.started_at) / SECOND

    @property
    def _talks(self) -> BoolArray:
        return self.contact & ~np.isnan(self.attempts.talk_s)

    @property
    def _talk_s(self) -> Float64Array:
        return np.where(self.contact, self.attempts.talk_s, 0.0)

    @property
    def _handled(self) -> BoolArray:
        return self.contact & ~np.isnan(self._handle_s)

    @property
    def _handle_s(self) -> Float64Array:
        total = self.attempts.talk_s + self.attempts.hold_s + self.attempts.wrap_s
        return np.where(self.contact, total, 0.0)

    @property
    def _opt_outs(self) -> BoolArray:
        """Contacts that ended in a wish never to be called again."""
        stopped: BoolArray = self.contact & (self.attempts.result == Outcome.DO_NOT_CALL)
        return stopped

    @property
    def _late(self) -> BoolArray:
        """Calls told longer than LATE after their end."""
        late: BoolArray = self.attempts.known_at - self.attempts.ended_at > LATE
        return late

    @property
    def _unsaid(self) -> BoolArray:
        """Contacts that don't say how long they were handled."""
        unsaid: BoolArray = self.contact & np.isnan(self._handle_s)
        return unsaid

    @property
    def _untold_talk(self) -> BoolArray:
        """Contacts that don't say how long they talked."""
        untold: BoolArray = self.contact & np.isnan(self.attempts.talk_s)
        return untold

    @property
    def _clean(self) -> BoolArray:
        """Calls told in time that say all they should."""
        return ~self._late & ~self._unsaid

    @property
    def _agent_hours(self) -> Float64Array:
        """Power and preview: from dial to the end of wrap. Predictive: talk, hold and wrap."""
        own, wrap = self.attempts, np.nan_to_num(self.attempts.wrap_s)
        handled = np.nan_to_num(own.talk_s) + np.nan_to_num(own.hold_s) + wrap
        return np.where(own.agent_dials, self._call_s + wrap, handled) / 3600


@dataclass(frozen=True)
class Waits:
    """Leads received, with how long each waited; the counterpart of Ledger for measures of leads."""

    received: Received
    at: int

    @property
    def valid(self) -> BoolArray:
        """Leads whose first contact isn't before their receipt."""
        return self.received.first_at >= self.received.received_at

    @property
    def reached(self) -> BoolArray:
        """Leads that somebody did something about."""
        return self.received.first_at < NEVER

    @property
    def waited_s(self) -> Float64Array:
        """Seconds until the first contact, or until `at` where there is none yet."""
        end = np.minimum(self.received.first_at, max(self.at, 0))
        return np.maximum(end - self.received.received_at, 0) / SECOND

    def group(self, by: str) -> Coded:
        """The word of each lead in that dimension; hour and weekday are those of its receipt."""
        if by in ("hour", "weekday"):
            return clock(self.received.received_at, self.received.words["zone"], by)
        return self.received.words.get(by, Coded((), np.full(len(self.received), -1)))


@dataclass(frozen=True)
class Staffing:
    """What agents were doing; the counterpart of Ledger for measures of agents."""

    presence: Presence

    def quantity(self, name: str) -> Float64Array:
        """What each spell adds to the sum of that name."""
        hours = self.presence.seconds / 3600
        return np.where(self.presence.busy, hours, 0.0) if name == "busy_h" else hours

    def group(self, by: str) -> Coded:
        """The word of each spell in that dimension; those of calls and leads are unknown."""
        if by in ("hour", "weekday"):
            return clock(self.presence.start, self.presence.words["zone"], by)
        return self.presence.words.get(by, Coded((), np.full(len(self.presence), -1)))

    def units(self, _over: str) -> Int64Array:
        """The agent-day each spell belongs to, by the site's clock."""
        zone = self.presence.words["zone"]
        days = local(self.presence.start, zone.codes, zone.levels) // DAY
        return agent_days(self.presence.words["agent"], days)


def clock(at: Int64Array, zone: Coded, by: str) -> Coded:
    """The hour (`00` to `23`) or weekday of instants on their site's clock; without a zone UTC."""
    wall = local(at, zone.codes, zone.levels)
    if by == "hour":
        return Coded(tuple(f"{hour:02d}" for hour in range(24)), wall % DAY // HOUR)
    return Coded(WEEKDAYS, (wall // DAY + 3) % 7)
