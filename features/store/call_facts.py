"""The facts of calls told more than once: at each instant what stood then, and what it took back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np

from ..calls import Outcome
from ..facts import BIT, call_bits, told_bits
from ..instants import DAY, NEVER
from .fact_book import News, of_call, of_promises, of_scores

CREDIT = 30 * DAY
"""A sale recorded without a `converted` disposition is a fact of the last contact within this time."""
LONGEST_CREDIT = 365 * DAY
"""The log marks the last contact within this time, the longest horizon of any campaign: `Past.horizon` tells
which sales still count."""


class Version(NamedTuple):
    """A call as one telling said it was; of those known the one with the highest order stands."""

    event_at: int
    event_id: str
    seq: int
    known_at: int
    lead: int
    agent: int
    line: int
    script: int
    started_at: int
    ended_at: int
    outcome: int
    answered: bool
    talk_s: float
    wrap_s: float
    handle_s: float


class Verdict(NamedTuple):
    """What one telling said of a call's outcome; of those known the latest stands."""

    event_at: int
    seq: int
    known_at: int
    disposition: int
    converted: bool
    value: float


class Sale(NamedTuple):
    """A sale recorded from outside the call; of a lead's the one stored first counts."""

    seq: int
    known_at: int
    at: int
    value: float


class Score(NamedTuple):
    """What a voice-analysis tool said of a call; of those known the latest stands."""

    event_at: int
    seq: int
    known_at: int
    sentiment: float
    talk_ratio: float
    interruptions: float
    silence_s: float


class Promised(NamedTuple):
    """A callback agreed on, or its cancellation: then `at` is NEVER."""

    event_at: int
    seq: int
    known_at: int
    at: int
    agent: int

    @property
    def cancelled(self) -> bool:
        """Whether it takes a promise back."""
        return self.at == NEVER


Facts = dict[str, tuple[News, int]]
"""By part of a call the fact that stands, and since when it is seen."""


@dataclass(frozen=True)
class Told:
    """All that was told of one call."""

    call_id: str
    place: int
    versions: Sequence[Version]
    verdicts: Sequence[Verdict]


@dataclass
class _Standing:
    """What stands of a call while one goes through the instants, and the facts told of it so far."""

    told: Told
    version: Version | None = None
    verdict: Verdict | None = None
    facts: Facts = field(default_factory=dict)
    news: list[News] = field(default_factory=list)

    def learn(self, known: int) -> None:
        """Let stand what was known at an instant."""
        self.version = _latest(self.told.versions, known)
        self.verdict = _latest(self.told.verdicts, known)

    def sold(self) -> bool:
        """Whether the call itself says that it sold."""
        if self.version is None:
            return False
        if self.verdict is None:
            return self.version.outcome == Outcome.CONVERTED
        return self.verdict.converted

    def tell(self, known: int, seq: int, sale: Sale | None) -> None:
        """Take back what no longer stands, and tell what does."""
        parts = _parts(self.told.place, self.version, self.verdict, sale)
        self.news += changed(self.facts, parts, known, seq)


def call_news(calls: Sequence[Told], sales: Mapping[int, Sequence[Sale]]) -> dict[int, list[News]]:
    """By place of a call its facts, oldest knowledge first; `sales` by lead.

    Calls that a lead's sale may be credited to must come together.
    """
    standing = [_Standing(told) for told in sorted(calls, key=lambda told: told.call_id)]
    credited: dict[int, Sale] = {}
    for known, told in _by_instant(standing, sales):
        for place in told:
            if place >= 0:
                standing[place].learn(known)
        credits = dict(_credits(standing, sales, known))
        for place in sorted({place for place in told if place >= 0} | credited.keys() | credits.keys()):
            seq = told.get(place, min(told.values()))
            standing[place].tell(known, seq, credits.get(place))
        credited = credits
    return {one.told.place: one.news for one in standing}


def score_news(call: int, versions: Sequence[Version], scores: Sequence[Score]) -> list[News]:
    """The facts of a call's voice scores, oldest knowledge first."""
    facts: Facts = {}
    news: list[News] = []
    for known, seq in _instants([*versions, *scores]):
        version, score = _latest(versions, known), _latest(scores, known)
        parts = {}
        if version is not None and score is not None:
            parts["scored"] = _scored(version, score, call)
        news += changed(facts, parts, known, seq)
    return news


def promise_news(lead: int, promises: Sequence[Promised]) -> list[News]:
    """The facts of a lead's callbacks; one that is told late, after a newer one, names no instant."""
    news: list[News] = []
    latest = -1
    for one in sorted(promises, key=lambda one: (one.known_at, one.seq)):
        fact = News(
            one.known_at, one.seq, of_promises(lead), lead, one.agent, one.event_at,
            max(one.known_at, one.event_at), 0 if one.cancelled else BIT["promised"],
        )  # fmt: skip
        news.append(fact._replace(promise=one.at) if one.event_at >= latest else fact)
        latest = max(latest, one.event_at)
    return news


def changed(facts: Facts, parts: Mapping[str, News], known: int, seq: int) -> Iterator[News]:
    """What a call's parts as they stand now take back of its facts, and add; `facts` follow."""
    for part in [part for part, (fact, _) in facts.items() if parts.get(part) != fact]:
        fact, since = facts.pop(part)
        yield _told(fact, known, seq, since, -1)
    new = [(part, fact) for part, fact in parts.items() if part not in facts]
    for part, fact in new:
        facts[part] = fact, max(known, fact.seen)
    if len(new) == 2 and new[0][1].time == new[1][1].time:
        (_, call), (_, outcome) = new
        yield _told(call._replace(bits=call.bits | outcome.bits, value=outcome.value), known, seq)
    else:
        yield from (_told(fact, known, seq) for _, fact in new)


def _told(fact: News, known: int, seq: int, since: int = 0, sign: int = 1) -> News:
    """The fact as it is told at an instant: it is seen from then on, and not before `since`."""
    seen, first_seen = max(known, fact.seen, since), since if sign < 0 else -1
    return News._make((known, seq, *fact[2:6], seen, fact.bits, sign, *fact[9:-1], first_seen))  # fast


def _parts(
    place: int, version: Version | None, verdict: Verdict | None, sale: Sale | None
) -> dict[str, News]:
    """The facts that a call consists of as it stands: the call, and the outcome if it says anything."""
    if version is None:
        return {}
    outcome, converted, at, value = _outcome(version, verdict, sale)
    bits = _told_table()[version.answered, converted, outcome]
    call = _of(
        version, of_call(place), version.ended_at, _call_table()[version.answered, version.outcome],
        version.talk_s, version.wrap_s, version.handle_s,
    )  # fmt: skip
    if not bits and not value:
        return {"call": call}
    return {"call": call, "outcome": _of(version, of_call(place), at, bits, value=value)}


def _outcome(version: Version, verdict: Verdict | None, sale: Sale | None) -> tuple[int, bool, int, float]:
    """(disposition, converted, at, value) that stands: the sale's, the agent's or the attempt's own."""
    if sale is not None:
        return Outcome.CONVERTED, True, sale.at, sale.value
    if verdict is not None:
        return verdict.disposition, verdict.converted, verdict.event_at, verdict.value
    return version.outcome, version.outcome == Outcome.CONVERTED, version.ended_at, 0.0


def _of(
    version: Version, unit: int, time: int, bits: int,
    talk_s: float = 0.0, wrap_s: float = 0.0, handle_s: float = 0.0, value: float = 0.0,
) -> News:  # fmt: skip
    """A fact of a call as it stands: not seen before it happened and the call had ended."""
    seen = max(time, version.ended_at)
    return News(
        0, 0, unit, version.lead, version.agent, time, seen, bits, 1,
        talk_s, wrap_s, handle_s, value, version.line, version.script,
    )  # fmt: skip


def _scored(version: Version, score: Score, call: int) -> News:
    return _of(version, of_scores(call), score.event_at, BIT["scored"])._replace(
        sentiment=score.sentiment,
        talk_ratio=score.talk_ratio,
        interruptions=score.interruptions,
        silence_s=score.silence_s,
    )


T = TypeVar("T", Version, Verdict, Score)


def _latest(told: Sequence[T], known: int) -> T | None:
    """What stands of the tellings known at an instant; they order themselves."""
    return max((one for one in told if one.known_at <= known), default=None)


def _instants(told: Sequence[Version | Verdict | Score]) -> list[tuple[int, int]]:
    """(known, seq of the first telling) of each instant at which something became known, in order."""
    first: dict[int, int] = {}
    for one in told:
        first[one.known_at] = min(one.seq, first.get(one.known_at, one.seq))
    return sorted(first.items())


def _by_instant(
    standing: Sequence[_Standing], sales: Mapping[int, Sequence[Sale]]
) -> list[tuple[int, dict[int, int]]]:
    """Each instant at which something became known, with the calls told then and the first `seq` of each.

    Sales count as place -1.
    """
    found: dict[int, dict[int, int]] = {}
    for place, one in enumerate(standing):
        for known, seq in _instants([*one.told.versions, *one.told.verdicts]):
            found.setdefault(known, {})[place] = seq
    for sale in (sale for of_lead in sales.values() for sale in of_lead):
        told = found.setdefault(sale.known_at, {})
        told[-1] = min(sale.seq, told.get(-1, sale.seq))
    return sorted(found.items())


def _credits(
    standing: Sequence[_Standing], sales: Mapping[int, Sequence[Sale]], known: int
) -> Iterator[tuple[int, Sale]]:
    """(place of the call, its sale) of each lead whose sale no call of its own tells of."""
    for lead, recorded in sales.items():
        sale = min((sale for sale in recorded if sale.known_at <= known), default=None)
        seller = None if sale is None else _seller(standing, lead, sale.at)
        if sale is not None and seller is not None:
            yield seller, sale


def _seller(standing: Sequence[_Standing], lead: int, at: int) -> int | None:
    """The lead's last contact at most CREDIT before `at`; None without one, or if a call says it sold."""
    contacts = []
    for place, one in enumerate(standing):
        call = one.version
        if call is None or call.lead != lead:
            continue
        if one.sold():
            return None
        if call.answered and at - CREDIT < call.started_at <= at:
            contacts.append((call.started_at, one.told.call_id, place))
    return max(contacts)[-1] if contacts else None


@cache
def _call_table() -> dict[tuple[bool, int], int]:
    """The marks of a call by (answered, outcome)."""
    outcomes = np.arange(len(Outcome), dtype=np.int8)
    return {
        (answered, outcome): int(bits)
        for answered in (False, True)
        for outcome, bits in enumerate(call_bits(outcomes, np.full(outcomes.size, answered)))
    }


@cache
def _told_table() -> dict[tuple[bool, bool, int], int]:
    """The marks of an outcome by (answered, converted, disposition)."""
    outcomes = np.arange(len(Outcome), dtype=np.int8)
    return {
        (answered, converted, outcome): int(bits)
        for answered in (False, True)
        for converted in (False, True)
        for outcome, bits in enumerate(
            told_bits(outcomes, np.full(outcomes.size, answered), np.full(outcomes.size, converted))
        )
    }
