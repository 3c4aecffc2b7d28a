"""Deliveries: which event is due to which subscriber, taken by one sender at a time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from .tables import delivery, outbox, webhook

PENDING, SENT, FAILED = "pending", "sent", "failed"


@dataclass(frozen=True)
class Due:
    """One event to tell one subscriber, with the attempts made before."""

    webhook_id: str
    url: str
    quiet: Mapping[str, str] | None
    event: int
    kind: str
    at: int
    payload: Mapping[str, object]
    attempts: int


def first_due(connection: Connection, at: int, tired: Collection[str] = ()) -> Due | None:
    """The delivery due longest, leaving out subscribers who are tired; locked until the transaction ends."""
    asked = (
        select(delivery.c.webhook_id, webhook.c.url, webhook.c.quiet, delivery.c.event)
        .add_columns(outbox.c.kind, outbox.c.at, outbox.c.payload, delivery.c.attempts)
        .select_from(
            delivery.join(webhook, webhook.c.webhook_id == delivery.c.webhook_id).join(
                outbox, outbox.c.id == delivery.c.event
            )
        )
        .where(delivery.c.state == PENDING, delivery.c.next_at <= at, webhook.c.ended_at.is_(None))
        .where(delivery.c.webhook_id.not_in(list(tired)))
        .order_by(delivery.c.next_at, delivery.c.event, delivery.c.webhook_id)
        .limit(1)
        .with_for_update(skip_locked=True, of=delivery)
    )
    row = connection.execute(asked).first()
    return None if row is None else Due(*row)


def take(connection: Connection, due: Due, until: int) -> None:
    """Begin an attempt: nobody else takes the delivery before `until`."""
    mine = (delivery.c.webhook_id == due.webhook_id) & (delivery.c.event == due.event)
    begun = {"attempts": due.attempts + 1, "next_at": until}
    connection.execute(update(delivery).where(mine).values(**begun))


def put_off(connection: Connection, webhook_id: str, until: int) -> None:
    """Nothing pending is due to a subscriber before `until`."""
    early = (delivery.c.state == PENDING) & (delivery.c.next_at < until)
    connection.execute(
        update(delivery).where(delivery.c.webhook_id == webhook_id, early).values(next_at=until)
    )


def settle(connection: Connection, due: Due, state: str, said: str, at: int) -> bool:
    """Record what came of the attempt that `take` began; `at` is when it ended, or is to be tried again.

    False if another attempt has begun since, or the subscription ended: then that counts.
    """
    mine = (delivery.c.webhook_id == due.webhook_id) & (delivery.c.event == due.event)
    mine &= (delivery.c.state == PENDING) & (delivery.c.attempts == due.attempts + 1)
    done = {"state": state, "said": said, "next_at": at, "done_at": None if state == PENDING else at}
    return connection.execute(update(delivery).where(mine).values(**done)).rowcount == 1
