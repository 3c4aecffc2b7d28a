"""compute, fingerprints and specs: one way to features, and definitions that travel as JSON."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Feature, Past, compute
from features.catalogue import standing
from features.compute import FeatureMatrix, fingerprint, from_specs, to_specs
from features.facts import BIT, Facts
from features.instants import DAY, HOUR
from features.statistics import kinds
from features.statistics.attribute import Age, AgeAmong, Attribute, Category, Worth
from features.statistics.calendar import Calendar
from features.statistics.delay import Delay
from features.statistics.distinct import Distinct
from features.statistics.extreme import Max
from features.statistics.holiday import Holiday, UntilHoliday
from features.statistics.rate import Load, Rate
from features.statistics.recency import Promise, Recency, Tenure
from features.statistics.rhythm import Rhythm
from features.statistics.streak import Run, Streak
from features.statistics.window import Count, Share, Sum
from features.tape import Tape
from tests.builders import MONDAY, a_lead, a_lead_table, a_log, a_past, moments
from tests.features import reference
from tests.features.test_point_in_time import LINES
from tests.strategies import Story, asked, stories, told_pasts

OTHER = {"name": "other", "by": "agent", "within": HOUR, "of": "busy", "per": "answered", "half_life": HOUR}
OTHER_PRIOR, OTHER_LEVELS = (0.9, 3), ("red",)
ONE_OF_EACH = (
    Count("count", by="lead", within=DAY),
    Rate("rate", by="lead", of="answered", prior=(0.3, 2), half_life=DAY),
    Sum("sum", by="lead", within=DAY, of="talk_s"),
    Share("share", by="lead", within=DAY, of="answered", prior=(0.3, 2)),
    Load("load", by="list", half_life=DAY),
    Recency("recency", by="lead"),
    Tenure("tenure", by="lead"),
    Promise("promise", by="lead"),
    Streak("streak", by="lead"),
    Run("run", by="lead", of="no_answer"),
    Max("max", by="lead", within=DAY, of="talk_s"),
    Distinct("distinct", by="lead", within=DAY, of="agent"),
    Rhythm("rhythm", prior=(0.3, 2)),
    Delay("delay"),
    Attribute("number", "income"),
    Category("word", "colour", ("blue", "red")),
    Age("age"),
    AgeAmong("age_of_web", "channel", "web_form"),
    Worth("worth"),
    Calendar("clock", part="hour"),
    Holiday("holiday"),
    UntilHoliday("until"),
)


def changed(feature: Feature, name: str) -> Feature:
    """The feature with another value in one field."""
    others = OTHER | {
        "prior": OTHER_PRIOR,
        "levels": OTHER_LEVELS,
        "attribute": "shoe_size",
        "coded": "source",
        "word": "event",
    }
    others |= {"part": "weekday", "when": "arrival", "width": 1.0, "most": 7}
    return replace(feature, **{name: others[name]})  # type: ignore[type-var]


def every_field() -> list[tuple[Feature, str]]:
    return [(feature, field.name) for feature in ONE_OF_EACH for field in fields(feature)]


def test_there_is_one_of_each_kind_here():
    assert {type(feature) for feature in ONE_OF_EACH} == set(kinds().values())


@settings(deadline=None, max_examples=60)
@given(story=stories(), questions=asked)
def test_every_line_of_the_catalogue_is_its_slow_twin(story: Story, questions: list[tuple[int, int, int]]):
    past = story.past()

    matrix = compute(past, moments(*questions), LINES)

    for place, feature in enumerate(matrix.features):
        slow = reference.column(past, feature, questions)
        np.testing.assert_allclose(matrix.values[:, place], slow, rtol=1e-6, err_msg=feature.name)


@settings(deadline=None, max_examples=60)
@given(past=told_pasts(), questions=asked)
def test_every_line_is_its_slow_twin_of_what_a_store_tells(past: Past, questions: list[tuple[int, int, int]]):
    """Touches, promises, voice scores, lines and scripts, and facts that were taken back."""
    matrix = compute(past, moments(*questions), LINES)

    for place, feature in enumerate(matrix.features):
        slow = reference.column(past, feature, questions)
        np.testing.assert_allclose(matrix.values[:, place], slow, rtol=1e-6, atol=1e-6, err_msg=feature.name)


@settings(deadline=None, max_examples=50)
@given(story=stories(), questions=asked, lines=st.lists(st.sampled_from(LINES), max_size=5))
def test_a_column_does_not_depend_on_its_neighbours_or_on_what_was_asked_before(
    story: Story, questions: list[tuple[int, int, int]], lines: list[Feature]
):
    past, at = story.past(), moments(*questions)

    together = compute(past, at, LINES)
    some = compute(past, at, lines)
    alone = [compute(story.past(), at, [line]).values[:, 0] for line in lines]

    for place, line in enumerate(lines):
        whole = together.values[:, LINES.index(line)]
        assert whole.tobytes() == some.values[:, place].tobytes() == alone[place].tobytes()


@settings(deadline=None, max_examples=50)
@given(story=stories(), questions=asked)
def test_a_moments_answer_does_not_depend_on_the_other_moments(
    story: Story, questions: list[tuple[int, int, int]]
):
    past = story.past()

    together = compute(past, moments(*questions), LINES)
    singly = [compute(past, moments(question), LINES).values[0] for question in questions]

    assert together.values.tobytes() == np.array(singly).tobytes()


def test_a_matrix_is_taken_by_row():
    matrix = FeatureMatrix(ONE_OF_EACH[:2], np.arange(6, dtype=np.float32).reshape(3, 2))

    taken = matrix.take(np.array([2, 0]))

    assert taken.values.tolist() == [[4, 5], [0, 1]]
    assert (taken.names, len(taken)) == (["count", "rate"], 2)


def test_no_moments_and_no_features_are_an_empty_matrix():
    past = a_past((0, 0, MONDAY, True, False))

    assert compute(past, moments(), standing()).values.shape == (0, len(standing()))
    assert compute(past, moments((0, 0, MONDAY)), []).values.shape == (1, 0)


@pytest.mark.parametrize("feature", [*ONE_OF_EACH, *LINES], ids=lambda feature: feature.name)
def test_a_definition_travels_through_json_and_comes_back_equal(feature: Feature):
    read = from_specs(json.loads(json.dumps(to_specs([feature]))))

    assert read == (feature,)
    assert repr(read[0]) == repr(feature)
    assert fingerprint(read) == fingerprint([feature])


@pytest.mark.parametrize(("feature", "name"), every_field(), ids=str)
def test_the_fingerprint_changes_with_any_field(feature: Feature, name: str):
    other = changed(feature, name)

    assert other != feature
    assert fingerprint([other]) != fingerprint([feature])


def test_the_fingerprint_changes_with_the_order_and_with_each_line():
    one, two = ONE_OF_EACH[:2]

    orders: list[list[Feature]] = [[], [one], [two], [one, two], [two, one]]

    prints = {fingerprint(lines) for lines in orders}

    assert len(prints) == 5


def test_the_fingerprint_is_the_same_in_every_process():
    """A published definition keeps its name: a bundle trained elsewhere must be recognised."""
    known = "d58e36050924"

    assert fingerprint([Count("lead_calls_1d", by="lead", within=DAY)]).startswith(known)


@settings(deadline=None, max_examples=50)
@given(story=stories(), questions=asked)
def test_equal_definitions_give_equal_columns(story: Story, questions: list[tuple[int, int, int]]):
    copies = from_specs(json.loads(json.dumps(to_specs(LINES))))

    ours = compute(story.past(), moments(*questions), LINES)
    theirs = compute(Past(story.past().log, story.past().leads), moments(*questions), copies)

    assert ours.fingerprint == theirs.fingerprint
    assert ours.values.tobytes() == theirs.values.tobytes()


@settings(max_examples=15)
@given(told=told_pasts(), at=asked)
def test_two_threads_say_what_one_says_while_kept_tapes_follow_the_news(
    told: Past, at: list[tuple[int, int, int]]
):
    tapes: dict[tuple[object, ...], Tape] = {}

    for count in (len(told.facts) // 2, len(told.facts)):
        known = told.facts.take(slice(0, count))
        kept, passing = (Past(told.log, told.leads, known, held) for held in (tapes, None))
        ours, theirs = (compute(kept, moments(*at), LINES, threads=2), compute(passing, moments(*at), LINES))
        assert ours.values.tobytes() == theirs.values.tobytes()


def test_what_is_told_of_an_older_call_does_not_bring_its_line_back_into_use():
    nothing = np.zeros(3, np.int64)
    time = MONDAY + np.array([0, HOUR, 2 * HOUR])
    bits = np.array([BIT["calls"] | BIT["answered"], BIT["calls"], BIT["told"]])
    told = Facts(nothing, nothing, time, time, bits, np.ones(3, np.int8), words={"line": np.array([5, 6, 5])})
    past = Past(a_log(), a_lead_table(a_lead()), told)

    matrix = compute(
        past, moments((0, -1, MONDAY + 3 * HOUR)), [Count("line_answers", "line", DAY, "answered")]
    )

    assert matrix.values.tolist() == [[0]]
