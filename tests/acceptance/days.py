"""One day of a small simulated floor: dialed over HTTP or in this process, and what the store says of it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from features.instants import MINUTE, SECOND
from features.store.engine import open_engine, reading
from features.store.tables import batch, decision
from features.synthetic.history import play_history
from features.synthetic.parameters import family
from features.synthetic.result import Result
from features.synthetic.run import run
from features.synthetic.world import World, make_world
from serving.simulation import Service, ServiceQueue, Watch

HISTORY = 4
"""Days under the floor's old order, Monday to Thursday; the day dialed is the Friday after."""
SCALE, AGENTS, SEED = 0.15, 2, 7
POLL = 10 * MINUTE


def a_world() -> World:
    """Five days of a floor of two agents."""
    return make_world(family("F0", scale=SCALE, agents=AGENTS, days=HISTORY + 1), SEED)


@dataclass(frozen=True)
class Day:
    """What happened on the Friday, by the floor's own records."""

    world: World
    result: Result
    watch: Watch


def dial(client: Service) -> Day:
    """Let the floor dial for a day what the service hands out."""
    past = play_history(a_world(), HISTORY)
    queue = ServiceQueue(client, past.floor, POLL // SECOND)
    result = run(past.floor, queue, past.until, past.floor.world.stop, POLL)
    return Day(past.floor.world, result, queue.watch)


def copied(source: Path, target: Path) -> Path:
    """A copy of a SQLite file, whole although somebody has it open."""
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()
    return target


def handed_out(engine: Engine) -> list[tuple[object, ...]]:
    """Every decision with all its columns, and every batch, in the order in which they were made."""
    with reading(engine) as connection:
        decisions = connection.execute(select(decision).order_by(decision.c.at, decision.c.decision_id)).all()
        batches = connection.execute(select(batch).order_by(batch.c.at, batch.c.batch_id)).all()
    return [tuple(map(str, row)) for row in (*decisions, *batches)]


def opened(file: Path, secret: str) -> Engine:
    """An engine on a SQLite file of an installation with this secret."""
    return open_engine(f"sqlite:///{file}", secret)
