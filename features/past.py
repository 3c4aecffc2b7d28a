"""Past: all that a feature may see, and Feature: what each of them promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from .calls import CallLog, Moments
from .entries import News
from .facts import Facts
from .instants import DAY, HOUR, NEVER
from .kernel import Float32Array, Int64Array, plain
from .leads import LeadTable
from .reading import Asked, Reading, arrange, ends_of
from .tape import Spec, Tape, news_of
from .zones import local

By = str
"""Whose past is asked: `lead`, `agent`, `everyone`, a coded field of leads, `line`, `script`, `hour` (of the
lead's day), or several crossed, as in `agent×channel`."""

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
    """The calls and leads of one state of the store, and its facts; tapes are written once and kept.

    `tapes` may be handed on to the past of a later state with the same facts and more behind them.
    """

    log: CallLog
    leads: LeadTable
    told: Facts | None = None
    """The facts where the store knows more of them than the log tells."""
    tapes: dict[tuple[object, ...], Tape] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def facts(self) -> Facts:
        """The news of the floor."""
        return Facts.of(self.log) if self.told is None else self.told

    @cached_property
    def agents(self) -> int:
        """One more than the highest agent's code."""
        return int(self.facts.agent.max(initial=-1)) + 1

    def tape(self, spec: Spec) -> Tape:
        """What each actor's past said after every piece of news."""
        parts = spec.by.split("×")
        key = (spec, tuple(self._stride(part) for part in parts[1:]))
        tape = self.tapes.get(key) or self.tapes.setdefault(key, Tape.empty(spec))
        tape.follow(_Told(self, spec.by), self.groups(spec.by))
        return tape

    def actors(self, by: By, moments: Moments) -> Int64Array:
        """The actor's code for each moment; -1 where there is none or it isn't known."""
        who = Who(moments.lead, moments.agent, moments.at, moments.at)
        return self._crossed(by, [self._part(part, who, moments) for part in by.split("×")])

    def groups(self, by: By) -> int:
        """A number above every actor's code."""
        first, *others = by.split("×")
        return self._size(first) * int(np.prod([self._stride(part) for part in others], dtype=np.int64))

    def actors_of(self, by: By, facts: Facts) -> Int64Array:
        """The actor's code for each fact, by what was known of its lead as it was seen."""
        who = Who(facts.lead, facts.agent, facts.time, facts.seen + 1 if self.leads.changes else facts.seen)
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

    def _in_use(self, word: str, moments: Moments) -> Int64Array:
        """The line or script that the lead's campaign used last, as known at the moment."""
        spec = Spec("campaign", words=("line", "script"))
        tape, group = self.tape(spec), self.actors("campaign", moments)
        asked = arrange(group, moments.at, tape.groups)
        last, first = ends_of(tape, asked) - 1, np.repeat(NEVER, len(moments))
        placed = slice(asked.start[1], asked.start[-2])
        first[placed] = np.repeat(tape.blocks.first, np.diff(asked.start[1:-1]))
        seen, found = last >= first, np.full(len(moments), -1)
        found[asked.row[seen]] = tape.entries.state[last[seen], spec.column(word)]
        return found

    def words_of(self, facts: Facts, spec: Spec) -> dict[str, Int64Array]:
        """What entries keep besides the words that the facts have themselves."""
        kept: dict[str, Int64Array] = {}
        if "agent" in spec.copies:
            kept["agent"] = facts.agent
        who = Who(facts.lead, facts.agent, facts.time, facts.seen + 1)
        if "week_hour" in spec.copies:
            kept["week_hour"] = self.week_hour(who)
        if "day" in spec.copies:
            kept["day"] = np.asarray(self.wall(who) // DAY)
        return kept

    def _size(self, part: str) -> int:
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

    def news(self, rows: slice | Int64Array, group: Int64Array, spec: Spec) -> News:
        facts = self.past.facts.take(rows)
        return news_of(facts, group, spec, self.past.words_of(facts, spec))


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
