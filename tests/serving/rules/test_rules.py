"""What every calling rule promises, checked over all of them against their slow twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND, parse
from serving.jurisdictions import jurisdictions
from serving.rule import Caps
from serving.rules import rules
from serving.rules.hours import open_from, open_until

from . import people
from .reference import TWINS, Person, table

ALL = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
WITHHELD = {
    "outside_hours", "no_timezone", "dnc", "registry_stale", "objected", "no_consent", "attempt_cap",
    "min_gap", "silence", "abandon_cap", "too_old", "leased", "not_before", "unworkable", "converted",
}  # fmt: skip


def a_person(**facts) -> Person:
    plain = {
        "zones": ("America/New_York",), "country": "US", "region": "NY", "calls": (), "closed": "",
        "callback_at": NEVER, "not_before": 0, "leased_until": 0, "created_at": parse("2026-06-01T00:00Z"),
        "has_phone": True,
    }  # fmt: skip
    return Person(**{**plain, **facts})


def failed(person: Person, at: int) -> set[str]:
    caps = Caps()
    standing = people.standing_of([person], caps, at)
    return {rule.id for rule in rules() if rule.judge(standing, caps, at).forbidden[0]}


def test_every_rule_has_a_twin_and_no_twin_is_alone():
    assert {rule.id for rule in rules()} == set(TWINS)
    assert len({rule.id for rule in rules()}) == len(rules())


@ALL
def test_a_rule_withholds_under_a_key_that_the_interface_knows(rule):
    assert rule.withheld in WITHHELD


@ALL
@given(facts=st.data(), at=people.instants, caps=people.caps)
@settings(deadline=None, max_examples=40)
def test_a_rule_forbids_just_what_its_twin_forbids(rule, facts, at, caps):
    persons = facts.draw(st.lists(people.people(at), min_size=1, max_size=5))

    verdict = rule.judge(people.standing_of(persons, caps, at), caps, at)

    assert verdict.forbidden.tolist() == [TWINS[rule.id](person, caps, at) for person in persons]


@ALL
@given(facts=st.data(), at=people.instants, caps=people.caps)
@settings(deadline=None, max_examples=25)
def test_a_rule_forbids_up_to_its_until_and_allows_at_it(rule, facts, at, caps):
    """Where two daily caps hold at once only the stricter one knows its own instant: that one is asked."""
    person = facts.draw(people.people(at))
    if rule.withheld == "attempt_cap" and person.country == "US" and person.region == "FL":
        caps = Caps(3, caps.lifetime, caps.min_gap, caps.max_age)

    until = int(rule.judge(people.standing_of([person], caps, at), caps, at).until[0])

    asked = facts.draw(st.integers(at, until - 1)) if at < until < NEVER else at
    assert TWINS[rule.id](person, caps, asked) == (until > 0)
    if 0 < until < NEVER:
        assert not TWINS[rule.id](person, caps, until)
        assert TWINS[rule.id](person, caps, until - 1)


@given(facts=st.data(), at=people.instants)
@settings(deadline=None, max_examples=100)
def test_the_window_stays_open_until_it_closes_and_closed_until_it_opens(facts, at):
    person = facts.draw(people.people(at))
    standing = people.standing_of([person], Caps(), at)

    closes, opens = int(open_until(standing, at)[0]), int(open_from(standing, at)[0])

    def is_open(then: int) -> bool:
        ids = ["NO-TIMEZONE", *(row["id"] for row in table()["hours"])]
        return not any(TWINS[id](person, Caps(), then) for id in ids)

    if not person.zones:
        assert (closes, opens) == (at, NEVER)
    elif is_open(at):
        assert opens == at < closes
        assert not is_open(closes)
        assert is_open(facts.draw(st.integers(at, closes - 1)))
    else:
        assert closes == at
        assert opens > at
        if opens < NEVER:
            assert is_open(opens)
            assert not is_open(facts.draw(st.integers(at, opens - 1)))


def test_new_york_may_be_called_from_eight_to_nine_on_its_own_clock():
    assert "US-HOURS" in failed(a_person(), parse("2026-06-02T07:59:59-04:00"))
    assert failed(a_person(), parse("2026-06-02T08:00-04:00")) == set()
    assert failed(a_person(), parse("2026-06-02T20:59:59-04:00")) == set()
    assert "US-HOURS" in failed(a_person(), parse("2026-06-02T21:00-04:00"))


def test_the_clock_that_goes_forward_opens_the_day_an_hour_earlier():
    before, after = parse("2026-03-07T13:00Z"), parse("2026-03-08T12:00Z")

    assert "US-HOURS" in failed(a_person(created_at=before), before - SECOND)
    assert failed(a_person(created_at=before), before) == set()
    assert failed(a_person(created_at=before), after) == set()
    assert "US-HOURS" in failed(a_person(created_at=before), after - SECOND)


def test_a_number_of_two_zones_is_called_only_when_both_are_awake():
    person = a_person(zones=("America/New_York", "America/Los_Angeles"))

    assert "US-HOURS" in failed(person, parse("2026-06-02T09:00-04:00"))
    assert failed(person, parse("2026-06-02T11:00-04:00")) == set()
    assert "US-HOURS" in failed(person, parse("2026-06-02T21:30-04:00"))


def test_a_state_that_is_stricter_than_the_country_has_its_way():
    person = a_person(region="FL")

    assert failed(person, parse("2026-06-02T20:30-04:00")) == {"US-STATE-HOURS"}


def test_a_due_callback_skips_the_gap_but_neither_hours_nor_caps_nor_suppression():
    noon = parse("2026-06-02T12:00-04:00")
    person = a_person(calls=(noon - HOUR,), callback_at=noon + 15 * MINUTE)
    capped = a_person(calls=(noon - 3 * HOUR, noon - 2 * HOUR, noon - HOUR), callback_at=noon)
    night = noon + 12 * HOUR

    assert failed(person, noon) == set()
    assert failed(person, noon - SECOND) == {"GAP"}
    assert failed(capped, noon) == {"CAP"}
    assert failed(a_person(callback_at=night), night) == {"US-HOURS"}
    assert failed(a_person(callback_at=noon, closed="dnc"), noon) == {"US-DNC"}


def test_a_call_leaves_the_cap_exactly_a_day_after_its_start():
    noon = parse("2026-06-02T12:00-04:00")
    person = a_person(calls=(noon - DAY, noon - 8 * HOUR, noon - 6 * HOUR))

    assert failed(person, noon) == set()
    assert failed(person, noon - 1) == {"CAP"}


def test_a_lead_without_a_state_stands_in_the_state_of_its_area_code():
    table = jurisdictions()

    assert table.places[table.code("US", None, "+13055550123")].region == "FL"
    assert table.places[table.code("US", "US-FL", None)].region == "FL"
    assert table.places[table.code("US", "Florida", "+13055550123")].region == "FL"
    assert table.places[table.code("US", "NY", "+13055550123")].region == ""
    assert table.places[table.code(None, None, "+442079460000")].country == "GB"
    assert table.places[table.code("UK", None, None)].country == "GB"
    assert table.places[table.code("JP", None, None)].country == "*"
    assert table.places[table.code(None, None, None)].country == "*"


def test_every_row_names_its_source_and_when_to_look_again():
    for row in (*table()["hours"], *table()["frequency"], *table()["abandonment"]):
        assert row["source"]
        assert row["drawn_up"] < row["review_by"]


def test_each_of_many_leads_has_the_window_of_its_own_pair():
    at = parse("2026-06-02T12:00-04:00")
    german = a_person(country="DE", zones=("Europe/Berlin",))
    one = people.standing_of([a_person(region="FL"), german], Caps(), at)

    many = one.take(np.arange(20_000) % 2)

    closes = [parse("2026-06-02T20:00-04:00"), parse("2026-06-02T20:00+02:00")]
    assert open_until(many, at).tolist() == closes * 10_000
