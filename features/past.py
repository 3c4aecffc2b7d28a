"""Past: all that a feature may see, and Feature: what each of them promises."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from .asked import Asked, arrange, cut
from .calls import CallLog, Moments
from .entries import is_ascending
from .facts import BIT, Facts
from .instants import DAY, HOUR, NEVER
from .kernel import Float32Array, Int64Array, plain
from .leads import LeadTable
from .notes import STRETCH, notes_of, sorted_notes
from .reading import Reading, ends_of
from .spec import Spec
from .tape import Tape
from .zones import local

READ_AT_ONCE = 8_192
"""For so many moments a kept tape is read at a time: their entries are still in the cache for each scan."""

FEW = 8
"""Where there are more than so many times as many actors as moments, only those named are arranged."""

By = str
"""Whose past is asked: `lead`, `agent`, `everyone`, a coded field of leads, `line`, `script`, `hour` (of the
lead's day), or several crossed, as in `agent×channel`."""

IN_USE = Spec("campaign", words=("line", "script"))
"""What tells which line and script a campaign used last: by its calls, not what is told of older ones."""

HORIZON = 30 * DAY
"""How long after a call a sale still counts for it where its campaign says nothing else."""

_MONDAY = 4 * DAY  # 1970-01-01 was a Thursday


class Who(NamedTuple):
    """Rows of whom and when: of moments, or of facts."""

    lead: Int64Array
    agent: Int64Array
    at: Int64Array
    """What the clock says."""
    known: Int64Array
    """Words of a lead that were known strictly before."""


@dataclass(frozen=True)
class Past:
    """The calls and leads of one state of the store, and its facts."""

    calls: CallLog | Callable[[], CallLog]
    """The log, or what makes it for whoever asks: features ask the facts alone."""
    leads: LeadTable
    told: Facts | None = None
    """The facts where the store knows more of them than the log tells."""
    tapes: dict[tuple[object, ...], Tape] | None = field(default=None, repr=False, compare=False)
    """Where tapes are kept once written: for the next question, and for the past of a later state with the
    same facts and more behind them. None: each question writes its own, of a few actors at a time."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """How many agents, lines and scripts there are in all, where that is known: facts may be only some."""
    horizons: Mapping[str, int] = field(default_factory=dict)
    """By campaign how long after a call a sale still counts for it; those not named: HORIZON."""

    of_leads: Callable[[Int64Array], CallLog] | None = field(default=None, repr=False, compare=False)
    """What makes the log of some leads' calls alone, where that is less work than the whole."""

    @cached_property
    def log(self) -> CallLog:
        """The calls, ordered by `ended_at`; to be asked for while the store's state is still this one."""
        return self.calls if isinstance(self.calls, CallLog) else self.calls()

    def log_of(self, leads: Int64Array) -> CallLog:
        """The calls of some leads, ordered by `ended_at`."""
        if self.of_leads is not None:
            return self.of_leads(leads)
        return self.log.take(np.isin(self.log.lead, leads))

    @cached_property
    def facts(self) -> Facts:
        """The news of the floor."""
        return Facts.of(self.log) if self.told is None else self.told

    @cached_property
    def agents(self) -> int:
        """One more than the highest agent's code."""
        return int(self.facts.agent.max(initial=-1)) + 1

    @cached_property
    def horizon(self) -> Int64Array:
        """How long after each call of the log a sale still counts for it, by its campaign."""
        named = [self.horizons.get(word, HORIZON) for word in self.leads.coded["campaign"].levels]
        return np.array([*named, HORIZON])[np.minimum(self.log.campaign, len(named))]

    def tape(self, spec: Spec) -> Tape:
        """What each actor's past said after every piece of news."""
        parts, kept = spec.by.split("×"), {} if self.tapes is None else self.tapes
        key = (spec, tuple(self._stride(part) for part in parts[1:]))
        tape = kept.get(key) or kept.setdefault(key, Tape.empty(spec))
        tape.follow(_Told(self, spec.by), self.groups(spec.by))
        return tape

    def answered_by(self, spec: Spec, actor: Int64Array, at: Int64Array) -> Iterator[tuple[Tape, Asked]]:
        """The moments, each with the tape of its actor: all at once where tapes are kept, else a few actors'.

        A tape is gone once the next one is asked for: it lay in the same place.
        """
        if self.tapes is not None:
            tape = self.tape(spec)
            if FEW * at.size < tape.groups:
                tape, asked = _only_named(tape, actor, at)
            else:
                asked = arrange(actor, at, tape.groups)
            yield from ((tape.of(*some), asked.of(*some)) for some in cut(asked.start, READ_AT_ONCE))
            return
        told, groups = _Told(self, spec.by), self.groups(spec.by)
        notes, tape = sorted_notes(told, spec, groups), Tape.empty(spec)
        asked = arrange(actor, at, groups) if not _are(told, actor, at) else notes.as_asked()
        for first, end in cut(notes.start, STRETCH):
            tape.write(notes.of(first, end), notes.sizes(first, end))
            yield tape, asked.of(first, end)

    def actors(self, by: By, moments: Moments) -> Int64Array:
        """The actor's code for each moment; -1 where there is none or it isn't known."""
        who = Who(moments.lead, moments.agent, moments.at, moments.at)
        return self._crossed(by, [self._part(part, who, moments) for part in by.split("×")])

    def groups(self, by: By) -> int:
        """A number above every actor's code."""
        first, *others = by.split("×")
        return self._size(first) * prod(self._stride(part) for part in others)

    def actors_of(self, by: By, facts: Facts) -> Int64Array:
        """The actor's code for each fact, by what was known of its lead as it was seen."""
        known = facts.grouped() + 1 if self.leads.changes else facts.seen
        who = Who(facts.lead, facts.agent, facts.time, known)
        return self._crossed(by, [self._part(part, who, facts) for part in by.split("×")])

    def _crossed(self, by: By, parts: Sequence[Int64Array]) -> Int64Array:
        if len(parts) == 1:
            return parts[0]
        crossed = parts[0]
        for part, codes in zip(by.split("×")[1:], parts[1:], strict=True):
            crossed = crossed * self._stride(part) + codes
        return np.where(np.minimum.reduce(parts) < 0, -1, crossed)

    def _part(self, part: str, who: Who, of: Moments | Facts) -> Int64Array:
        """One part's codes."""
        if part == "everyone":
            return np.zeros(who.lead.size, np.int64)
        if part in ("lead", "agent"):
            return who.lead if part == "lead" else who.agent
        if part == "hour":
            return self.week_hour(who) % 24
        if part in ("line", "script"):
            return of.words.get(part, _nothing(len(of))) if isinstance(of, Facts) else self._in_use(part, of)
        return self.leads.words(part, who.lead, who.known)

    def week_hour(self, who: Who) -> Int64Array:
        """The hour of the lead's own week, 0 (Monday, midnight) to 167; of UTC for a lead without a zone."""
        return np.asarray((self.wall(who) - _MONDAY) % (7 * DAY) // HOUR)

    def wall(self, who: Who) -> Int64Array:
        """The microseconds on the lead's own clock; on that of UTC for a lead without a zone."""
        zone = self.leads.words("zone", who.lead, who.known)
        return local(who.at, zone, self.leads.coded["zone"].levels)

    @cached_property
    def _campaigns(self) -> Tape:
        return self.tape(IN_USE)

    def _in_use(self, word: str, moments: Moments) -> Int64Array:
        """The line or script that the lead's campaign used last, as known at the moment."""
        tape, group = self._campaigns, self.actors("campaign", moments)
        asked = arrange(group, moments.at, tape.groups)
        last, first = ends_of(tape, asked) - 1, np.repeat(NEVER, len(moments))
        placed = slice(asked.start[1], asked.start[-2])
        first[placed] = np.repeat(tape.blocks.first, np.diff(asked.start[1:-1]))
        seen, found = last >= first, np.full(len(moments), -1)
        found[asked.row[seen]] = tape.entries.state[last[seen], tape.spec.column(word)]
        return found

    def words_of(self, rows: slice | Int64Array, spec: Spec) -> dict[str, Int64Array]:
        """What entries of some facts keep besides the words that the facts have themselves."""
        facts, kept = self.facts, dict[str, Int64Array]()
        if spec == IN_USE:
            calls = facts.bits[rows] & BIT["calls"] > 0
            return {
                name: np.where(calls, facts.words[name][rows], -1)
                for name in spec.words
                if name in facts.words
            }
        if not {"agent", "week_hour", "day"} & set(spec.copies):
            return kept
        who = Who(facts.lead[rows], facts.agent[rows], facts.time[rows], facts.grouped(rows) + 1)
        if "agent" in spec.copies:
            kept["agent"] = who.agent
        if "week_hour" in spec.copies:
            kept["week_hour"] = self.week_hour(who)
        if "day" in spec.copies:
            kept["day"] = np.asarray(self.wall(who) // DAY)
        return kept

    def _size(self, part: str) -> int:
        if part in self.sizes:
            return self.sizes[part]
        if part == "lead":
            return len(self.leads)
        if part == "agent":
            return self.agents
        if part in ("line", "script"):
            return int(self.facts.words.get(part, _nothing(0)).max(initial=-1)) + 1
        return {"everyone": 1, "hour": 24}.get(part) or len(self.leads.coded[part].levels)

    def _stride(self, part: str) -> int:
        """How far apart the codes of a crossed part's neighbours lie: room for twice the actors of now."""
        return 24 if part == "hour" else 1 << max(6, self._size(part).bit_length())


@dataclass(frozen=True)
class _Told:
    """The facts of a past as one kind of actor's tape follows them."""

    past: Past
    by: By

    def __len__(self) -> int:
        return len(self.past.facts)

    def seen(self, rows: slice) -> Int64Array:
        return plain(self.past.facts.seen[rows])

    def groups(self, rows: slice) -> Int64Array:
        return plain(self.past.actors_of(self.by, self.past.facts.take(rows)))

    def notes(self, rows: slice | Int64Array, spec: Spec) -> Int64Array:
        return notes_of(self.past.facts, rows, spec, self.past.words_of(rows, spec))


def _only_named(tape: Tape, actor: Int64Array, at: Int64Array) -> tuple[Tape, Asked]:
    """The tape of those actors alone that few moments name: nobody else is looked at."""
    placed = (actor >= 0) & (actor < tape.groups)
    named = np.unique(actor[placed])
    place = np.where(actor < 0, -1, np.where(placed, np.searchsorted(named, actor), named.size))
    codes = np.append(named, tape.groups)
    return tape.some(named), arrange(place, at, named.size)._replace(codes=codes)


def _are(told: _Told, actor: Int64Array, at: Int64Array) -> bool:
    """Whether moments are the facts' own: of their actors, as they came to be seen."""
    rows = slice(0, len(told))
    own = len(told) == at.size and np.array_equal(at, told.seen(rows)) and is_ascending(at)
    return own and np.array_equal(actor, told.groups(rows))


def _nothing(size: int) -> Int64Array:
    return np.full(size, -1)


@runtime_checkable
class Feature(Protocol):
    """A value that names one column: equal values give equal columns, and `repr` says all that matters."""

    categorical: ClassVar[bool]

    @property
    def name(self) -> str:
        """The column's name, unique in a catalogue."""


@runtime_checkable
class Filled(Feature, Protocol):
    """One that asks leads and clocks."""

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write what was known strictly before each moment; NaN where nothing was."""


@runtime_checkable
class Read(Feature, Protocol):
    """One that is read from its actor's tape, together with all others of that actor."""

    @property
    def by(self) -> By:
        """Whose tape."""

    @property
    def reading(self) -> Reading:
        """What of it."""


@runtime_checkable
class Scanned(Feature, Protocol):
    """One that looks at every entry of its actor's tape that a moment sees: for actors of few facts."""

    @property
    def by(self) -> By:
        """Whose tape."""

    @property
    def sums(self) -> tuple[str, ...]:
        """The marks and quantities of entries that it looks at."""

    @property
    def copies(self) -> tuple[str, ...]:
        """The words of entries that it looks at."""

    def scan(self, tape: Tape, asked: Asked, ends: Int64Array, past: Past, out: Float32Array) -> None:
        """Write `out[i]` for the i-th moment asked, which sees its actor's entries up to `ends[i]`."""
