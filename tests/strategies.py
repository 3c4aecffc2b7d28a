"""Strategies: pasts as hypothesis draws them, rich in ties, late news and facts at the very moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from features import CallLog, Moments, Outcome, Past
from features.facts import BIT, Facts
from features.instants import DAY, HOUR, NEVER
from tests.builders import MONDAY, Call, CallFacts, Lead, a_lead, a_lead_table, a_log, moments

GRID = [MONDAY + days * DAY for days in (-120, -90, -30, -7, -2, -1, 0, 1)] + [
    MONDAY + hours * HOUR for hours in (-12, -6, -1, 1, 6, 12)
]
"""Few instants, a window's length apart: ties and window edges come by themselves."""

NEAR = st.sampled_from([-1, 0, 0, 0, 1])
instants = st.builds(int.__add__, st.sampled_from(GRID), NEAR)
"""Instants of the grid, or a microsecond beside one."""

delays = st.sampled_from([0, 0, 0, 1, HOUR, DAY, 30 * DAY, -HOUR])
"""From an event to its being known; a sender's clock may run ahead."""

outcomes = st.sampled_from([int(outcome) for outcome in Outcome])
seconds = st.sampled_from([0.0, 1.5, 40.0, 333.3])

TOLD_MARKS = ("calls", "answered", "no_answer", "converted", "told", "touches", "inbound", "email", "scored")
WORDS = ("red", "green", "blue")
ZONES = ("Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", None)
words = st.sampled_from([*WORDS, None])


@st.composite
def calls(draw: st.DrawFn, leads: int = 3, agents: int = 3) -> Call:
    """A call; its disposition, if any, comes at or after its end and may be known later still."""
    ended_at = draw(instants)
    facts = CallFacts(
        known_at=ended_at + draw(delays),
        outcome=draw(outcomes),
        answered=draw(st.booleans()),
        talk_s=draw(seconds),
    )
    agent = draw(st.integers(-1, agents - 1))
    return redisposed(Call(draw(st.integers(0, leads - 1)), agent, ended_at, facts), draw(dispositions()))


@dataclass(frozen=True)
class Verdict:
    """A disposition apart from its call: given so long after the call's end, told so long after that."""

    after: int
    told_after: int
    disposition: int
    value: float


def dispositions() -> st.SearchStrategy[Verdict | None]:
    """A disposition, or none yet."""
    return st.none() | st.builds(
        Verdict, st.sampled_from([0, 0, HOUR, DAY, -HOUR]), delays, outcomes, seconds
    )


def redisposed(call: Call, verdict: Verdict | None) -> Call:
    """The call with this disposition instead of its own."""
    disposed_at = NEVER if verdict is None else call.ended_at + verdict.after
    facts = CallFacts(
        disposed_at=disposed_at,
        disposed_known_at=NEVER if verdict is None else disposed_at + verdict.told_after,
        disposition=-1 if verdict is None else verdict.disposition,
        converted=verdict is not None and verdict.disposition == Outcome.CONVERTED,
        value=0.0 if verdict is None else verdict.value,
    )
    return replace(call, facts=call.facts | facts)


numbers = st.lists(st.tuples(instants, st.floats(-1e6, 1e6, width=32)), max_size=3)
colours = st.lists(st.tuples(instants, st.sampled_from(WORDS)), max_size=3)

leads = st.builds(
    lambda created_at, value, source, region, zone, income, colour: a_lead(
        created_at,
        value,
        {"income": income, "colour": colour},
        channel="web_form",
        source=source,
        region=region,
        list=source,
        zone=zone,
    ),
    instants, seconds, words, words, st.sampled_from(ZONES), numbers, colours,
)  # fmt: skip
"""Leads with words, a zone, and histories of the attributes `income` and `colour`."""


@dataclass(frozen=True)
class Story:
    """The parts of a past, so that a test may tell it again with a change."""

    calls: list[Call]
    leads: list[Lead]

    def past(self) -> Past:
        """The story as a past."""
        return Past(a_log(*self.calls), a_lead_table(*self.leads, names=("income", "colour")))


def stories(most: int = 12) -> st.SearchStrategy[Story]:
    """Up to `most` calls to three leads by three agents."""
    return st.builds(Story, st.lists(calls(), max_size=most), st.lists(leads, min_size=3, max_size=3))


@st.composite
def tellings(draw: st.DrawFn) -> list[dict[str, float]]:
    """A fact as a store tells it, perhaps taken back later, and perhaps told otherwise then."""
    time = draw(instants)
    seen = time + draw(st.sampled_from([0, 0, 1, HOUR, DAY, 30 * DAY]))
    fact = draw(said) | {"lead": draw(st.integers(0, 2)), "time": time, "seen": seen, "sign": 1}
    corrected = draw(st.sampled_from([None, None, 0, HOUR, DAY]))
    if corrected is None:
        return [fact]
    taken_back = fact | {"sign": -1, "seen": seen + corrected, "first_seen": seen}
    return [
        fact,
        taken_back,
        *([fact | draw(said) | {"seen": seen + corrected}] if draw(st.booleans()) else []),
    ]


said = st.fixed_dictionaries(
    {
        "agent": st.integers(-1, 2),
        "bits": st.sets(st.sampled_from(TOLD_MARKS), max_size=4).map(
            lambda marks: sum(BIT[mark] for mark in marks)
        ),
        "talk_s": st.sampled_from([0.0, 1.5, 40.0, 333.3]),
        "sentiment": st.sampled_from([float("nan"), -0.5, 0.25]),
        "line": st.integers(-1, 1),
        "script": st.integers(-1, 1),
        "promise": st.one_of(st.just(-1), instants),
    }
)
"""What a fact bears and names."""


def told_pasts(most: int = 8) -> st.SearchStrategy[Past]:
    """Up to `most` facts of three leads that a store tells, some of them corrected."""
    return st.builds(
        lambda told, who: Past(
            CallLog.empty(),
            a_lead_table(*who, names=("income", "colour")),
            facts_of([fact for facts in told for fact in facts]),
        ),
        st.lists(tellings(), max_size=most),
        st.lists(leads, min_size=3, max_size=3),
    )


def facts_of(rows: Sequence[Mapping[str, float]]) -> Facts:
    """Facts of rows by the names of their columns."""

    def column(name: str, kind: type = np.int64) -> np.ndarray:
        return np.array([row[name] for row in rows], kind)

    lead, agent, time, seen, bits = map(column, ("lead", "agent", "time", "seen", "bits"))
    return Facts(
        lead, agent, time, seen, bits, column("sign", np.int8),
        {name: column(name, np.float64) for name in ("talk_s", "sentiment")},
        {name: column(name) for name in ("line", "script", "promise")}
        | {"first_seen": np.array([row.get("first_seen", -1) for row in rows], np.int64)},
    )  # fmt: skip


asked = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 4), instants), min_size=1, max_size=6)
"""(lead, agent, at) triples; agents 3 and 4 never called."""


def everyone(at: int) -> Moments:
    """Every pair of the three leads with no agent, three known ones and one unheard of, at one instant."""
    return moments(*[(lead, agent, at) for lead in range(3) for agent in (-1, 0, 1, 2, 7)])
