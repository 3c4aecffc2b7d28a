"""Days of a simulated floor, dialed over HTTP or in this process: what was heard, what the store says."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import orjson
from sqlalchemy import Engine, select

from features.instants import MINUTE, SECOND, render
from features.store.engine import open_engine, reading
from features.store.tables import batch, decision
from features.synthetic.history import History, play_history
from features.synthetic.parameters import family
from features.synthetic.result import Result
from features.synthetic.run import Progress, run
from features.synthetic.world import World, make_world
from serving.app import open_desk
from serving.client import Answer
from serving.local import LocalClient
from serving.settings import Settings
from serving.simulation import Service, ServiceQueue, Watch

HISTORY = 4
"""Days under the floor's old order, Monday to Thursday; the day dialed is the Friday after."""
SCALE, AGENTS, SEED = 0.15, 2, 7
POLL = 10 * MINUTE

TOLD = (
    "lead_id", "lease_id", "decision_id", "phone", "rank", "score", "p_answer", "p_convert", "handle_s",
    "source", "attempt_no", "timezone", "callable_until", "agent_id", "attributes",
)  # fmt: skip
"""What answers say of a lead alike, over HTTP and in this process."""


def a_world() -> World:
    """Five days of a floor of two agents."""
    return make_world(family("F0", scale=SCALE, agents=AGENTS, days=HISTORY + 1), SEED)


@dataclass(frozen=True)
class Dialed:
    """What happened after a history, by the floor's own records, and each poll's answer."""

    world: World
    result: Result
    queue: ServiceQueue
    polls: list[Answer]

    @property
    def watch(self) -> Watch:
        """What the dialer noticed."""
        return self.queue.watch


def dial(client: Service, past: History, poll: int = POLL, on_progress: Progress | None = None) -> Dialed:
    """Let a copy of the floor dial until its world's end what the service hands out."""
    floor, polls = past.floor.copy(), list[Answer]()
    queue = ServiceQueue(client, floor, poll // SECOND, heard=lambda at, said: polls.append(_heard(at, said)))
    result = run(floor, queue, past.until, floor.world.stop, poll, on_progress)
    return Dialed(floor.world, result, queue, polls)


def a_past() -> History:
    """The four days before the day that is dialed."""
    return play_history(a_world(), HISTORY)


def _heard(at: int, said: Answer) -> Answer:
    """An answer in plain JSON's terms, of leads what is `TOLD`."""
    whole = {name: said[name] for name in ("batch_id", "model_version", "degraded", "withheld", "expires_at")}
    items = [{name: item[name] for name in TOLD} for item in said["items"]]
    plain: Answer = orjson.loads(orjson.dumps({"at": render(at), **whole, "items": items}))
    return plain


@contextmanager
def in_this_process(environment: Mapping[str, str], engine: Engine) -> Iterator[LocalClient]:
    """A desk as a service with these settings opens one; its trainings inherit them."""
    with patch.dict(os.environ, environment, clear=True):
        yield LocalClient(open_desk(Settings(), engine))


def copied(source: Path, target: Path) -> Path:
    """A copy of a SQLite file, whole although somebody has it open."""
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()
    return target


def handed_out(engine: Engine) -> list[Mapping[str, str]]:
    """Every decision with all its columns, and every batch, in the order in which they were made."""
    with reading(engine) as connection:
        decisions = connection.execute(select(decision).order_by(decision.c.at, decision.c.decision_id)).all()
        batches = connection.execute(select(batch).order_by(batch.c.at, batch.c.batch_id)).all()
    return [{name: str(value) for name, value in row._mapping.items()} for row in (*decisions, *batches)]


def first_difference(one: object, other: object, where: str) -> str | None:
    """Where two plain values differ first, and in what; None where they don't."""
    if one == other:
        return None
    inside: Sequence[tuple[str, object, object]] = ()
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        inside = [(f"{where}.{name}", one[name], other[name]) for name in one if name in other]
    elif isinstance(one, list) and isinstance(other, list):
        inside = [(f"{where}[{i}]", *pair) for i, pair in enumerate(zip(one, other, strict=False))]
    found = (first_difference(ours, theirs, place) for place, ours, theirs in inside)
    return next((said for said in found if said is not None), f"{where}: {_short(one)}, not {_short(other)}")


def opened(file: Path, secret: str) -> Engine:
    """An engine on a SQLite file of an installation with this secret."""
    return open_engine(f"sqlite:///{file}", secret)


def _short(value: object) -> str:
    return f"{len(value)} of them" if isinstance(value, list) else repr(value)
