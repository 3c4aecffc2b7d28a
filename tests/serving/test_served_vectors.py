"""Served vectors: what the model saw stays on record, and the store can say it again."""

import numpy as np
import pytest
from sqlalchemy import Engine, func, select, update

from features import for_leads
from features.instants import DAY, HOUR, MINUTE, render
from features.served import Found, ServedVector, decode, encode, judge
from features.store.engine import reading, transaction
from features.store.served_vectors import Verification, verify
from features.store.tables import decision, feature_set, served_vector
from features.store.writes import accept_events
from serving.desk import Desk
from serving.lookahead import look_ahead
from serving.models import Models
from tests.features.store.tellings import a_lead, an_event
from tests.serving.desks import OPEN, a_desk, a_dial, ids, many_leads, poll, tell, tell_leads
from training.bundle import Bundle, Model
from training.calibration import AS_IT_IS
from training.dataset import PRIOR_SECONDS
from training.margin import Curve, Margin

AT = OPEN


@pytest.fixture
def floor(engine: Engine) -> Engine:
    """Forty leads, half of them called twice yesterday."""
    then = render(AT - 2 * DAY)
    told = {"need": 3, "mood": "warm"}
    tell_leads(engine, many_leads(40, attributes=told, created_at=then, updated_at=then), at=AT - 2 * DAY)
    dials = [
        a_dial(f"c{n}-{turn}", f"lead-{n:04d}", AT - DAY + turn * 3 * HOUR + n * MINUTE)
        for n in range(20)
        for turn in (0, 1)
    ]
    tell(engine, *dials, at=AT - 12 * HOUR)
    return engine


def a_logging_desk(engine: Engine, share: float = 1.0) -> Desk:
    """A desk whose model sees every feature, and keeps what it saw of a share of leads."""
    desk = a_desk(engine)
    desk.follow(AT)
    features = for_leads(desk.ledger.past().leads)
    flat = Curve(False, np.empty(0), np.empty(0), 0.0)
    model = Model("", Margin(-1.0, (flat,) * len(features)), AS_IT_IS)
    bundle = Bundle("", AT - DAY, features, {"answer": model, "conversion": model}, PRIOR_SECONDS).named()
    desk.models = Models(desk.models.uri, desk.models.cache, "", bundle)
    desk.sheet.logged = share
    return desk


def verified(engine: Engine, sample: int | None = None) -> Verification:
    with reading(engine) as connection:
        return verify(connection, AT - DAY, AT + DAY, sample)


def count(engine: Engine, table) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_served_vector_is_what_the_store_says_of_that_moment(floor: Engine):
    given = poll(a_logging_desk(floor), AT, 12)
    tell(floor, *(a_dial(f"d-{lead}", lead, AT + MINUTE) for lead in ids(given)), at=AT + HOUR)

    found = verified(floor)

    assert (found.vectors, found.passed, found.told_since) == (12, True, 0)
    assert found.values.tolist()[1:] == [0, 0, 0]
    assert found.values[Found.MATCHED] >= 12 * 30
    assert (count(floor, served_vector), count(floor, feature_set)) == (12, 1)


def vector_of(desk: Desk, lead: str) -> ServedVector | None:
    row = desk.ledger.leads.row(lead) or 0
    return desk.sheet.served(desk.ledger.past(), np.array([row])).get(row)


def test_every_desk_keeps_the_same_share_of_leads(floor: Engine):
    one, other = a_logging_desk(floor, 0.4), a_logging_desk(floor, 0.4)

    first, second = poll(one, AT, 20), poll(other, AT, 20, "d2")

    with reading(floor) as connection:
        kept = set(connection.execute(select(served_vector.c.decision_id)).scalars())
    logged = {item.lead_id for item in (*first.items, *second.items) if item.decision_id in kept}
    sampled = {lead for lead in one.ledger.leads.ids if vector_of(one, lead)}
    assert 4 < len(logged) < 32
    assert logged <= sampled
    assert sampled == {lead for lead in sampled if vector_of(other, lead)}


def test_without_a_share_nothing_is_kept(floor: Engine):
    poll(a_logging_desk(floor, 0.0), AT, 5)

    assert (count(floor, served_vector), count(floor, decision)) == (0, 5)


def test_a_planted_mismatch_is_found_and_named(floor: Engine):
    desk = a_logging_desk(floor)
    poll(desk, AT, 6)
    bundle = desk.models.champion()
    assert bundle is not None
    names = [feature.name for feature in bundle.features]
    with transaction(floor) as connection:
        row = connection.execute(select(served_vector).limit(1)).one()
        values = decode([row.vector], len(names))[0].copy()
        values[names.index("lead_calls_7d")] = 99
        values[names.index("lead_answer_rate")] = np.nan
        connection.execute(
            update(served_vector)
            .where(served_vector.c.decision_id == row.decision_id)
            .values(vector=encode(values))
        )

    found = verified(floor)

    assert not found.passed
    assert found.values.tolist()[1:] == [1, 1, 0]
    assert set(found.features) == {"lead_calls_7d", "lead_answer_rate"}
    worst = found.features["lead_calls_7d"]
    assert (worst.decision_id, worst.served) == (row.decision_id, 99.0)
    assert worst.again in (0.0, 2.0)


def test_what_was_stored_after_the_scoring_but_known_before_is_counted_apart(floor: Engine):
    given = poll(a_logging_desk(floor), AT, 6)
    tell(floor, a_dial("late", ids(given)[0], AT - 3 * HOUR), at=AT - MINUTE)

    found = verified(floor)

    assert found.passed
    assert 0 < found.told_since <= 6


def test_an_erased_leads_vectors_are_forgotten(floor: Engine):
    given = poll(a_logging_desk(floor), AT, 6)
    gone = ids(given)[0]
    with transaction(floor) as connection:
        accept_events(connection, [an_event("lead.erased", lead_id=gone, time=AT + MINUTE)], AT + MINUTE)

    assert count(floor, served_vector) == 5
    assert verified(floor).passed


def test_vectors_of_features_that_mean_something_else_now_are_counted_apart(floor: Engine):
    poll(a_logging_desk(floor), AT, 6)
    with transaction(floor) as connection:
        connection.execute(update(feature_set).values(specs=[{"kind": "Forgotten", "name": "x"}]))

    found = verified(floor)

    assert (found.passed, found.other_features, found.values.sum()) == (True, 6, 0)


def test_a_sample_is_as_large_as_asked(floor: Engine):
    poll(a_logging_desk(floor), AT, 9)

    assert verified(floor, 4).vectors == 4


def test_a_lead_scored_again_is_kept_as_it_was_scored_last(floor: Engine):
    desk = a_logging_desk(floor)
    look_ahead(desk, AT - HOUR)
    tell_leads(floor, [a_lead("extra", updated_at=render(AT))])

    poll(desk, AT, 10)

    with reading(floor) as connection:
        assert set(connection.execute(select(served_vector.c.scored_at)).scalars()) == {AT}
    assert verified(floor).passed


@pytest.mark.parametrize(
    ("served", "again", "found"),
    [
        (1.0, 1.0, Found.MATCHED),
        (np.nan, np.nan, Found.MATCHED),
        (1.0, np.nextafter(np.float32(1), np.float32(2)), Found.MISMATCHED),
        (np.nan, 0.0, Found.MISSING),
        (0.0, np.nan, Found.EXTRA),
    ],
)
def test_a_value_is_judged_to_the_last_bit(served: float, again: float, found: Found):
    one, other = (np.array([[value]], np.float32) for value in (served, again))

    assert judge(one, other).item() == found
    assert np.array_equal(decode([encode(one[0])], 1), one, equal_nan=True)
