"""The outbox: an event is written once, by whoever finds it first, and read in the order of time."""

from sqlalchemy import Engine

from features.instants import DAY
from features.store.engine import open_engine, reading, transaction
from features.store.outbox import DRIFT, TRAINING_FAILED, tell, told
from tests.features.store.tellings import NOON


def test_an_event_of_the_same_key_is_written_once(engine: Engine):
    with transaction(engine) as connection:
        first = tell(connection, DRIFT, "monday", NOON, {"checks": ["answer"]})
    with transaction(engine) as connection:
        again = tell(connection, DRIFT, "monday", NOON + DAY, {"checks": []})

    with reading(engine) as connection:
        found = told(connection, DRIFT, 0)
    assert (first, again) == (True, False)
    assert [(one.kind, one.at, one.payload) for one in found] == [(DRIFT, NOON, {"checks": ["answer"]})]


def test_kinds_have_keys_of_their_own_and_ids_grow(engine: Engine):
    with transaction(engine) as connection:
        tell(connection, DRIFT, "a", NOON, {})
        tell(connection, TRAINING_FAILED, "a", NOON, {"reason": "x"})
        tell(connection, DRIFT, "b", NOON + DAY, {})

        drifts = told(connection, DRIFT, 0)
        later = told(connection, DRIFT, NOON + 1)

    assert [one.at for one in drifts] == [NOON, NOON + DAY]
    assert drifts[0].id < drifts[1].id
    assert later == drifts[1:]


def test_what_was_told_is_there_after_a_restart(engine: Engine):
    with transaction(engine) as connection:
        tell(connection, DRIFT, "a", NOON, {"psi": 0.5})

    again = open_engine(engine.url.render_as_string(hide_password=False))
    with reading(again) as connection:
        found = told(connection, DRIFT, 0)
    again.dispose()

    assert [one.payload for one in found] == [{"psi": 0.5}]
