"""Carrying: a log followed stretch by stretch says what the whole one says, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Feature, Moments, Past, compute
from features.carry import Chain, chains_of
from features.facts import BIT
from features.instants import DAY, HOUR, NEVER
from features.leads import AttributeHistory
from features.statistics.rate import Rate
from features.statistics.recency import Recency, Tenure
from features.statistics.window import Count, Sum
from features.stretches import cut
from tests.builders import MONDAY, a_lead, a_lead_table, moments
from tests.features.test_point_in_time import LINES
from tests.strategies import Story, asked, facts_of, instants, seconds, stories, told_pasts

EDGES = tuple(
    line
    for by in ("agent", "everyone", "channel")
    for line in (
        Recency(f"{by}_since_call", by=by),
        Recency(f"{by}_since_answer", by=by, of="answered"),
        Tenure(f"{by}_tenure", by=by, of="answered"),
        Rate(f"{by}_fading", by=by, of="answered", half_life=DAY, prior=(0.3, 2)),
    )
)
WINDOWS = tuple(
    line
    for by in ("agent", "everyone", "channel")
    for line in (
        Count(f"{by}_hour", by=by, within=HOUR, of="answered"),
        Count(f"{by}_answers", by=by, within=NEVER, of="answered"),
        Sum(f"{by}_ever", by=by, within=NEVER, of="talk_s"),
        Recency(f"{by}_since_answer", by=by, of="answered"),
    )
)
"""Lines of actors of many facts: with windows an entry may wait in, and without."""

hours = st.integers(0, 8).map(lambda hour: MONDAY + hour * HOUR)


def an_answer(hour: int, seen: int, sign: int = 1) -> dict[str, float]:
    """An answered call by the agent, or one that is taken back."""
    return {
        "lead": 0, "agent": 0, "time": MONDAY + hour * HOUR, "seen": MONDAY + seen * HOUR, "sign": sign,
        "bits": BIT["calls"] | BIT["answered"], "talk_s": 40.0, "sentiment": 0.0,
        "line": -1, "script": -1, "promise": -1,
    }  # fmt: skip


@st.composite
def disputed(draw: st.DrawFn) -> Past:
    """Calls of one agent within a few hours, told late and taken back later: ties, clashes, new channels."""
    told = []
    for _ in range(draw(st.integers(1, 7))):
        hour, late = draw(st.integers(0, 8)), draw(st.sampled_from([0, 0, 1, 4]))
        fact = an_answer(hour, hour + late) | {"lead": draw(st.integers(0, 1)), "talk_s": draw(seconds)}
        told.append(fact | {"bits": draw(st.sampled_from([BIT["calls"], fact["bits"], fact["bits"]]))})
        if draw(st.booleans()):
            told.append(told[-1] | {"sign": -1, "seen": fact["seen"] + draw(st.integers(0, 5)) * HOUR})
    changes = {"channel": AttributeHistory.of(2, [0, 0], [0, draw(hours)], ["red", "blue"])}
    table = a_lead_table(a_lead(channel="red"), a_lead(channel="blue"))
    return Past(CallLog.empty(), replace(table, changes=changes), facts_of(told))


cuts = st.lists(instants, max_size=5).map(lambda bounds: np.unique(np.array(bounds, np.int64)))


def sizes_of(past: Past) -> dict[str, int]:
    words = {word: int(column.max(initial=-1)) + 1 for word, column in past.facts.words.items()}
    return {"line": 0, "script": 0, **words, "agent": past.agents}


def carried(past: Past, asked: Moments, bounds: np.ndarray, chain: Chain) -> np.ndarray:
    """The chain's columns, in the order of the moments."""
    sizes = sizes_of(past)
    tapes, found = chain.blank(past.leads, sizes), []
    for stretch in cut(past.facts, asked, bounds):
        values, tapes = chain.answer(past.leads, sizes, stretch, tapes)
        found.append(values)
    order = np.argsort(asked.at, kind="stable")
    return np.concatenate(found)[np.argsort(order)]


def agree(past: Past, questions: Moments, bounds: np.ndarray, lines: tuple[Feature, ...]) -> None:
    whole = compute(past, questions, lines).values
    for chain in chains_of(lines):
        ours = carried(past, questions, bounds, chain)
        for place, column in enumerate(chain.columns):
            assert ours[:, place].tobytes() == whole[:, column].tobytes(), lines[column].name


@settings(deadline=None, max_examples=25)
@given(story=stories(), questions=asked, bounds=cuts)
def test_any_cutting_of_a_log_gives_the_columns_of_the_whole(story: Story, questions, bounds):
    agree(story.past(), moments(*questions), bounds, (*LINES, *EDGES))


@pytest.mark.parametrize(
    ("told", "cut_at", "since"),
    [
        ([(0, 0), (1, 1), (2, 2), (2, 4, -1)], 3, 1),
        ([(0, 0), (1, 1), (2, 2), (5, 5), (5, 6, -1), (2, 7, -1), (1, 7, -1)], 4, 0),
        ([(0, 0), (1, 1), (2, 2), (2, 4, -1), (6, 6), (6, 7, -1)], 5, 1),
        ([(0, 0), (0, 1), (1, 1), (0, 4, -1), (1, 5, -1)], 3, 0),
    ],
    ids=[
        "the last",
        "all but the first",
        "one taken back shortly before the cut",
        "one of two at an instant",
    ],
)
def test_a_latest_answer_that_is_taken_back_leaves_the_one_before(
    told: list[tuple[int, ...]], cut_at: int, since: int
):
    past = Past(CallLog.empty(), a_lead_table(a_lead()), facts_of([an_answer(*fact) for fact in told]))
    asked, bounds = moments((0, 0, MONDAY + 9 * HOUR)), np.array([MONDAY + cut_at * HOUR])
    (chain,) = chains_of([Recency("since_answer", by="agent", of="answered"), Count("hours", "agent", HOUR)])

    assert carried(past, asked, bounds, chain)[0, 0] == 9 - since


@settings(deadline=None, max_examples=100)
@given(past=disputed(), at=st.lists(hours, min_size=1, max_size=4), bounds=st.sets(hours, max_size=4))
def test_an_edge_whose_fact_is_taken_back_falls_back_to_the_same_instant(past: Past, at, bounds):
    asked = moments(*[(lead, agent, instant + 1) for instant in at for lead in (0, 1) for agent in (-1, 0)])
    cuts = np.array(sorted(bounds), np.int64)

    agree(past, asked, cuts, EDGES)
    agree(past, asked, cuts, WINDOWS)


@settings(deadline=None, max_examples=25)
@given(past=told_pasts(), questions=asked, bounds=cuts)
def test_any_cutting_of_what_a_store_tells_gives_the_columns_of_the_whole(past: Past, questions, bounds):
    agree(past, moments(*questions), bounds, (*LINES, *EDGES))
