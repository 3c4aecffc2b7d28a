"""The facts of calls: told in any pieces and any order they are what the slow, obvious twin says."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Outcome
from features.facts import BIT, call_bits, told_bits
from features.store.call_book import CallBook, CallRows
from features.store.call_facts import CREDIT
from features.store.call_news import take_over
from features.store.fact_book import FactBook, batch_of
from features.store.lead_book import LeadBook


class Row(SimpleNamespace):
    """A row as a database gives it: its columns by name, and in their order."""

    @property
    def _fields(self) -> tuple[str, ...]:
        return tuple(vars(self))

    def __iter__(self) -> Iterator[object]:
        return iter(vars(self).values())


class AnyLead:
    """Leads whose keys are their rows."""

    phones = SimpleNamespace(all_of=lambda words: [-1] * len(words))

    def knows(self, key: int) -> bool:
        return key >= 0

    def row_of_key(self, key: int) -> int:
        return key

    def code_of(self, _name: str, _word: str) -> int:
        return 0


ENDED = 2
"""When every call ends."""

ANYBODY = cast("LeadBook", AnyLead())

few = st.integers(0, 4)
"""Instants, few enough that everything coincides now and then."""
outcomes = st.sampled_from([Outcome.NO_ANSWER, Outcome.CONVERTED, Outcome.CONTACT_REFUSED, Outcome.CALLBACK])
call_ids = st.sampled_from("abc")

versions = st.builds(
    lambda call_id, lead, agent, line, event_at, known_at, outcome, talk_s: Row(
        table="call", call_id=call_id, lead=lead, agent=agent, event_at=event_at, known_at=known_at,
        outcome=int(outcome), talk_s=talk_s, wrap_s=None, human_answered=outcome != Outcome.NO_ANSWER,
        abandoned=False,
        started_at=1, ended_at=2, campaign="c", phone_hash=None, caller_hash=line, dialer_id="d", script=None,
    ),
    call_ids, st.sampled_from([0, 0, 1]), st.sampled_from(["joe", "sue", None]),
    st.sampled_from([None, "+1"]), few, few, outcomes, st.sampled_from([0.0, 40.1]),
)  # fmt: skip
dispositions = st.builds(
    lambda call_id, event_at, known_at, outcome, value: Row(
        table="disposition", call_id=call_id, event_at=event_at + 1, known_at=known_at,
        disposition=int(outcome), converted=outcome == Outcome.CONVERTED, value=value, next_at=None,
    ),
    call_ids, few, few, outcomes, st.sampled_from([None, 55.0]),
)  # fmt: skip
sales = st.builds(
    lambda lead, at, known_at: Row(
        table="sale", lead=lead, at=at, known_at=known_at, value=70.0, cancelled=False
    ),
    st.sampled_from([0, 1]), few, few,
)  # fmt: skip
scores = st.builds(
    lambda call_id, event_at, known_at, sentiment: Row(
        table="score", call_id=call_id, event_at=event_at, known_at=known_at, sentiment=sentiment,
        talk_ratio=None, interruptions=None, silence_s=2.5,
    ),
    call_ids, few, few, st.sampled_from([None, 0.5]),
)  # fmt: skip


@st.composite
def stories(draw: st.DrawFn) -> list[list[Row]]:
    """Tellings in pieces, numbered in the order of arrival; nothing is told of a call before the call."""
    told = draw(
        st.lists(st.one_of(versions, versions, dispositions, dispositions, sales, scores), max_size=9)
    )
    known: set[str] = set()
    kept = []
    for number, row in enumerate(told, start=1):
        row.seq, row.event_id = number, f"e{number}"
        if row.table == "call":
            known.add(row.call_id)
        if row.table == "sale" or row.call_id in known:
            kept.append(row)
    cuts = sorted(draw(st.lists(st.integers(0, len(kept)), max_size=3)))
    return [kept[a:b] for a, b in zip([0, *cuts], [*cuts, len(kept)], strict=True)]


def followed_in(pieces: Sequence[Sequence[Row]]) -> tuple[CallBook, FactBook]:
    """Calls and their facts, told in pieces."""
    calls, facts = CallBook(), FactBook()
    before: list[Row] = []
    for piece in pieces:
        again = {row.call_id for row in piece if row.table == "call"}
        before += piece
        of = {name: [row for row in piece if row.table == name] for name in ("disposition", "sale", "score")}
        told = [row for row in before if row.table == "call" and row.call_id in again]
        rows = cast("Any", (told, of["disposition"], of["sale"], of["score"]))
        update = take_over(calls, CallRows(*rows), ANYBODY)
        facts.learn([*update.batches, batch_of(update.news)], update.rewritten)
    return calls, facts


Key = tuple[int, str | None, str, int, int, str]
"""(lead, agent, line, time, seen, mark or quantity)"""


def weighed(
    who: tuple[int, str | None, str, int, int], sign: int, bits: int, weights: dict[str, float]
) -> Iterator[tuple[Key, float]]:
    """What a fact adds to the sums of each mark and quantity."""
    yield from (((*who, mark), float(sign)) for mark, bit in BIT.items() if bits & bit)
    yield from (((*who, name), sign * float(np.float32(weight))) for name, weight in weights.items())


def summed(weights: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    """Sums other than 0, by whose, when and since when."""
    found: Counter[Key] = Counter()
    for key, weight in weights:
        found[key] += weight  # type: ignore[assignment]
    return {key: round(weight, 3) for key, weight in found.items() if abs(weight) > 1e-9}


def sums_of(calls: CallBook, facts: FactBook) -> dict[Key, float]:
    """The sums of the facts that a book holds."""
    told, agents, lines = facts.facts(), calls.agents, calls.lines

    def of_row(i: int) -> Iterator[tuple[Key, float]]:
        agent = agents.word(told.agent[i]) if told.agent[i] >= 0 else None
        who = (
            int(told.lead[i]),
            agent,
            lines.word(told.words["line"][i]),
            int(told.time[i]),
            int(told.seen[i]),
        )
        weights = {
            name: np.nan_to_num(told.quantities[name][i]) for name in SUMMED if name in told.quantities
        }
        yield from weighed(who, int(told.sign[i]), int(told.bits[i]), weights)

    return summed(one for i in range(len(told)) for one in of_row(i))


SUMMED = ("talk_s", "value", "sentiment", "silence_s")


@dataclass(frozen=True)
class Part:
    """What stands of a call, of its outcome, or of its scores."""

    name: str
    lead: int
    agent: str | None
    line: str
    time: int
    bits: int
    weights: tuple[tuple[str, float], ...] = ()


def twin(told: Sequence[Row]) -> dict[Key, float]:
    """The sums of what became known, instant by instant: what stands no longer is taken back."""
    sums: list[tuple[Key, float]] = []
    stood: dict[Part, int] = {}
    for known in range(5):
        stands = set(standing([row for row in told if row.known_at <= known]))
        for gone in stood.keys() - stands:
            sums += of_part(gone, max(known, stood.pop(gone)), -1)
        for new in stands - stood.keys():
            stood[new] = max(known, new.time, ENDED)
            sums += of_part(new, stood[new], 1)
    return summed(sums)


def of_part(part: Part, seen: int, sign: int) -> Iterator[tuple[Key, float]]:
    who = part.lead, part.agent, part.line, part.time, seen
    return weighed(who, sign, part.bits, dict(part.weights))


def standing(told: Sequence[Row]) -> Iterator[Part]:
    """The parts of all calls as these tellings leave them."""
    calls = latest(told, "call", "event_id")
    outcomes = {name: outcome_of(call, latest(told, "disposition").get(name)) for name, call in calls.items()}
    for lead in (0, 1):
        seller, sale = seller_of(lead, told, calls, outcomes)
        if seller is not None:
            outcomes[seller] = Outcome.CONVERTED, True, sale.at, sale.value
    for name, call in calls.items():
        yield from parts(call, outcomes[name], latest(told, "score").get(name))


def latest(told: Sequence[Row], kind: str, tie: str = "seq") -> dict[str, Row]:
    mine = sorted(
        (row for row in told if row.table == kind), key=lambda row: (row.event_at, getattr(row, tie))
    )
    return {row.call_id: row for row in mine}


def outcome_of(call: Row, verdict: Row | None) -> tuple[int, bool, int, float]:
    """(disposition, converted, at, value): until a disposition comes the attempt's own."""
    if verdict is None:
        return call.outcome, call.outcome == Outcome.CONVERTED, ENDED, 0.0
    return verdict.disposition, verdict.converted, verdict.event_at, verdict.value or 0.0


def seller_of(
    lead: int, told: Sequence[Row], calls: dict[str, Row], outcomes: dict[str, tuple[int, bool, int, float]]
) -> tuple[str | None, Any]:
    """The contact that the lead's first recorded sale is credited to, and the sale."""
    recorded = [row for row in told if row.table == "sale" and row.lead == lead]
    mine = {name: call for name, call in calls.items() if call.lead == lead}
    if not recorded or any(outcomes[name][1] for name in mine):
        return None, None
    sale = min(recorded, key=lambda row: row.seq)
    contacts = [
        (call.started_at, name)
        for name, call in mine.items()
        if call.human_answered and sale.at - CREDIT < call.started_at <= sale.at
    ]
    return (max(contacts)[1] if contacts else None), sale


def parts(call: Row, outcome: tuple[int, bool, int, float], score: Row | None) -> Iterator[Part]:
    what, sold, at, value = outcome
    answered, who = np.array([call.human_answered]), (call.lead, call.agent, call.caller_hash or "d")
    own = int(call_bits(np.array([call.outcome], np.int8), answered)[0])
    told = int(told_bits(np.array([what], np.int8), answered, np.array([sold]))[0])
    yield Part(f"call {call.call_id}", *who, ENDED, own, (("talk_s", call.talk_s),))
    yield Part(f"outcome {call.call_id}", *who, at, told, (("value", value),))
    if score is not None:
        weights = ("sentiment", score.sentiment or 0.0), ("silence_s", 2.5)
        yield Part(f"score {call.call_id}", *who, score.event_at, BIT["scored"], weights)


@settings(deadline=None, max_examples=400)
@given(pieces=stories())
def test_facts_told_in_any_pieces_are_those_of_the_twin(pieces: list[list[Row]]):
    calls, facts = followed_in(pieces)

    assert sums_of(calls, facts) == twin([row for piece in pieces for row in piece])


@settings(deadline=None, max_examples=200)
@given(pieces=stories(), known=few)
def test_facts_known_by_an_instant_are_those_of_a_book_told_no_more(pieces: list[list[Row]], known: int):
    whole = followed_in(pieces)
    told = [row for piece in pieces for row in piece if row.known_at < known]
    calls = {row.call_id for row in told if row.table == "call"}
    part = followed_in([[row for row in told if row.table == "sale" or row.call_id in calls]])

    until = {key: weight for key, weight in sums_of(*whole).items() if key[4] < known}
    assert until == {key: weight for key, weight in sums_of(*part).items() if key[4] < known}


@settings(deadline=None, max_examples=200)
@given(pieces=stories())
def test_calls_one_by_one_give_what_many_at_a_time_give(pieces: list[list[Row]]):
    """A sale of each lead, too long after to be credited, lets no call be plain."""
    told = [row for piece in pieces for row in piece if row.table != "sale"]
    late = [
        Row(table="sale", lead=lead, at=2 * CREDIT, known_at=0, value=0.0, cancelled=False, seq=90)
        for lead in (0, 1)
    ]

    many, single = followed_in([told]), followed_in([late + told])

    assert rows_of(many[1]) == rows_of(single[1])


def rows_of(facts: FactBook) -> list[tuple[object, ...]]:
    """The facts, in their order."""
    told = facts.facts()
    columns: list[Any] = [
        *(told.lead, told.agent, told.time, told.seen, told.bits, told.sign),
        *(*told.quantities.values(), *told.words.values()),
    ]
    return list(zip(*(np.nan_to_num(column).tolist() for column in columns), strict=True))
