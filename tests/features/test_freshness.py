"""Freshness: how far back each kind looks, and the newest fact of the right kind and actor."""

import numpy as np
import pytest

from features import Feature
from features.catalogue import standing
from features.describe import meaning
from features.freshness import ages, roughly, source_of, state_of, ttl_of
from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND
from features.lines import of_lead, of_store
from features.statistics.attribute import Age, AgeAmong, Attribute, Category, Worth
from features.statistics.calendar import Calendar
from features.statistics.rate import Rate
from features.statistics.recency import Recency
from features.statistics.window import Count
from tests.builders import MONDAY, a_call, a_lead, a_lead_table, a_past

WEEK = Count("week", by="lead", within=7 * DAY)
FADING = Rate("fading", by="everyone", of="answered", half_life=DAY, prior=(0.3, 50))
WHOLE = Rate("whole", by="lead", of="converted", per="told", prior=(0.3, 2))
LAST = Recency("last", by="lead")
NEED, AGE = Attribute("need", "need"), Age("age")
NOW, ARRIVAL = Calendar("now", part="hour"), Calendar("then", part="hour", when="arrival")


def test_a_window_looks_back_for_its_length_and_recency_for_ever():
    assert ttl_of(WEEK) == 7 * DAY
    assert [ttl_of(feature) for feature in (WHOLE, LAST, NEED, AGE, NOW)] == [None] * 5


def test_a_fading_rate_looks_back_until_a_fact_weighs_a_hundredth():
    ttl = ttl_of(FADING)

    assert ttl is not None
    assert 0.5 ** ((ttl - SECOND) / DAY) > 0.01 >= 0.5 ** (ttl / DAY)


@pytest.mark.parametrize(
    ("feature", "source"),
    [
        (WEEK, "calls"), (FADING, "calls"), (WHOLE, "told"), (NEED, "attribute need"), (AGE, "leads"),
        (Category("channel", "channel", ("web_form",)), "leads"), (NOW, "clock"), (ARRIVAL, "leads"),
        (Worth("worth"), "leads"), (AgeAmong("age_of_web", "channel", "web_form"), "leads"),
    ],
)  # fmt: skip
def test_each_feature_has_a_source(feature: Feature, source: str):
    assert source_of(feature) == source


def test_every_standing_line_has_a_source_a_meaning_and_an_age_or_none():
    past = a_past(a_call(0, ended_at=MONDAY, answered=True))

    found = ages(past, standing(), 0, -1, MONDAY + HOUR)

    assert len(found) == len(standing())
    assert all(source_of(feature) and meaning(feature) for feature in standing())


def test_the_newest_fact_is_the_actors_own_and_known_before():
    leads = a_lead_table(a_lead(attributes={"need": [(MONDAY - HOUR, 1.0), (MONDAY + HOUR, 2.0)]}), a_lead())
    past = a_past(
        a_call(0, ended_at=MONDAY - 3 * HOUR, answered=True),
        a_call(1, ended_at=MONDAY - MINUTE),
        a_call(0, ended_at=MONDAY - 2 * HOUR, known_at=MONDAY + DAY),
        leads=leads,
    )

    own = ages(past, (LAST, FADING, WHOLE, NEED, AGE, NOW), 0, -1, MONDAY)
    everyones = ages(past, (LAST, WHOLE, NEED, AGE), -1, -1, MONDAY)

    assert own == [3 * HOUR, pytest.approx(MINUTE, abs=SECOND), 3 * HOUR, HOUR, DAY, 0]
    assert everyones == [pytest.approx(MINUTE, abs=SECOND), 3 * HOUR, HOUR, DAY]


def test_without_facts_there_is_no_age():
    past = a_past(leads=1)

    assert ages(past, (LAST, NEED), 0, -1, MONDAY) == [None, None]


def test_an_agent_not_yet_chosen_draws_from_all_of_them():
    talk = Rate("talk", by="agent", of="talk_s", per="answered", prior=(200, 20))
    past = a_past(a_call(0, 3, MONDAY - HOUR, answered=True))

    chosen, other, anyone = (ages(past, [talk], 0, agent, MONDAY)[0] for agent in (3, 1, -1))

    assert (chosen, other, anyone) == (HOUR, None, HOUR)


@pytest.mark.parametrize(
    ("ttl", "age", "state"),
    [
        (DAY, HOUR, "fresh"),
        (DAY, DAY, "fresh"),
        (DAY, DAY + 1, "stale"),
        (None, NEVER, "fresh"),
        (DAY, None, "no facts"),
    ],
)
def test_a_fact_older_than_the_feature_looks_back_is_stale(ttl: int | None, age: int | None, state: str):
    assert state_of(ttl, age) == state


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (0, "0 seconds"),
        (SECOND, "1 second"),
        (90 * MINUTE, "1.5 hours"),
        (DAY, "1 day"),
        (1116 * HOUR, "46.5 days"),
    ],
)
def test_a_duration_is_said_roughly(duration: int, said: str):
    assert roughly(duration) == said


def test_lines_of_a_lead_have_values_and_lines_of_the_store_shares():
    leads = a_lead_table(
        a_lead(source="web"), a_lead(source="expo"), a_lead(created_at=MONDAY + DAY, source="web")
    )
    past = a_past(a_call(0, ended_at=MONDAY - HOUR, answered=True), leads=leads)

    of_one = {line.name: line for line in of_lead(past, 1, -1, MONDAY)}
    of_all = {line.name: line for line in of_store(past, MONDAY)}

    assert (of_one["source"].value, of_one["lead_calls_7d"].value) == ("expo", 0.0)
    assert of_one["lead_hours_since_call"].value is None
    assert of_all["lead_hours_since_call"].share == 0.5
    assert np.isclose(of_all["source"].share or 0, 1.0)
    assert of_all["source"].as_json()["share_of_leads"] == 1.0
