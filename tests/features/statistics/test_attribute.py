"""Attribute, Category, Age and Worth: what is known of the lead itself, since it became known."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Past, compute
from features.instants import DAY, HOUR
from features.leads import latest_before
from features.past import Feature
from features.refused import LARGEST
from features.statistics.attribute import RARE, Age, AgeAmong, Attribute, Category, Worth
from tests.builders import MONDAY, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.strategies import Story, asked, stories

features = st.sampled_from(
    [
        Attribute("income", "income"),
        Attribute("colour as a number", "colour"),
        Category("colour", "colour", ("blue", "red")),
        Category("income as a word", "income", ("blue",)),
        Category("source", "source", ("green", "violet", "red")),
        Category("nothing", "region", ()),
        Age("age"),
        AgeAmong("age_of_web", "channel", "web_form"),
        Worth("worth"),
    ]
)


@settings(deadline=None, max_examples=100)
@given(story=stories(), questions=asked, feature=features)
def test_what_is_known_of_a_lead_is_its_slow_twin(
    story: Story, questions: list[tuple[int, int, int]], feature: Feature
):
    past = story.past()

    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_array_equal(matrix.values[:, 0], reference.column(past, feature, questions))


@settings(deadline=None)
@given(
    told=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=15),
    questions=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10)), min_size=1, max_size=8),
)
def test_the_latest_row_is_found_as_by_reading_all(
    told: list[tuple[int, int]], questions: list[tuple[int, int]]
):
    told = sorted(told)
    starts = np.searchsorted([lead for lead, _ in told], np.arange(4)).astype(np.int64)
    lead, at = np.array(questions, np.int64).T.copy()
    found = np.empty(len(questions), np.int64)

    latest_before(starts, np.array([since for _, since in told], np.int64), lead, at, found)

    slow = [
        max([row for row, (owner, since) in enumerate(told) if owner == asked and since < when], default=-1)
        for asked, when in questions
    ]
    assert found.tolist() == slow


def test_each_moment_sees_the_value_of_its_time():
    table = a_lead_table(a_lead(attributes={"income": [(MONDAY, 1.0), (MONDAY + DAY, 2.0)]}))
    at = [MONDAY, MONDAY + 1, MONDAY + DAY, MONDAY + DAY + 1]

    matrix = compute(
        Past(CallLog.empty(), table), moments(*[(0, -1, when) for when in at]), [Attribute("x", "income")]
    )

    np.testing.assert_array_equal(matrix.values[:, 0], np.array([np.nan, 1, 1, 2], np.float32))


def test_a_word_keeps_its_place_among_the_levels_however_the_table_codes_it():
    feature = Category("source", "source", ("red", "blue"))
    one = a_lead_table(a_lead(source="blue"), a_lead(source="red"), a_lead(source="grey"))
    other = a_lead_table(a_lead(source="red"), a_lead(source="blue"), a_lead(source=None))

    ours, theirs = (
        compute(Past(CallLog.empty(), table), moments((0, -1, 0), (1, -1, 0), (2, -1, 0)), [feature])
        for table in (one, other)
    )

    np.testing.assert_array_equal(ours.values[:, 0], np.array([1, 0, np.nan], np.float32))
    np.testing.assert_array_equal(theirs.values[:, 0], np.array([0, 1, np.nan], np.float32))


def test_rare_words_share_a_level_and_no_word_has_none():
    feature = Category("source", "source", ("red", RARE))
    table = a_lead_table(
        a_lead(source="red"), a_lead(source="grey"), a_lead(source="pink"), a_lead(source=None)
    )

    found = compute(Past(CallLog.empty(), table), moments(*((lead, -1, 0) for lead in range(4))), [feature])

    np.testing.assert_array_equal(found.values[:, 0], np.array([0, 1, 1, np.nan], np.float32))


def test_a_lead_from_the_future_is_not_of_negative_age():
    past = a_past(leads=a_lead_table(a_lead(created_at=MONDAY)))

    matrix = compute(past, moments((0, -1, MONDAY - HOUR), (0, -1, MONDAY + HOUR)), [Age("age")])

    assert matrix.values[:, 0].tolist() == [0, 1]


def test_an_unstated_worth_is_missing():
    past = a_past(leads=a_lead_table(a_lead(value=float("nan")), a_lead(value=12.5)))

    matrix = compute(past, moments((0, -1, MONDAY), (1, -1, MONDAY)), [Worth("worth")])

    np.testing.assert_array_equal(matrix.values[:, 0], np.array([np.nan, 12.5], np.float32))


def test_an_attribute_no_lead_has_any_more_is_missing():
    asked_for: list[Feature] = [Attribute("x", "shoe_size"), Category("y", "shoe_size", ("large",))]

    matrix = compute(a_past(leads=1), moments((0, -1, MONDAY)), asked_for)

    assert np.isnan(matrix.values).all()


def test_a_channels_age_is_told_of_its_own_leads_alone():
    past = a_past(leads=a_lead_table(a_lead(channel="web_form"), a_lead(channel="event")))
    features: list[Feature] = [
        AgeAmong("age_of_event", "channel", "event"),
        AgeAmong("age_of_fax", "channel", "fax"),
    ]
    at = int(past.leads.created_at[0]) + 2 * HOUR

    matrix = compute(past, moments((0, -1, at), (1, -1, at)), features)

    assert np.isnan(matrix.values[0]).all()
    assert matrix.values[1, 0] == (at - past.leads.created_at[1]) / HOUR
    assert np.isnan(matrix.values[1, 1])


def test_an_attribute_without_values_is_missing_everywhere():
    past = a_past(leads=a_lead_table(a_lead(), names=["income"]))
    features: list[Feature] = [Attribute("number", "income"), Category("word", "income", ("red",))]

    matrix = compute(past, moments((0, -1, MONDAY)), features)

    assert np.isnan(matrix.values).all()


def test_a_number_beyond_what_may_be_told_is_unknown():
    told = [1e308, -1e39, float("inf"), LARGEST, -5.0]
    past = a_past(leads=a_lead_table(*(a_lead(attributes={"x": [(MONDAY, number)]}) for number in told)))

    matrix = compute(past, moments(*((lead, -1, MONDAY + 1) for lead in range(5))), [Attribute("x", "x")])

    np.testing.assert_array_equal(
        matrix.values[:, 0], np.array([np.nan, np.nan, np.nan, LARGEST, -5.0], np.float32)
    )
