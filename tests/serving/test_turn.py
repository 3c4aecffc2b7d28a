"""Turns: one worker at a job, for as long as it works and no longer than it lives."""

import time
from pathlib import Path

from sqlalchemy import Engine, select

from features.instants import MINUTE, SECOND
from features.store.engine import open_engine, reading
from features.store.tables import lease
from serving.turn import Turn

PATIENCE_S = 30


def until(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(lease.c.expires_at)).scalar_one())


def test_one_has_the_job_until_its_work_is_over(engine: Engine):
    first, second = Turn(engine, "training", "a"), Turn(engine, "training", "b")

    taken = first.taken(), second.taken()
    with first.kept():
        while_at_work = second.taken()
    after = second.taken()

    assert (taken, while_at_work, after) == ((True, False), False, True)


def test_another_job_is_another_turn(engine: Engine):
    assert Turn(engine, "training", "a").taken()
    assert Turn(engine, "board", "b").taken()


def test_one_that_died_blocks_nobody(engine: Engine):
    died = Turn(engine, "training", "a", lasts=0)

    assert died.taken()
    assert Turn(engine, "training", "b").taken()


def test_work_that_takes_long_keeps_its_turn(engine: Engine):
    turn = Turn(engine, "training", "a", lasts=MINUTE, renewed=SECOND // 50)
    turn.taken()
    first, begun = until(engine), time.monotonic()

    with turn.kept():
        while until(engine) <= first and time.monotonic() - begun < PATIENCE_S:
            time.sleep(0.02)
        renewed = until(engine)

    assert renewed > first


def test_who_lost_its_turn_neither_keeps_nor_ends_the_next_ones(engine: Engine):
    late, next_one = Turn(engine, "training", "a", lasts=0), Turn(engine, "training", "b")
    late.taken()
    next_one.taken()
    before = until(engine)

    with late.kept():
        pass

    assert until(engine) == before
    assert not Turn(engine, "training", "c").taken()


def test_work_goes_on_where_the_database_is_away(tmp_path: Path):
    nothing_there = open_engine(f"sqlite:///{tmp_path}/leadrank.db")
    done = False

    with Turn(nothing_there, "training", "a", renewed=SECOND // 50).kept():
        time.sleep(0.1)
        done = True

    assert done
    nothing_there.dispose()
