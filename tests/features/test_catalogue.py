"""The catalogue's contract, over every line: a new line is tested before anyone writes a test for it."""

import re

import numpy as np
import pytest
from hypothesis import given, settings

from features import CallLog, Feature, LeadTable, Past, compute, for_leads
from features.catalogue import MOST_LEVELS, chapters, most_frequent, standing
from features.statistics import kinds
from features.statistics.attribute import RARE, Attribute, Category
from features.sweep import sweeps_of
from tests.builders import MONDAY, a_lead, a_lead_table, moments
from tests.features.test_point_in_time import LINES
from tests.strategies import Story, asked, stories

EVERY_LINE = pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)


@settings(deadline=None, max_examples=100)
@given(story=stories(), questions=asked)
def test_every_cell_is_finite_or_missing_and_a_share_is_a_share(
    story: Story, questions: list[tuple[int, int, int]]
):
    matrix = compute(story.past(), moments(*questions), LINES)

    assert matrix.values.dtype == np.float32
    assert matrix.values.shape == (len(questions), len(LINES))
    assert not np.isinf(matrix.values).any()
    for place, feature in enumerate(matrix.features):
        column = matrix.values[:, place]
        if feature.name.endswith("_rate"):
            assert np.all((column >= 0) & (column <= 1)), feature.name
        if feature.categorical:
            assert np.all(np.isnan(column) | (column == np.round(column))), feature.name


@EVERY_LINE
def test_a_line_fills_exactly_the_rows_it_is_given(line: Feature):
    table = a_lead_table(a_lead(attributes={"income": [(0, 1.0)], "colour": [(0, "red")]}, source="red"))
    frame = np.full((5, 1), -77, np.float32)
    (sweep,) = sweeps_of([line])

    sweep(Past(CallLog.empty(), table), moments((0, 0, MONDAY), (0, -1, MONDAY), (0, 9, MONDAY)), frame[1:4])

    assert frame[[0, 4]].tolist() == [[-77], [-77]]
    assert -77 not in frame[1:4]


@EVERY_LINE
def test_a_line_leaves_what_it_reads_as_it_was(line: Feature):
    table = a_lead_table(a_lead(attributes={"income": [(0, 1.0)], "colour": [(0, "red")]}, source="red"))
    at = moments((0, 0, MONDAY), (0, -1, MONDAY + 1))
    before = (at.lead.tolist(), at.agent.tolist(), at.at.tolist())

    compute(Past(CallLog.empty(), table), at, [line])

    assert (at.lead.tolist(), at.agent.tolist(), at.at.tolist()) == before


@EVERY_LINE
@pytest.mark.parametrize("agent", [-1, 0, 99])
def test_a_line_answers_on_the_first_day_whoever_the_agent_is(line: Feature, agent: int):
    """No calls, nobody's attributes, no zone: a number or a missing value, never an error."""
    past = Past(CallLog.empty(), a_lead_table(a_lead(), names=("income", "colour")))

    matrix = compute(past, moments((0, agent, MONDAY)), [line])

    assert np.isfinite(matrix.values).all() or np.isnan(matrix.values).all()


@EVERY_LINE
def test_a_line_asked_nothing_about_no_leads_answers_nothing(line: Feature):
    past = Past(CallLog.empty(), LeadTable.empty())
    if isinstance(line, Attribute | Category) and line.attribute not in past.leads.coded:
        past = Past(CallLog.empty(), a_lead_table(names=("income", "colour")))

    assert compute(past, moments(), [line]).values.shape == (0, 1)


@EVERY_LINE
def test_a_line_has_a_plain_name_and_a_known_kind(line: Feature):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", line.name)
    assert kinds()[type(line).__name__] is type(line)
    assert isinstance(line.categorical, bool)
    assert hash(line) == hash(line)


def test_there_are_at_least_sixty_lines_and_each_chapter_has_some():
    assert len(standing()) >= 60
    assert all(lines for _, _, lines in chapters())


def test_names_are_unique():
    names = [line.name for line in LINES]

    assert len(names) == len(set(names))


def test_the_chapters_hold_the_standing_lines_and_each_says_what_it_is_about():
    listed = [line for _, sentence, lines in chapters() if sentence for line in lines]

    assert tuple(listed) == standing()


def test_every_kind_has_its_slow_twin():
    from tests.features import reference

    assert {kind.__name__ for kind in kinds().values()} <= set(vars(reference))


def test_a_field_of_one_value_tells_nothing_and_is_left_out():
    leads = a_lead_table(a_lead(source="red", region="north"), a_lead(source="blue", region="north"))

    names = {line.name for line in for_leads(leads)}

    assert "source" in names
    assert "region" not in names


def test_an_attribute_is_a_category_when_most_of_its_values_are_words():
    told: dict[str, list[tuple[int, float | str]]] = {
        "size": [(0, "large"), (1, "small"), (2, 7.0)],
        "income": [(0, 1.0), (1, 2.0), (2, "?")],
    }
    leads = a_lead_table(a_lead(attributes=told))

    lines = {line.name: line for line in for_leads(leads)}

    assert lines["attribute_size"] == Category("attribute_size", "size", ("large", "small"))
    assert lines["attribute_income"] == Attribute("attribute_income", "income")


def test_a_protected_attribute_is_a_line_only_where_it_is_allowed():
    leads = a_lead_table(a_lead(attributes={"age": [(0, 40.0)], "duration": [(0, 300.0)]}))

    plain = {line.name for line in for_leads(leads)}
    allowed = {line.name for line in for_leads(leads, allowed={"age", "duration"})}

    assert not {"attribute_age", "attribute_duration"} & plain
    assert {"attribute_age", "attribute_duration"} & allowed == {"attribute_age"}


def test_the_most_frequent_levels_come_first_and_ties_by_name():
    codes = np.array([0, 1, 1, 2, 3, -1, -1, -1])

    assert most_frequent(("d", "b", "c", "a", "never"), codes) == ("b", "a", "c", "d")


def test_no_category_has_more_levels_than_a_model_can_hold():
    words = tuple(f"source{number:03d}" for number in range(100))

    levels = most_frequent(words, np.repeat(np.arange(100), np.arange(1, 101)))

    assert (len(levels), levels[-1]) == (MOST_LEVELS + 1, RARE)
    assert levels[0] == "source099"


def test_a_table_without_leads_still_has_the_standing_lines():
    assert for_leads(LeadTable.empty()) == standing()
