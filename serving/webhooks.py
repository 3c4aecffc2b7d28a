"""Webhooks: subscriptions to events, and their delivery: signed, tried again, once at a time, not at night.

Signed as the Standard Webhooks specification says (https://www.standardwebhooks.com, version 1.0.0).
"""

import hmac
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, Engine

from features.instants import HOUR, MINUTE, SECOND, of, render, to_datetime
from features.store.deliveries import FAILED, PENDING, SENT, Due, first_due, put_off, settle, take
from features.store.engine import transaction
from features.store.installation import secret_of
from features.store.outbox import DRIFT, HOT, LATE, PROMOTED, SHORT, UNDELIVERED, tell
from features.store.webhooks import end_webhook

from .post import Said, Sender

KINDS = (HOT, LATE, SHORT, DRIFT, PROMOTED)
"""What can be subscribed to."""

RETRIES = (5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR)
"""Waits between attempts; after the last one, some 52 hours after the first, it is given up."""
HELD = MINUTE
"""A delivery taken by a sender that died is due again after this time; longer than a post can take."""
MOST = 500
"""Deliveries of one round at most."""
_GONE = 410

ClockOf = Callable[[Connection, int], int]


def signing_secret(installation: bytes, webhook_id: str) -> str:
    """The secret that a subscription's deliveries are signed with: derived, so nobody has to keep it."""
    return "whsec_" + b64encode(_key(installation, webhook_id)).decode()


def message_id(installation: bytes, event: int) -> str:
    """The event's id on the wire: the same however often and to whomever it is sent."""
    return "evt_" + hmac.digest(installation, b"leadrank event %d" % event, "sha256")[:16].hex()


def signed(key: bytes, message: str, at: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows who sent a body, and when."""
    stamp = str(at // SECOND)
    mark = hmac.digest(key, f"{message}.{stamp}.".encode() + body, "sha256")
    return {
        "content-type": "application/json",
        "user-agent": "leadrank",
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{b64encode(mark).decode()}",
    }


def content(message: str, due: Due) -> bytes:
    """What is sent of an event: the same bytes at each attempt."""
    told = {"id": message, "type": due.kind, "timestamp": render(due.at), "data": dict(due.payload)}
    return orjson.dumps(told)


def awake_at(quiet: Mapping[str, str] | None, at: int) -> int:
    """The first instant from `at` on that isn't in the quiet hours: [start, end) of local days."""
    if quiet is None:
        return at
    zone = ZoneInfo(quiet["timezone"])
    start, end = time.fromisoformat(quiet["start"]), time.fromisoformat(quiet["end"])
    local = to_datetime(at).astimezone(zone)
    now = local.time().replace(tzinfo=None)
    asleep = start <= now < end if start < end else now >= start or now < end
    return _next(local, end, zone, at) if asleep else at


@dataclass(frozen=True)
class Round:
    """What one round of deliveries came to."""

    sent: int = 0
    failed: int = 0


def deliver(engine: Engine, send: Sender, clock: ClockOf, at: int) -> Round:
    """Send what is due; who doesn't answer is left alone for the rest of the round.

    However many senders there are, each delivery is with one of them at a time. What a sender began and did
    not end is sent again, under the same id.
    """
    sent, tired = 0, set[str]()
    for _ in range(MOST):
        taken = _take_next(engine, clock, at, tired)
        if taken is None:
            break
        due, key, message, now = taken
        body = content(message, due)
        said = send(due.url, signed(key, message, now, body), body)
        with transaction(engine) as connection:
            _record(connection, due, said, clock(connection, at))
        if said.good:
            sent += 1
        else:
            tired.add(due.webhook_id)
    return Round(sent, len(tired))


def _take_next(
    engine: Engine, clock: ClockOf, at: int, tired: Collection[str]
) -> tuple[Due, bytes, str, int] | None:
    """Take the next delivery that is due to a subscriber who is awake, with its key, id and instant."""
    with transaction(engine) as connection:
        now, secret = clock(connection, at), secret_of(connection)
        while (due := first_due(connection, now, tired)) is not None:
            wakes = awake_at(due.quiet, now)
            if wakes <= now:
                take(connection, due, now + HELD)
                return due, _key(secret, due.webhook_id), message_id(secret, due.event), now
            put_off(connection, due.webhook_id, wakes)
    return None


def _record(connection: Connection, due: Due, said: Said, at: int) -> None:
    """Sent, due again later, or given up: then diagnostics say so, once a day for a subscriber."""
    if said.good:
        settle(connection, due, SENT, said.words, at)
        return
    left = due.attempts < len(RETRIES) and said.status != _GONE
    state, then = (PENDING, at + RETRIES[due.attempts]) if left else (FAILED, at)
    if not settle(connection, due, state, said.words, then) or left:
        return
    if said.status == _GONE:
        end_webhook(connection, due.webhook_id, at)
    told = {
        "webhook_id": due.webhook_id,
        "event": due.kind,
        "said": said.words,
        "ended": said.status == _GONE,
    }
    tell(connection, UNDELIVERED, f"{due.webhook_id}|{render(at)[:10]}", at, told)


def _key(installation: bytes, webhook_id: str) -> bytes:
    return hmac.digest(installation, b"leadrank webhook " + webhook_id.encode(), "sha256")


def _next(local: datetime, clock: time, zone: ZoneInfo, at: int) -> int:
    """The first instant after `at` at which a local clock shows that time; twice a year it does so twice."""
    days = (local.date(), local.date() + timedelta(days=1))
    shown = (of(datetime.combine(day, clock, zone).replace(fold=fold)) for day in days for fold in (0, 1))
    return next(instant for instant in shown if instant > at)
