"""Tapes: written at once or followed in any batches, an actor's entries are the same bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from features import CallLog, Past
from features.asked import arrange
from features.entries import HEAD
from features.facts import BIT, Facts
from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND
from features.reading import ends_of
from features.spec import Spec
from features.tape import Tape
from tests.builders import MONDAY, a_lead, a_lead_table
from tests.strategies import facts_of, instants, tellings

MARKS = ("calls", "answered", "converted")
SPECS = [
    Spec(
        by,
        sums=("calls", "answered", "talk_s"),
        fades=(("answered", HOUR), ("talk_s", HOUR), ("calls", 7 * DAY), ("sentiment", NEVER)),
        edges=(("answered", "last"), ("calls", "first")),
        words=("promise",),
        copies=("line", "week_hour"),
    )
    for by in ("lead", "agent", "everyone", "agent×source")
]
by_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.by)
LEADS = a_lead_table(*[a_lead(source=word) for word in ("red", "green", None)])
AGENTS = 4

facts = st.lists(tellings(), min_size=1, max_size=8).map(
    lambda told: facts_of([fact for telling in told for fact in telling])
)
cuts = st.lists(st.integers(0, 24), max_size=5).map(sorted)


def a_past(told: Facts, tapes: dict[tuple[object, ...], Tape] | None = None) -> Past:
    """The past of these facts; how many agents there are in all is known beforehand."""
    return Past(CallLog.empty(), LEADS, told, tapes, {"agent": AGENTS})


def entries_of(tape: Tape) -> list[tuple[bytes, bytes]]:
    """The entries of each actor, as bytes."""
    blocks, entries = tape.blocks, tape.entries
    places = [slice(first, first + size) for first, size in zip(blocks.first, blocks.size, strict=True)]
    return [(entries.state[place].tobytes(), entries.faded[place].tobytes()) for place in places]


def followed(told: Facts, ends: list[int], spec: Spec) -> Tape:
    """The tape that followed the facts up to each of these ends, and then the rest."""
    tapes: dict[tuple[object, ...], Tape] = {}
    for end in [*ends, len(told)]:
        tape = a_past(told.take(slice(0, end)), tapes).tape(spec)
    return tape


def many_facts(rng: Generator, size: int) -> Facts:
    """Facts of a few leads with ties, corrections, and thousands that were seen late or out of turn."""
    time = MONDAY + rng.integers(0, 20 * DAY // MINUTE, size) * MINUTE
    delay = rng.choice([0, 0, SECOND, 2 * MINUTE, HOUR, 3 * DAY], size)
    bits = sum(np.where(rng.random(size) < 0.5, BIT[mark], 0) for mark in MARKS)
    told = Facts(
        rng.integers(0, 3, size), rng.integers(-1, AGENTS, size), time, time + delay,
        np.asarray(bits, np.int64), np.where(rng.random(size) < 0.1, -1, 1).astype(np.int8),
        {"talk_s": rng.integers(0, 90_000, size) / 1000},
        {"promise": np.where(rng.random(size) < 0.2, time + DAY, -1), "line": rng.integers(-1, 3, size)},
    )  # fmt: skip
    order = np.argsort(time + rng.integers(0, 4 * DAY, size), kind="stable")
    return told.take(order)


@by_spec
@settings(deadline=None, max_examples=50)
@given(told=facts, ends=cuts)
def test_a_tape_followed_in_batches_is_the_one_written_at_once(spec: Spec, told: Facts, ends: list[int]):
    at_once = a_past(told).tape(spec)

    step_by_step = followed(told, [end for end in ends if end < len(told)], spec)

    assert entries_of(step_by_step) == entries_of(at_once)


@by_spec
@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_late_facts_in_batches_leave_the_same_entries(spec: Spec, seed: int):
    rng = np.random.default_rng(seed)
    told = many_facts(rng, 3_000)
    ends = np.sort(rng.integers(0, 3_000, 12)).tolist()

    assert entries_of(followed(told, ends, spec)) == entries_of(a_past(told).tape(spec))


@by_spec
@settings(deadline=None, max_examples=50)
@given(told=facts, at=instants)
def test_the_last_entry_seen_is_what_a_replay_up_to_the_moment_says(spec: Spec, told: Facts, at: int):
    """A tape that was never told of what came later holds the same state."""
    whole, replayed = (a_past(facts).tape(spec) for facts in (told, told.take(told.seen < at)))
    everyone = arrange(np.arange(whole.groups), np.full(whole.groups, at), whole.groups)

    ends = ends_of(whole, everyone)

    assert np.array_equal(ends - whole.blocks.first, replayed.blocks.size)
    for end, first, size in zip(ends, replayed.blocks.first, replayed.blocks.size, strict=True):
        if size:
            last = first + size - 1
            assert (
                whole.entries.state[end - 1, HEAD:].tolist() == replayed.entries.state[last, HEAD:].tolist()
            )
            assert whole.entries.faded[end - 1].tobytes() == replayed.entries.faded[last].tobytes()


def test_a_fact_without_marks_that_is_taken_back_takes_its_amount_with_it():
    row = {"lead": 0, "agent": 0, "time": MONDAY, "seen": MONDAY, "bits": 0, "sign": 1, "talk_s": 40.0,
           "sentiment": 0.5, "line": -1, "script": -1, "promise": -1}  # fmt: skip
    told = facts_of([row, row | {"sign": -1, "seen": MONDAY + HOUR}])

    tape = a_past(told).tape(Spec("lead", sums=("talk_s",)))

    assert tape.lean().entries.state[tape.blocks.first[0] :, HEAD].tolist() == [40_000, 0]
