"""Groups: every line of the catalogue is about one thing that people have a word for."""

from collections import Counter

import pytest

from features import Feature
from features.catalogue import standing
from features.groups import ATTRIBUTE, GROUPS, group_of
from tests.features.test_point_in_time import LINES


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_every_line_was_given_a_group(line: Feature):
    assert group_of(line.name) in GROUPS or line.name.startswith(ATTRIBUTE)


def test_no_feature_is_in_two_groups_and_no_group_names_a_line_that_is_gone():
    named = Counter(name for group in GROUPS for name in group.features if not name.endswith("*"))
    of_leads = {"campaign", "channel", "source", "country", "region", "list"}

    assert set(named.values()) == {1}
    assert set(named) - of_leads == {line.name for line in standing()}


def test_groups_have_names_and_titles_of_their_own():
    assert len({group.name for group in GROUPS}) == len({group.title for group in GROUPS}) == len(GROUPS)


def test_an_attribute_is_a_group_of_its_own_and_an_age_is_freshness():
    assert group_of("attribute_need_score").title == "Its need score"
    assert group_of("age_of_web_form").name == group_of("lead_age_hours").name == "freshness"


def test_a_feature_that_nobody_placed_still_has_a_name_for_people():
    assert group_of("lead_shoe_size").title == "Lead shoe size"
