"""Reading: moments in any order, and windows that late news reaches into, against the plainest reckoning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Moments, Past, compute
from features.asked import arrange, cut
from features.catalogue import standing
from features.facts import BIT, Facts
from features.instants import DAY, HOUR, NEVER
from features.kernel import BoolArray, Float64Array
from features.statistics.rate import Rate
from features.statistics.window import Count, Share, Sum
from features.tape import Tape
from tests.builders import MONDAY, a_lead, a_lead_table, a_log, moments
from tests.features.test_tape import AGENTS, LEADS, many_facts

codes = st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 9)), max_size=40)
Window = Count | Sum | Share
WINDOWS = (HOUR, DAY, 7 * DAY, NEVER)
LINES: tuple[Window, ...] = tuple(
    line
    for by in ("lead", "agent", "everyone")
    for within in WINDOWS
    for line in (
        Count(f"{by}_answers_{within}", by, within, "answered"),
        Sum(f"{by}_talk_{within}", by, within, "talk_s"),
        Share(f"{by}_share_{within}", by, within, "answered", (0.3, 2)),
    )
)


def some_moments(rng: np.random.Generator, size: int) -> Moments:
    """Moments of every lead and agent, one of them unheard of, in any order."""
    at = int(many_facts(rng, 1).time[0]) + rng.integers(-DAY, 20 * DAY, size)
    return Moments(rng.integers(0, 3, size), rng.integers(0, AGENTS + 1, size), at)


@settings(deadline=None, max_examples=50)
@given(asked=codes, groups=st.integers(0, 5))
def test_moments_are_arranged_as_sorted_would(asked: list[tuple[int, int]], groups: int):
    group, at = (np.array([pair[place] for pair in asked], np.int64) for place in (0, 1))

    arranged = arrange(group, at, groups)

    rows = sorted(range(len(asked)), key=lambda row: (min(asked[row][0], groups), asked[row][1], row))
    placed = slice(0, arranged.start[-2])  # those behind are answered alike, in whatever order
    kept = [
        sorted(arranged.row[low:high]) for low, high in zip(arranged.start, arranged.start[1:], strict=False)
    ]
    assert arranged.row[placed].tolist() == rows[placed]
    assert arranged.at.tolist() == at[arranged.row].tolist()
    assert kept == [
        [row for row in range(len(asked)) if min(asked[row][0], groups) == actor]
        for actor in range(-1, groups + 1)
    ]


@settings(deadline=None, max_examples=50)
@given(asked=codes, groups=st.integers(0, 5), most=st.integers(1, 12))
def test_a_few_actors_at_a_time_make_up_the_whole(asked: list[tuple[int, int]], groups: int, most: int):
    group, at = (np.array([pair[place] for pair in asked], np.int64) for place in (0, 1))
    arranged = arrange(group, at, groups)

    parts = [arranged.of(first, end) for first, end in cut(arranged.start, most)]

    assert np.concatenate([part.row for part in parts]).tolist() == arranged.row.tolist()
    for part in parts:
        for place, count in enumerate(np.diff(part.start[1:-1])):
            actor = part.first + place
            assert count == np.count_nonzero(group == actor)
        assert part.start.size == 4 or np.diff(part.start[1:-1]).sum() <= most


@pytest.mark.parametrize("seed", range(2))
def test_windows_that_thousands_of_late_facts_reach_into_are_the_plainest_sums(seed: int):
    rng = np.random.default_rng(seed)
    told, asked = many_facts(rng, 4_000), some_moments(rng, 300)

    found = compute(Past(CallLog.empty(), LEADS, told), asked, LINES).values

    for column, line in enumerate(LINES):
        np.testing.assert_array_equal(found[:, column], plainly(told, asked, line), line.name)


def plainly(told: Facts, asked: Moments, line: Window) -> Float64Array:
    """A line's column, one moment after the other over all facts."""
    by = {"lead": (told.lead, asked.lead), "agent": (told.agent, asked.agent)}
    theirs, ours = by.get(line.by, (np.zeros_like(told.lead), np.zeros_like(asked.lead)))
    found = [
        answer(told, (theirs == actor) & (told.seen < at) & (told.time >= at - line.within), line)
        for actor, at in zip(ours, asked.at, strict=True)
    ]
    return np.array(found).astype(np.float32)


def answer(told: Facts, seen: BoolArray, line: Window) -> float:
    """A line's answer from those facts that count."""
    sign = told.sign[seen]
    if isinstance(line, Sum):
        return float(np.sum(sign * np.rint(told.quantities["talk_s"][seen] * 1000))) / 1000
    marked = float(np.sum(sign * (told.bits[seen] & BIT[line.of] > 0)))
    if isinstance(line, Count):
        return marked
    counted = float(np.sum(sign * (told.bits[seen] & BIT[line.per] > 0)))
    rate, size = line.prior
    return (marked + rate * size) / (counted + size) if counted + size > 0 else np.nan


def test_the_order_of_the_questions_changes_no_answer():
    rng = np.random.default_rng(5)
    told, asked = many_facts(rng, 2_000), some_moments(rng, 200)
    past, order = Past(CallLog.empty(), LEADS, told), rng.permutation(200)

    straight, mixed = (compute(past, moments, LINES).values for moments in (asked, asked.take(order)))

    assert mixed.tobytes() == straight[order].tobytes()


def test_a_few_actors_at_a_time_answer_like_tapes_that_are_kept():
    """More facts than a stretch takes, asked at other moments and at their own."""
    rng = np.random.default_rng(6)
    told = many_facts(rng, 90_000)
    told = told.take(np.argsort(told.seen, kind="stable"))
    lines = (*LINES, Rate("fading", "agent", "answered", (0.3, 5), half_life=DAY))
    own = Moments(told.lead, told.agent, told.seen)

    for asked in (some_moments(rng, 1_000), own.take(np.arange(20_000)), own):
        passing = compute(Past(CallLog.empty(), LEADS, told), asked, lines).values
        kept = compute(Past(CallLog.empty(), LEADS, told, {}), asked, lines).values
        assert passing.tobytes() == kept.tobytes()


def test_scans_answer_alike_whether_tapes_are_kept_or_not():
    rng = np.random.default_rng(7)
    told, asked = many_facts(rng, 300), some_moments(rng, 100)

    passing = compute(Past(CallLog.empty(), LEADS, told), asked, standing()).values
    kept = compute(Past(CallLog.empty(), LEADS, told, {}), asked, standing()).values

    assert passing.tobytes() == kept.tobytes()


def test_an_actor_without_a_past_is_not_taken_for_one_that_moved_to_its_place():
    leads, tapes = a_lead_table(*[a_lead()] * 2), dict[tuple[object, ...], Tape]()
    calls = [(0, 0, MONDAY + hour * HOUR, True, False) for hour in (0, 1)]
    line, asked = Count("calls_1h", "lead", HOUR), moments((0, 0, MONDAY + DAY), (1, 0, MONDAY + DAY))

    found = [
        compute(Past(a_log(*calls[:told]), leads, tapes=tapes), asked, [line]).values.tolist()
        for told in (1, 2)
    ]

    assert found == [[[0], [0]]] * 2
