"""Trips: what SQLAlchemy's own statements do is what statements in one round trip do."""

import pytest
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import IntegrityError, OperationalError

from features.store.engine import reading, transaction
from features.store.trips import ask, tell_and_commit

PUT = text(
    "INSERT INTO lease (resource, lease_id, dialer_id, token, expires_at, state) "
    "VALUES (:name, :name, 'd1', 1, 0, 'leased') RETURNING token"
)
READ = text("SELECT lease_id FROM lease ORDER BY resource")
LEAVE = text("SELECT pg_terminate_backend(pg_backend_pid())")

on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def put(name: str) -> tuple[TextClause, dict[str, object]]:
    return PUT, {"name": name}


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [name for (name,) in connection.execute(READ)]


def test_a_statement_sees_what_those_before_it_did(engine: Engine):
    with transaction(engine) as connection:
        first, then, last = ask(connection, put("a"), (READ, {}), put("b"))
    assert [[*map(tuple, rows)] for rows in (first, then, last)] == [[(1,)], [("a",)], [(1,)]]
    assert names(engine) == ["a", "b"]


@on_postgresql
def test_the_last_statement_ends_the_transaction(engine: Engine):
    with transaction(engine) as connection:
        tell_and_commit(connection, *put("a"))
        assert names(engine) == ["a"]
    assert names(engine) == ["a"]


@on_postgresql
def test_one_that_fails_undoes_them_all_and_says_why(engine: Engine):
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        ask(connection, put("a"), put("b"), put("a"), put("c"))
    assert names(engine) == []


@on_postgresql
def test_a_last_statement_that_fails_undoes_those_before_it(engine: Engine):
    def work() -> None:
        with transaction(engine) as connection:
            ask(connection, put("a"))
            tell_and_commit(connection, *put("a"))

    with pytest.raises(IntegrityError):
        work()
    assert names(engine) == []


@on_postgresql
def test_a_lost_connection_is_told_and_not_used_again(engine: Engine):
    with pytest.raises(OperationalError), transaction(engine) as connection:
        ask(connection, put("a"), (LEAVE, {}), put("b"))
    assert names(engine) == []
    with transaction(engine) as connection:
        ask(connection, put("c"))
    assert names(engine) == ["c"]


def test_work_is_done_while_statements_are_under_way_and_their_rows_come_behind_it(engine: Engine):
    done = list[str]()
    with transaction(engine) as connection:
        (rows,) = ask(connection, put("a"), meanwhile=lambda: done.append("work"))
    assert (done, [*map(tuple, rows)], names(engine)) == (["work"], [(1,)], ["a"])


def test_work_that_fails_meanwhile_undoes_the_statements(engine: Engine):
    def fail() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), transaction(engine) as connection:
        ask(connection, put("a"), meanwhile=fail)
    assert names(engine) == []
    with transaction(engine) as connection:
        ask(connection, put("b"))
    assert names(engine) == ["b"]


@on_postgresql
def test_work_that_fails_beside_the_last_statement_comes_too_late_to_undo_it(engine: Engine):
    def fail() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), transaction(engine) as connection:
        tell_and_commit(connection, *put("a"), meanwhile=fail)
    with transaction(engine) as connection:
        ask(connection, put("b"))
    assert names(engine) == ["a", "b"]
