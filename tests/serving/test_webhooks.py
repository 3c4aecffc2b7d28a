"""Webhooks: what is due is sent once at a time, signed, tried again, not at night, in the end given up."""

import threading
from collections.abc import Mapping

import pytest
from sqlalchemy import Connection, Engine

from features.instants import DAY, HOUR, MINUTE, SECOND, parse
from features.store.deliveries import first_due, take
from features.store.engine import open_engine, reading, transaction
from features.store.installation import secret_of
from features.store.outbox import DRIFT, HOT, PROMOTED, TRAINING_FAILED, tell
from features.store.webhooks import Webhook, add_webhook, all_webhooks, end_webhook, progress
from serving.alerts import alerts
from serving.destinations import Allowed, Guard
from serving.post import Post, Said
from serving.webhooks import HELD, RETRIES, awake_at, deliver, signing_secret

from .receivers import a_receiver, statuses, verify

AT = parse("2026-01-05T12:00:00Z")
POST = Post(Guard(Allowed.of("127.0.0.1")))
NIGHT = {"start": "20:00", "end": "08:00", "timezone": "Europe/Berlin"}


def subscribe(engine: Engine, url: str, *kinds: str, name: str = "wh_1", **more) -> Webhook:
    with transaction(engine) as connection:
        told = {"campaigns": None, "quiet": None, "created_at": AT} | more
        return add_webhook(connection, Webhook(name, url, kinds or (HOT,), **told))


def happen(engine: Engine, key: str = "ann", kind: str = HOT, at: int = AT, **payload: object) -> None:
    with transaction(engine) as connection:
        tell(connection, kind, key, at, {"lead_id": key, "campaign": "spring"} | payload)


def run(engine: Engine, at: int = AT, send=POST):
    return deliver(engine, send, lambda _connection, at: at, at)


def states(engine: Engine, name: str = "wh_1") -> dict[str, int]:
    with reading(engine) as connection:
        return progress(connection).get(name, {})


class Refuses:
    """A sender whose receiver always answers the same."""

    def __init__(self, status: int = 500) -> None:
        self.status, self.sent = status, list[str]()

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Said:
        self.sent.append(headers["webhook-id"])
        return Said(self.status)


def test_an_event_arrives_signed_for_its_subscriber(engine: Engine):
    with a_receiver() as receiver:
        subscribe(engine, receiver.url)
        happen(engine)
        run(engine, AT + 7 * SECOND)

    with reading(engine) as connection:
        secret = signing_secret(secret_of(connection), "wh_1")
    ((headers, body),) = receiver.requests
    assert verify(secret, headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(signing_secret(b"another", "wh_1"), headers, body)
    assert headers["webhook-timestamp"] == str((AT + 7 * SECOND) // SECOND)
    assert receiver.bodies == [
        {
            "id": headers["webhook-id"], "type": "lead.hot", "timestamp": "2026-01-05T12:00:00Z",
            "data": {"lead_id": "ann", "campaign": "spring"},
        }
    ]  # fmt: skip
    assert states(engine) == {"sent": 1}


def test_an_event_that_was_sent_is_not_sent_again_nor_one_of_the_same_key(engine: Engine):
    with a_receiver() as receiver:
        subscribe(engine, receiver.url)
        for _ in range(3):
            happen(engine)
            run(engine)

    assert len(receiver.requests) == 1


def test_events_of_other_kinds_or_campaigns_or_of_before_are_nobodys(engine: Engine):
    with a_receiver() as receiver:
        happen(engine, "early")
        subscribe(engine, receiver.url, HOT, PROMOTED, campaigns=("autumn",))
        happen(engine, "drift", DRIFT)
        happen(engine, "failed", TRAINING_FAILED)
        happen(engine, "spring's")
        happen(engine, "autumn's", campaign="autumn")
        happen(engine, "everybody's", PROMOTED, campaign=None)
        run(engine)

    assert [body["data"]["lead_id"] for body in receiver.bodies] == ["autumn's", "everybody's"]  # type: ignore[index]


def test_a_failure_is_tried_again_later_under_the_same_id_with_a_new_signature(engine: Engine):
    with a_receiver(statuses(500, 503)) as receiver:
        subscribe(engine, receiver.url)
        happen(engine)
        at = [AT, AT + RETRIES[0] - 1, AT + RETRIES[0], AT + RETRIES[0] + RETRIES[1]]
        rounds = [run(engine, one).sent for one in at]

    assert rounds == [0, 0, 0, 1]
    assert len(receiver.requests) == 3
    assert len(set(receiver.ids)) == 1
    assert len({headers["webhook-signature"] for headers, _ in receiver.requests}) == 3
    assert len({body for _, body in receiver.requests}) == 1


def test_who_does_not_answer_delays_nobody_else_and_is_asked_once_a_round(engine: Engine):
    with a_receiver(statuses(*[500] * 9)) as broken, a_receiver() as good:
        subscribe(engine, broken.url, name="wh_broken")
        subscribe(engine, good.url, name="wh_good")
        for key in ("ann", "bob", "cid"):
            happen(engine, key)
        run(engine)

    assert (len(broken.requests), len(good.requests)) == (1, 3)


def test_after_the_last_try_it_is_given_up_and_diagnostics_say_so(engine: Engine):
    subscribe(engine, "http://127.0.0.1:9/very-secret")
    happen(engine)
    at, send = AT, Refuses()

    for wait in (0, *RETRIES, DAY):
        at += wait
        run(engine, at, send)

    (alert,) = alerts(engine, at)
    assert len(send.sent) == len(RETRIES) + 1
    assert states(engine) == {"failed": 1}
    assert (alert.kind, alert.payload["webhook_id"], alert.payload["said"]) == (
        "webhook.failed", "wh_1", "answered 500",
    )  # fmt: skip
    assert "secret" not in str(alert.payload)


def test_a_receiver_that_is_gone_for_good_ends_its_subscription(engine: Engine):
    subscribe(engine, "http://127.0.0.1:9/")
    happen(engine, "ann")
    happen(engine, "bob")

    run(engine, AT, Refuses(410))

    with reading(engine) as connection:
        assert all_webhooks(connection) == []
    assert states(engine) == {"failed": 1}
    assert [alert.payload["ended"] for alert in alerts(engine, AT)] == [True]


def test_two_senders_at_once_send_everything_once(engine: Engine):
    started = threading.Barrier(2)
    url = engine.url.render_as_string(hide_password=False)

    def sends():
        own = open_engine(url)
        started.wait()
        run(own)
        own.dispose()

    with a_receiver() as receiver:
        subscribe(engine, receiver.url)
        for number in range(40):
            happen(engine, f"lead-{number}")
        senders = [threading.Thread(target=sends) for _ in range(2)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    assert len(receiver.ids) == len(set(receiver.ids)) == 40
    assert states(engine) == {"sent": 40}


def test_what_another_sender_has_in_hand_is_left_to_it(engine: Engine):
    subscribe(engine, "http://127.0.0.1:9/")
    happen(engine)
    seen = []

    def sends(url: str, headers: Mapping[str, str], body: bytes) -> Said:
        seen.append(run(engine, AT, Refuses()).failed)
        return Said(204)

    run(engine, AT, sends)

    assert seen == [0]
    assert states(engine) == {"sent": 1}


def test_a_sender_that_died_in_the_middle_is_made_good_after_a_restart(engine: Engine):
    class Died(Exception):
        """The machine went down."""

    def dies(url: str, headers: Mapping[str, str], body: bytes) -> Said:
        first.append(headers["webhook-id"])
        raise Died

    first = list[str]()
    with a_receiver() as receiver:
        subscribe(engine, receiver.url)
        happen(engine)
        with pytest.raises(Died):
            run(engine, AT, dies)
        again = open_engine(engine.url.render_as_string(hide_password=False))
        early, late = run(again, AT + HELD - 1).sent, run(again, AT + HELD).sent
        again.dispose()

    assert (early, late) == (0, 1)
    assert receiver.ids == first


def test_an_attempt_that_ends_after_another_began_changes_nothing(engine: Engine):
    subscribe(engine, "http://127.0.0.1:9/")
    happen(engine)

    def slow(url: str, headers: Mapping[str, str], body: bytes) -> Said:
        with transaction(engine) as connection:
            due = first_due(connection, AT + HELD)
            assert due is not None
            take(connection, due, AT + 2 * HELD)
        return Said(500)

    run(engine, AT, slow)

    with reading(engine) as connection:
        assert first_due(connection, AT + 2 * HELD - 1) is None
        assert first_due(connection, AT + 2 * HELD) is not None


def test_nothing_is_sent_to_a_subscription_that_ended(engine: Engine):
    with a_receiver() as receiver:
        subscribe(engine, receiver.url)
        happen(engine)
        with transaction(engine) as connection:
            ended = [end_webhook(connection, "wh_1", AT), end_webhook(connection, "wh_1", AT)]
        happen(engine, "bob")
        run(engine, AT + DAY)

    assert ended == [True, False]
    assert receiver.requests == []
    assert states(engine) == {}


def test_a_subscription_that_ends_while_it_is_sent_to_stays_ended(engine: Engine):
    def ends(url: str, headers: Mapping[str, str], body: bytes) -> Said:
        with transaction(engine) as connection:
            end_webhook(connection, "wh_1", AT)
        return Said(500)

    subscribe(engine, "http://127.0.0.1:9/")
    happen(engine)
    run(engine, AT, ends)

    assert run(engine, AT + DAY, Refuses()).failed == 0
    assert states(engine) == {}


def test_what_falls_into_quiet_hours_is_sent_at_their_end(engine: Engine):
    late_evening = parse("2026-01-05T21:00:00+01:00")
    with a_receiver() as receiver:
        subscribe(engine, receiver.url, quiet=NIGHT)
        happen(engine, "ann", at=late_evening)
        happen(engine, "bob", at=late_evening)
        rounds = [run(engine, late_evening + wait).sent for wait in (0, 11 * HOUR - 1, 11 * HOUR)]

    assert rounds == [0, 0, 2]


@pytest.mark.parametrize(("at", "awake"), [
    ("2026-01-05T19:59:59+01:00", "2026-01-05T19:59:59+01:00"),
    ("2026-01-05T20:00:00+01:00", "2026-01-06T08:00:00+01:00"),
    ("2026-01-06T07:59:59+01:00", "2026-01-06T08:00:00+01:00"),
    ("2026-01-06T08:00:00+01:00", "2026-01-06T08:00:00+01:00"),
    ("2026-03-28T23:00:00+01:00", "2026-03-29T08:00:00+02:00"),
    ("2026-10-25T02:30:00+02:00", "2026-10-25T08:00:00+01:00"),
])  # fmt: skip
def test_quiet_hours_are_local_over_midnight_and_changes_of_clocks(at: str, awake: str):
    assert awake_at(NIGHT, parse(at)) == parse(awake)


@pytest.mark.parametrize("minute", range(0, 1440, 7))
def test_quiet_hours_always_end(minute: int):
    """On the night when clocks go back an end within the hour that comes twice is met both times."""
    quiet = {"start": "01:00", "end": "02:30", "timezone": "Europe/Berlin"}
    at = parse("2026-10-24T22:00:00Z") + minute * MINUTE

    woken = awake_at(quiet, at)

    assert at <= woken <= at + 3 * HOUR
    assert awake_at(quiet, woken) in (woken, woken + HOUR)


def test_a_daytime_nap_is_quiet_too():
    nap = {"start": "12:00", "end": "13:00", "timezone": "UTC"}

    assert awake_at(nap, AT) == AT + HOUR
    assert awake_at(nap, AT - 1) == AT - 1
    assert awake_at(None, AT) == AT


def test_waits_grow_over_two_days():
    assert list(RETRIES) == sorted(RETRIES)
    assert sum(RETRIES) // HOUR == 51


def test_the_clock_of_normal_running_is_the_databases(engine: Engine):
    def clock(_connection: Connection, _at: int) -> int:
        return AT + HOUR

    with a_receiver() as receiver:
        subscribe(engine, receiver.url)
        happen(engine)
        deliver(engine, POST, clock, AT)

    assert receiver.requests[0][0]["webhook-timestamp"] == str((AT + HOUR) // SECOND)
