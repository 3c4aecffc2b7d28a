"""Credit: every sale once, to one attempt or to nobody."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.attempts import Attempts, Conversions, Decisions
from features.instants import DAY, HOUR, MINUTE, NEVER
from features.leads import Coded
from serving.kpi.attribution import COVER, attribute, join_decisions


def some_attempts(*rows: tuple[int, int, bool], confirmation: bool = False) -> Attempts:
    """(lead, started_at, converted) each; a day's horizon, a value of 100."""
    n = len(rows)
    order = sorted(rows, key=lambda row: row[1])
    started = np.array([row[1] for row in order], np.int64)
    none, yes, zero = np.full(n, np.nan), np.ones(n, np.bool_), np.zeros(n, np.int64)
    unknown = Coded((), np.full(n, -1))
    names = ("campaign", "zone", "channel", "source", "agent", "team", "script", "shift")
    return Attempts(
        lead=np.array([row[0] for row in order], np.int64),
        started_at=started,
        ended_at=started + MINUTE,
        known_at=started + MINUTE,
        received_at=zero,
        result=np.zeros(n, np.int8),
        human=yes,
        abandoned=~yes,
        converted=np.array([row[2] for row in order], np.bool_),
        value=np.full(n, 100.0),
        talk_s=none,
        hold_s=none,
        wrap_s=none,
        horizon=np.full(n, DAY),
        confirmation=yes & confirmation,
        agent_dials=yes,
        decision=np.full(n, -1),
        words={"goal": Coded(("sale",), zero), **dict.fromkeys(names, unknown)},
    )


def some_conversions(*rows: tuple[int, int, bool]) -> Conversions:
    """(lead, at, cancelled) each, of the goal `sale`, worth 70."""
    n = len(rows)
    cancelled = np.array([row[2] for row in rows], np.bool_)
    at = np.array([row[1] for row in rows], np.int64)
    return Conversions(
        lead=np.array([row[0] for row in rows], np.int64),
        goal=Coded(("sale",), np.zeros(n, np.int64)),
        at=at,
        value=np.full(n, 70.0),
        confirmed=~cancelled & (at < NEVER),
        cancelled=cancelled,
        ours=np.ones(n, np.bool_),
    )


def some_decisions(*rows: tuple[int, int]) -> Decisions:
    """(lead, at) each."""
    words = Coded.of([f"arm{place}" for place in range(len(rows))])
    lead, at = (np.array([row[part] for row in rows], np.int64) for part in (0, 1))
    return Decisions(lead, at, words, words)


NO_DECISIONS = some_decisions()


def test_a_sale_on_a_call_belongs_to_that_call():
    credits = attribute(
        some_attempts((1, HOUR, False), (1, 2 * HOUR, True)), some_conversions(), NO_DECISIONS
    )

    assert credits.gross.tolist() == [False, True]
    assert credits.net_value.tolist() == [0, 100]


def test_a_recorded_conversion_confirms_a_sale_and_is_no_second_one():
    attempts = some_attempts((1, HOUR, True), (1, 3 * HOUR, False), confirmation=True)

    unconfirmed = attribute(attempts, some_conversions(), NO_DECISIONS)
    confirmed = attribute(attempts, some_conversions((1, 4 * HOUR, False)), NO_DECISIONS)

    assert (unconfirmed.gross.sum(), unconfirmed.net.sum()) == (1, 0)
    assert (confirmed.gross.tolist(), confirmed.net.tolist()) == ([True, False], [True, False])
    assert (confirmed.gross_value.sum(), confirmed.net_value.sum()) == (100, 70)


def test_a_cancelled_sale_stays_gross_and_is_not_net():
    credits = attribute(some_attempts((1, HOUR, True)), some_conversions((1, 2 * HOUR, True)), NO_DECISIONS)

    assert (credits.gross.sum(), credits.net.sum()) == (1, 0)


def test_a_conversion_without_a_selling_call_belongs_to_the_last_call_within_the_horizon():
    attempts = some_attempts((1, HOUR, False), (1, 2 * HOUR, False), (1, 30 * HOUR, False))

    within = attribute(attempts, some_conversions((1, 26 * HOUR, False)), NO_DECISIONS)
    after = attribute(attempts.take(np.arange(2)), some_conversions((1, 26 * HOUR + 1, False)), NO_DECISIONS)

    assert within.gross.tolist() == [False, True, False]
    assert (after.gross.sum(), after.unclaimed_late.tolist()) == (0, [True])


def test_a_second_sale_of_the_same_goal_is_none():
    credits = attribute(some_attempts((1, HOUR, True), (1, 5 * HOUR, True)), some_conversions(), NO_DECISIONS)

    assert credits.gross.tolist() == [True, False]


leads, instants = st.integers(1, 4), st.integers(0, 72).map(lambda hour: hour * HOUR)
attempts_drawn = st.lists(
    st.tuples(leads, instants, st.booleans()), max_size=12, unique_by=lambda row: row[:2]
)
conversions_drawn = st.lists(
    st.tuples(leads, st.one_of(instants, st.just(NEVER)), st.booleans()),
    max_size=4,
    unique_by=lambda row: row[0],
)


@given(calls=attempts_drawn, recorded=conversions_drawn, confirmation=st.booleans())
@settings(deadline=None, max_examples=150)
def test_credit_is_conserved(calls, recorded, confirmation):
    """Sales are leads that a call sold or a conversion was recorded of: each is credited exactly once."""
    recorded = [(lead, at, cancelled or at == NEVER) for lead, at, cancelled in recorded]
    attempts = some_attempts(*calls, confirmation=confirmation)

    credits = attribute(attempts, some_conversions(*recorded), NO_DECISIONS)

    sales = {lead for lead, _, sold in calls if sold} | {lead for lead, at, _ in recorded if at < NEVER}
    credited = attempts.lead[credits.gross].tolist()
    assert len(credited) == len(set(credited))
    assert len(credited) + credits.unclaimed_value.size == len(sales)
    assert not (credits.net & ~credits.gross).any()
    assert set(np.flatnonzero(credits.gross_value)) <= set(np.flatnonzero(credits.gross))


@given(calls=attempts_drawn, made=st.lists(st.tuples(leads, instants), max_size=10, unique=True))
@settings(deadline=None, max_examples=150)
def test_an_attempt_without_an_echo_carries_out_the_leads_last_decision_that_covers_it(calls, made):
    attempts, decisions = some_attempts(*calls), some_decisions(*sorted(made, key=lambda row: row[1]))

    found = join_decisions(attempts, decisions)

    for row, decision in enumerate(found):
        at, start = decisions.at, int(attempts.started_at[row])
        covering = np.flatnonzero(
            (decisions.lead == attempts.lead[row]) & (at <= start) & (start - at <= COVER)
        )
        assert decision == (covering[np.argmax(at[covering])] if covering.size else -1)


def test_an_echoed_decision_has_precedence():
    attempts = replace(some_attempts((1, HOUR, False)), decision=np.array([1]))

    assert join_decisions(attempts, some_decisions((1, HOUR), (1, 0))).tolist() == [1]
