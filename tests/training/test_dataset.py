"""Examples: which calls teach a head, how they are labelled, and what an agent's time is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Outcome
from features.instants import DAY, HOUR, MINUTE, NEVER
from tests.builders import MONDAY, a_call, a_lead, a_lead_table, a_past
from tests.strategies import calls
from training.dataset import GRACE, PRIOR_SECONDS, HandleSeconds, examples, handle_seconds, mean_deal
from training.heads import heads
from training.heads.answer import HEAD as ANSWER
from training.heads.conversion import HEAD as CONVERSION
from training.heads.decay import HEAD as DECAY
from training.heads.handle_time import HEAD as HANDLE_TIME
from training.heads.value import HEAD as VALUE

NOW = MONDAY + 3 * DAY


def test_every_attempt_teaches_the_answer_head_at_the_moment_it_began():
    past = a_past(a_call(lead=0), a_call(lead=1, ended_at=MONDAY + HOUR, answered=True))

    found = examples(past, ANSWER, NOW)

    assert found.label.tolist() == [0, 1]
    assert found.at.tolist() == [MONDAY - MINUTE, MONDAY + HOUR - MINUTE]


def test_failed_attempts_teach_nothing():
    past = a_past(a_call(outcome=Outcome.ERROR), a_call(outcome=Outcome.DISCONNECTED))

    assert examples(past, ANSWER, NOW).label.tolist() == [0]


def test_only_contacts_that_an_agent_took_teach_the_conversion_head():
    past = a_past(
        a_call(lead=0),
        a_call(lead=1, answered=True, outcome=Outcome.ABANDONED),
        a_call(lead=2, answered=True, converted=True),
        a_call(lead=3, answered=True),
    )

    found = examples(past, CONVERSION, NOW)

    assert found.moments.lead.tolist() == [2, 3]
    assert found.label.tolist() == [1, 0]


def test_a_sale_that_is_told_later_is_no_sale_yet():
    past = a_past(a_call(converted=True, disposed_at=MONDAY + HOUR, disposed_known_at=NOW))

    assert examples(past, CONVERSION, NOW).label.tolist() == [0]
    assert examples(past, CONVERSION, NOW + 1).label.tolist() == [1]


def test_an_undisposed_contact_says_nothing_until_it_is_a_day_old():
    past = a_past(a_call(answered=True, disposed_at=NEVER, disposed_known_at=NEVER))

    assert len(examples(past, CONVERSION, MONDAY + GRACE)) == 0
    assert examples(past, CONVERSION, MONDAY + GRACE + 1).label.tolist() == [0]


def test_the_answer_head_never_learns_who_the_agent_was():
    """An agent is often known only of answered calls: its absence would tell the label."""
    past = a_past(a_call(agent=-1), a_call(agent=3, answered=True))

    assert examples(past, ANSWER, NOW).moments.agent.tolist() == [-1, -1]
    assert examples(past, CONVERSION, NOW).moments.agent.tolist() == [3]


@pytest.mark.parametrize("head", heads(), ids=lambda head: head.name)
@given(past=st.lists(calls(), max_size=12), until=st.sampled_from([MONDAY, MONDAY + 1, MONDAY + HOUR, NOW]))
@settings(deadline=None)
def test_no_example_knows_what_is_told_at_or_after_the_end(head, past, until):
    every = a_past(*past, leads=3)
    early = np.flatnonzero(every.log.known_at < until)
    told = type(every)(every.log.take(early), every.leads)

    assert examples(every, head, until).at.tolist() == examples(told, head, until).at.tolist()
    assert np.all(np.diff(examples(every, head, until).at) >= 0)


def test_seconds_start_at_the_prior_and_follow_the_calls():
    quiet, busy = a_past(leads=1), a_past(*[a_call(handle_s=26.0, started_at=MONDAY)] * 1_000)

    assert handle_seconds(quiet, NOW) == PRIOR_SECONDS
    assert handle_seconds(busy, NOW).no_answer == pytest.approx(26)
    assert handle_seconds(busy, NOW).sale == PRIOR_SECONDS.sale


def test_a_ringing_call_takes_the_agent_as_long_as_it_rings():
    past = a_past(*[a_call(handle_s=0.0, started_at=MONDAY - MINUTE)] * 5_000)

    assert handle_seconds(past, NOW).no_answer == pytest.approx(60, rel=0.01)


def test_an_attempts_seconds_are_weighted_by_how_it_may_end():
    seconds = HandleSeconds(20, 100, 500).expected(np.array([0, 1, 1, 0.5]), np.array([0.5, 0, 1, 0.5]))

    assert seconds.tolist() == [20, 100, 500, 160]


def test_a_lead_teaches_decay_once_in_each_period_of_its_life_until_it_buys():
    born = MONDAY
    tries = (2 * MINUTE, 4 * MINUTE, 50 * MINUTE, 3 * HOUR, 3 * HOUR + MINUTE, 30 * HOUR, 31 * HOUR)
    calls = [a_call(ended_at=born + MINUTE + after, converted=after == 30 * HOUR) for after in tries]
    past = a_past(*calls, leads=a_lead_table(a_lead(born)))

    found = examples(past, DECAY, NOW)

    assert ((found.at - born) // MINUTE).tolist() == [2, 50, 180, 30 * 60]
    assert found.label.tolist() == [0, 0, 0, 1]
    assert set(found.moments.agent.tolist()) == {-1}


def test_a_lead_that_bought_teaches_decay_no_more():
    calls = [a_call(ended_at=MONDAY + 2 * MINUTE, converted=True), a_call(ended_at=MONDAY + 5 * HOUR)]
    past = a_past(*calls, leads=a_lead_table(a_lead(MONDAY)))

    assert examples(past, DECAY, NOW).label.tolist() == [1]


def test_a_contact_whose_end_is_not_told_yet_teaches_decay_nothing():
    open_ = a_call(answered=True, disposed_at=NEVER, disposed_known_at=NEVER)

    assert len(examples(a_past(open_), DECAY, MONDAY + HOUR)) == 0
    assert examples(a_past(open_), DECAY, MONDAY + GRACE + 1).label.tolist() == [0]
    assert examples(a_past(a_call()), DECAY, MONDAY + HOUR).label.tolist() == [0]


def test_a_sale_teaches_what_it_brought_or_else_what_its_lead_was_said_to_bring():
    leads = a_lead_table(a_lead(value=100), a_lead(value=100), a_lead(value=np.nan), a_lead(value=100))
    past = a_past(
        a_call(lead=0, converted=True, value=150.0),
        a_call(lead=1, converted=True, value=0.0),
        a_call(lead=2, converted=True, value=0.0),
        a_call(lead=3, answered=True),
        leads=leads,
    )

    found = examples(past, VALUE, NOW)

    assert found.moments.lead.tolist() == [0, 1]
    assert np.exp(found.label).tolist() == pytest.approx([150, 100])


def test_a_conversation_teaches_its_length_beside_others_that_end_alike():
    short, long = (
        a_call(lead=0, answered=True, handle_s=120.0),
        a_call(lead=1, converted=True, handle_s=900.0),
    )
    past = a_past(short, long, a_call(lead=2))
    means = handle_seconds(past, NOW)

    found = examples(past, HANDLE_TIME, NOW)

    assert found.moments.lead.tolist() == [0, 1]
    assert np.exp(found.label).tolist() == pytest.approx([120 / means.contact, 900 / means.sale])


def test_the_mean_deal_is_shrunk_to_what_leads_are_said_to_be_worth():
    leads = a_lead_table(a_lead(value=100), a_lead(value=np.nan))
    sold = [a_call(lead=row % 2, ended_at=MONDAY + row, converted=True, value=160.0) for row in range(10)]

    assert mean_deal(a_past(*sold, leads=leads), NOW) == pytest.approx((10 * 160 + 20 * 100) / 30)
    assert mean_deal(a_past(leads=leads), NOW) == 100
    assert mean_deal(a_past(leads=a_lead_table(a_lead(value=np.nan))), NOW) == 1
    assert mean_deal(a_past(*sold, leads=a_lead_table(*[a_lead(value=np.nan)] * 2)), NOW) == 160


def test_who_talks_longer_takes_an_agent_longer_if_somebody_picks_up():
    means = HandleSeconds(20, 100, 500)

    assert means.expected(np.array([0.0, 0.5]), np.zeros(2), 2.0).tolist() == [20, 110]
