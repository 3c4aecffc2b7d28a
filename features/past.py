"""Past: all that a feature may see, and Feature: what each of them promises."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

import numpy as np

from .calls import CallLog, Moments, News, Outcome, Timeline
from .kernel import Float32Array, Float64Array, Int64Array
from .leads import LeadTable

Actor = Literal["lead", "agent", "campaign", "channel", "source", "list", "region", "everyone"]
"""Whose past is asked: the lead's own, the agent's, or that of all calls that share a word of the lead."""

Stream = Literal["calls", "dispositions"]

_OUTCOMES = {outcome.name.lower(): outcome for outcome in Outcome}
_KNOWN_BY_DISPOSITION = {"converted", "callback", "contact_refused", "contact_no_decision", "do_not_call"}
"""Marks that only the disposition tells; the others the dialer sees itself."""


def stream_of(*marks: str) -> Stream:
    """The stream whose facts tell these marks: the disposition tells a sale, the call itself an answer."""
    return "dispositions" if _KNOWN_BY_DISPOSITION.intersection(marks) else "calls"


@dataclass(frozen=True)
class Past:
    """The calls and leads of one state of the store; regroupings are made once and kept."""

    log: CallLog
    leads: LeadTable
    _kept: dict[tuple[object, ...], object] = field(default_factory=dict, repr=False, compare=False)

    def timeline(self, stream: Stream, by: Actor) -> Timeline:
        """The facts of a stream regrouped by actor."""
        found = self._kept.get((stream, by))
        if not isinstance(found, Timeline):
            actor = self.actors(by, self.log.lead, self.log.agent)
            found = Timeline.of(actor, self.groups(by), *self._times(stream))
            self._kept[stream, by] = found
        return found

    def news(self, stream: Stream, by: Actor) -> News:
        """The facts of a stream regrouped by actor, in the order in which they could be seen."""
        found = self._kept.get(("news", stream, by))
        if not isinstance(found, News):
            actor = self.actors(by, self.log.lead, self.log.agent)
            found = News.of(actor, self.groups(by), *self._times(stream))
            self._kept["news", stream, by] = found
        return found

    def marked(self, stream: Stream, by: Actor, mark: str) -> Float64Array:
        """For each fact of a timeline 1 where it bears the mark (`calls`: all do), else 0; or a quantity."""
        found = self._kept.get((stream, by, mark))
        if not isinstance(found, np.ndarray):
            found = self.mark(mark)[self.timeline(stream, by).rows]
            self._kept[stream, by, mark] = found
        return found

    def kept(self, key: tuple[object, ...]) -> object | None:
        """What a kind of feature derived from a timeline earlier, if anything."""
        return self._kept.get(key)

    def keep(self, key: tuple[object, ...], derived: object) -> None:
        """Keep what was derived from a timeline for as long as this past is used."""
        self._kept[key] = derived

    def actors(self, by: Actor, lead: Int64Array, agent: Int64Array) -> Int64Array:
        """The actor's code for each row of (lead, agent); -1 where there is none."""
        if by == "lead":
            return lead
        if by == "agent":
            return agent
        if by == "everyone":
            return np.zeros(lead.size, np.int64)
        codes = self.leads.coded[by].codes
        return np.where(lead >= 0, codes[lead], -1) if codes.size else np.full(lead.size, -1)

    def groups(self, by: Actor) -> int:
        """How many actors of that kind there are."""
        if by == "lead":
            return len(self.leads)
        if by == "agent":
            return int(self.log.agent.max(initial=-1)) + 1
        return 1 if by == "everyone" else len(self.leads.coded[by].levels)

    def _times(self, stream: Stream) -> tuple[Int64Array, Int64Array]:
        """When each fact of the log happened, and since when it is known.

        A disposition bears its call's marks too, so it tells nothing before the call is known and over.
        """
        log = self.log
        if stream == "calls":
            return log.ended_at, log.known_at
        return log.disposed_at, np.maximum(np.maximum(log.disposed_known_at, log.known_at), log.ended_at)

    def mark(self, mark: str) -> Float64Array:
        """For each call of the log 1 where it bears the mark (`calls`: all do), else 0; or a quantity."""
        log = self.log
        if mark == "calls":
            return np.ones(len(log))
        if mark in _OUTCOMES and mark != "converted":
            told = log.disposition if mark in _KNOWN_BY_DISPOSITION else log.outcome
            return np.asarray(told == _OUTCOMES[mark], np.float64)
        column: Float64Array = np.asarray(getattr(log, mark), np.float64)
        return column


class Feature(Protocol):
    """A value that names one column: equal values give equal columns, and `repr` says all that matters."""

    categorical: ClassVar[bool]

    @property
    def name(self) -> str:
        """The column's name, unique in a catalogue."""

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write what was known strictly before each moment; NaN where nothing was."""
