"""Rate: faded and shrunk shares and means, against their slow twin and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Past, compute
from features.instants import DAY, HOUR, MINUTE, NEVER
from features.statistics.rate import Load, Rate
from features.tape import Tape
from tests.builders import MONDAY, a_call, a_past, moments
from tests.features import reference
from tests.features.statistics.test_window import ACTORS
from tests.strategies import Story, asked, stories

ANSWERS = Rate("answers", by="lead", of="answered", prior=(0.5, 2))

features = st.builds(
    Rate,
    st.just("rate"),
    by=st.sampled_from(ACTORS),
    of=st.sampled_from(["answered", "converted", "talk_s", "callback", "machine", "disconnected"]),
    prior=st.sampled_from([(0.3, 50), (200, 20), (0.06, 1.5), (0.0, 1.0), (0.5, 0)]),
    per=st.sampled_from(["calls", "answered", "converted", "told"]),
    half_life=st.sampled_from([NEVER, HOUR, DAY, 30 * DAY]),
)


@settings(deadline=None, max_examples=120)
@given(story=stories(), questions=asked, feature=features)
def test_a_rate_is_its_slow_twin(story: Story, questions: list[tuple[int, int, int]], feature: Rate):
    past = story.past()

    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_allclose(
        matrix.values[:, 0], reference.column(past, feature, questions), rtol=2e-6, atol=1e-12
    )


@settings(deadline=None)
@given(
    story=stories(),
    questions=asked,
    feature=st.builds(
        Load,
        st.just("load"),
        st.sampled_from(ACTORS),
        st.sampled_from([HOUR, DAY]),
        st.sampled_from(["calls", "talk_s"]),
    ),
)
def test_a_load_is_its_slow_twin(story: Story, questions: list[tuple[int, int, int]], feature: Load):
    past = story.past()

    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_allclose(
        matrix.values[:, 0], reference.column(past, feature, questions), rtol=2e-6, atol=1e-9
    )


def test_without_a_past_the_rate_is_the_prior():
    past = a_past((1, 0, MONDAY, True, False))

    matrix = compute(past, moments((0, 0, MONDAY + 1)), [ANSWERS])

    assert matrix.values.tolist() == [[0.5]]


def test_the_prior_weighs_as_many_calls_as_it_says():
    past = a_past((0, 0, MONDAY, True, False), (0, 0, MONDAY, True, False))

    matrix = compute(past, moments((0, 0, MONDAY + 1)), [ANSWERS])

    assert matrix.values.tolist() == [[(2 + 1) / (2 + 2)]]


def test_after_one_half_life_a_call_weighs_half():
    past = a_past((0, 0, MONDAY, True, False))
    faded = Rate("faded", by="lead", of="answered", prior=(0.0, 1), half_life=DAY)

    matrix = compute(past, moments((0, 0, MONDAY + DAY)), [faded])

    assert matrix.values.tolist() == [[np.float32(0.5 / 1.5)]]


def test_without_a_half_life_a_call_weighs_the_same_for_ever():
    past = a_past((0, 0, MONDAY, True, False))
    rate = Rate("exact", by="lead", of="answered", prior=(0.0, 2))

    matrix = compute(past, moments((0, 0, MONDAY + 1), (0, 0, MONDAY + 36_500 * DAY)), [rate])

    assert matrix.values[0].tobytes() == matrix.values[1].tobytes()


def test_without_a_prior_an_empty_past_is_missing_for_the_known_and_the_unknown_alike():
    past = a_past((0, 0, MONDAY, True, False), leads=2)
    bare = Rate("bare", by="source", of="answered", prior=(0.5, 0))
    by_agent = Rate("agent", by="agent", of="answered", prior=(0.5, 0))

    matrix = compute(past, moments((1, 7, MONDAY + 1), (1, 0, MONDAY)), [bare, by_agent])

    assert np.isnan(matrix.values).all()


def test_a_quantity_gives_its_mean_over_the_calls_it_is_asked_per():
    past = a_past(
        a_call(answered=True, talk_s=100), a_call(answered=True, talk_s=300), a_call(answered=False), leads=1
    )
    mean = Rate("talk", by="lead", of="talk_s", per="answered", prior=(0, 0))

    matrix = compute(past, moments((0, 0, MONDAY + 1)), [mean])

    assert matrix.values.tolist() == [[200]]


def test_an_agent_not_yet_chosen_gets_the_rate_of_the_floor():
    past = a_past((0, 0, MONDAY, True, False), (0, 1, MONDAY, False, False))
    by_agent = Rate("agent", by="agent", of="answered", prior=(0.5, 1))
    floor = Rate("floor", by="everyone", of="answered", prior=(0.5, 1))

    matrix = compute(
        past, moments((0, -1, MONDAY + 1), (0, 0, MONDAY + 1), (0, 1, MONDAY + 1)), [by_agent, floor]
    )

    assert matrix.values[:, 0].tolist() == [0.5, 0.75, 0.25]
    assert matrix.values[:, 1].tolist() == [0.5] * 3


def test_a_call_not_yet_told_leaves_no_trace_in_the_last_bit_of_the_sum():
    """Sums of many unequal weights: any other order of adding them would show somewhere."""
    ends = [MONDAY + 7919 * MINUTE * i // 13 for i in range(200)]
    plain = [a_call(0, 0, end, answered=True, talk_s=0.1 * i) for i, end in enumerate(ends)]
    late = a_call(
        0, 0, ends[50] + 1, answered=True, talk_s=9.9, known_at=NEVER - 1, disposed_known_at=NEVER - 1
    )
    talk = Rate("talk", by="lead", of="talk_s", prior=(0.1, 0.3), half_life=DAY)
    at = moments(*[(0, 0, end + 12_345) for end in ends])

    without, with_late = (faded_sums(calls, talk, at) for calls in (plain, [*plain, late]))

    assert without == with_late


def faded_sums(calls, talk, at) -> bytes:
    return compute(a_past(*calls), at, [talk]).values.tobytes()


@pytest.mark.parametrize("years", [1, 30])
def test_a_long_silence_fades_to_the_prior_without_overflow(years: int):
    """A late call far behind, a future one far ahead: neither weight may blow up."""
    far = years * 365 * DAY
    past = a_past(
        a_call(ended_at=MONDAY, known_at=MONDAY + 2 * far), a_call(ended_at=MONDAY + 2 * far), leads=1
    )
    quick = Rate("quick", by="lead", of="calls", prior=(0.25, 1), half_life=HOUR)

    matrix = compute(past, moments((0, 0, MONDAY - far), (0, 0, MONDAY + far)), [quick])

    assert matrix.values[:, 0].tolist() == [0.25, 0.25]


def test_repeated_moments_of_one_agent_are_answered_alike():
    past = a_past((0, 0, MONDAY, True, False), (1, 0, MONDAY + 5, False, False))
    rate = Rate("agent", by="agent", of="answered", prior=(0.5, 1))

    matrix = compute(past, moments(*[(0, 0, MONDAY + 9)] * 3, (1, 0, MONDAY + 9)), [rate])

    assert len(set(matrix.values[:, 0].tolist())) == 1


def test_a_tape_is_written_once():
    told = a_past((0, 0, MONDAY, True, False))
    tapes: dict[tuple[object, ...], Tape] = {}
    past = Past(told.log, told.leads, tapes=tapes)
    compute(past, moments((0, 0, MONDAY + 1)), [ANSWERS])
    (tape,) = tapes.values()

    compute(past, moments((0, 0, MONDAY + 1)), [ANSWERS])

    assert list(tapes.values()) == [tape]
