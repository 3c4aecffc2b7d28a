"""Desks on a store under test, with what a dialer tells them, in process."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from features.instants import HOUR, MINUTE, render
from features.store.engine import reading, transaction
from features.store.installation import secret_of
from features.store.writes import accept_events, accept_leads
from features.store.writes.receipts import EventReceipt
from serving.desk import Desk
from serving.handout import Batch, Order
from serving.memory import labelled, restored, save
from serving.models import Models
from serving.retraining import Trainer
from tests.features.store.tellings import NOON, a_call, a_lead, an_event

OPEN = NOON + 5 * HOUR
"""Noon in New York, on a Monday."""


def a_desk(engine: Engine, models: Models | None = None) -> Desk:
    """A worker's desk; without models rules rank."""
    with reading(engine) as connection:
        salt = secret_of(connection)
    untrained = Models("sqlite:////nowhere/mlflow.db", Path("/nowhere"))
    return Desk(engine, models or untrained, Trainer("", ""), salt)


def remember(desk: Desk, folder: Path) -> None:
    """Save what a desk knows."""
    with reading(desk.engine) as connection:
        label = labelled(desk.memory, connection)
    save(desk.memory, label, folder)


def restarted(desk: Desk, folder: Path, at: int) -> Desk:
    """The next process in a desk's place, with what was saved; its models are the same."""
    with reading(desk.engine) as connection:
        found = restored(connection, folder)
    assert found is not None
    memory = found.with_(desk.models.champion(), at)
    return Desk(desk.engine, desk.models, desk.trainer, desk.salt, desk.by_database, memory)


def many_leads(count: int, first: int = 0, **more: object) -> list[dict[str, object]]:
    """Leads of one campaign, each with a number of its own."""
    return [
        a_lead(f"lead-{n:04d}", phones=[{"e164": f"+1212556{n:04d}", "type": "mobile"}], **more)
        for n in range(first, first + count)
    ]


def tell_leads(engine: Engine, leads: Sequence[dict[str, object]], at: int = OPEN) -> None:
    """Store leads, all of them good."""
    with transaction(engine) as connection:
        results = accept_leads(connection, leads, at)
    assert not [one for one in results if one.result == "rejected"]


def tell(engine: Engine, *events: dict[str, object], at: int = OPEN) -> EventReceipt:
    """Store events."""
    with transaction(engine) as connection:
        return accept_events(connection, events, at)


def a_dial(
    call_id: str, lead_id: str, start: int, outcome: str = "no_answer", **more: object
) -> dict[str, object]:
    """A `call.attempted` that began at `start` and took two minutes."""
    end = start + 2 * MINUTE
    told = {"started_at": render(start), "ended_at": render(end), "outcome": outcome, "human_answered": False}
    dialed = a_call(call_id, lead_id)
    said = dialed["data"]
    assert isinstance(said, dict)
    return dialed | {"time": render(end), "data": {**said, "talk_s": 0, **told, **more}}


def a_stop(kind: str, at: int, **subject: str) -> dict[str, object]:
    """A `dnc.added`, `dnc.removed` or `objection.received`."""
    return an_event(kind, "", at, **subject)


def ids(batch: Batch) -> list[str]:
    """The leads handed out, in order."""
    return [item.lead_id for item in batch.items]


def poll(desk: Desk, at: int, n: int = 10, dialer: str = "d1", seconds: int = 120, key: str = "") -> Batch:
    """One poll of the campaign that `a_lead` is in."""
    return desk.lease("spring", Order(n, seconds, dialer), key, at)
