"""The change counter: numbers follow the order of commits."""

import threading

from sqlalchemy import Engine

from features.store.changes import numbers, take
from features.store.engine import transaction


def test_numbers_ascend_without_gaps(engine: Engine):
    with transaction(engine) as connection:
        first = take(connection)
        some = list(numbers(connection, 3))

    assert some == [first + 1, first + 2, first + 3]


def test_no_numbers_cost_nothing(engine: Engine):
    with transaction(engine) as connection:
        before = take(connection)
        assert list(numbers(connection, 0)) == []
        assert take(connection) == before + 1


def test_a_rolled_back_number_is_given_again(engine: Engine):
    with engine.connect() as connection:
        lost = take(connection)
        connection.rollback()

    with transaction(engine) as connection:
        assert take(connection) == lost


def test_a_second_writer_waits_until_the_first_has_committed(engine: Engine):
    """Else a reader could see the later number first and never look back."""
    taken: list[int] = []

    def second() -> None:
        with transaction(engine) as connection:
            taken.append(take(connection))

    other = threading.Thread(target=second)
    with transaction(engine) as connection:
        first = take(connection)
        other.start()
        other.join(timeout=0.2)
        assert taken == []
    other.join()

    assert taken == [first + 1]
