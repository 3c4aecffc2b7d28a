"""Webhooks over HTTP: subscribing, who sees what, what is refused; an event arrives before the answer."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from features.instants import MINUTE, render
from features.store.engine import reading
from tests.features.store.tellings import NOON, a_lead
from tests.serving.receivers import Receiver, a_receiver, statuses, verify

from .conftest import Door, Opened

URL = "http://127.0.0.1:9/hook"
AT = NOON + 5 * 60 * MINUTE


@pytest.fixture
def open_door(opened: Opened) -> Door:
    """A service that may post to this machine."""
    door = opened(webhook_allow="127.0.0.0/8")
    door.at = AT
    return door


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def test_a_subscription_is_made_listed_and_ended(open_door: Door):
    wanted = {"url": URL, "events": ["lead.hot", "sla.at_risk"]}
    quiet = {"start": "20:00", "end": "08:00", "timezone": "America/New_York"}

    made = open_door("POST", "/v1/webhooks", wanted | {"quiet_hours": quiet, "campaigns": ["spring"]})
    listed = open_door("GET", "/v1/webhooks").json()["items"]
    ended = open_door("DELETE", f"/v1/webhooks/{made.json()['webhook_id']}")

    assert made.status_code == 201
    told = dict(made.json())
    assert told.pop("secret").startswith("whsec_")
    assert listed == [told | {"pending": 0, "sent": 0, "failed": 0}]
    assert (told["url"], told["events"], told["quiet_hours"]) == (URL, ["lead.hot", "sla.at_risk"], quiet)
    assert (ended.status_code, ended.content) == (204, b"")
    assert open_door("GET", "/v1/webhooks").json() == {"items": []}
    assert open_door("DELETE", f"/v1/webhooks/{told['webhook_id']}").status_code == 404


def test_the_secret_is_nowhere_in_the_database(open_door: Door, engine: Engine):
    made = open_door("POST", "/v1/webhooks", {"url": URL, "events": ["lead.hot"]}, idempotency_key="k").json()

    with reading(engine) as connection:
        for table in ("webhook", "idempotency", "delivery"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()
            assert made["secret"].removeprefix("whsec_") not in str(rows)
            assert made["secret"].encode() not in str(rows).encode()


def test_the_same_key_gives_the_same_subscription_and_secret(open_door: Door):
    wanted = {"url": URL, "events": ["lead.hot"]}

    one = open_door("POST", "/v1/webhooks", wanted, idempotency_key="k")
    again = open_door("POST", "/v1/webhooks", wanted, idempotency_key="k")
    other = open_door("POST", "/v1/webhooks", wanted | {"events": ["sla.at_risk"]}, idempotency_key="k")
    another = open_door("POST", "/v1/webhooks", wanted)

    assert (one.status_code, one.json()) == (again.status_code, again.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert another.json()["webhook_id"] != one.json()["webhook_id"]
    assert len(open_door("GET", "/v1/webhooks").json()["items"]) == 2


@pytest.mark.parametrize(("url", "reason"), [
    ("http://127.0.0.1:9/hook", "private_address"), ("http://2130706433/", "private_address"),
    ("http://[::1]/", "private_address"), ("http://[::ffff:127.0.0.1]/", "private_address"),
    ("http://localhost/", "private_address"), ("http://169.254.169.254/latest", "private_address"),
    ("http://crm.invalid/", "unresolvable"), ("ftp://8.8.8.8/", "bad_url"),
    ("http://a:b@8.8.8.8/", "bad_url"),
])  # fmt: skip
def test_a_url_that_leads_to_no_public_address_is_refused(door: Door, url: str, reason: str):
    refused = door("POST", "/v1/webhooks", {"url": url, "events": ["lead.hot"]})

    assert (refused.status_code, refused.json()["code"]) == (422, "destination_refused")
    assert refused.json()["facts"] == {"reason": reason}


def test_a_public_address_is_taken_and_nothing_is_sent_to_it_yet(door: Door):
    assert (
        door("POST", "/v1/webhooks", {"url": "https://8.8.8.8/", "events": ["lead.hot"]}).status_code == 201
    )


@pytest.mark.parametrize("more", [
    {"events": []}, {"events": ["lead.cold"]}, {"url": ""}, {"secret": "mine"}, {"campaigns": []},
    {"quiet_hours": {"start": "20:00", "end": "20:00", "timezone": "UTC"}},
    {"quiet_hours": {"start": "20:00", "end": "24:00", "timezone": "UTC"}},
    {"quiet_hours": {"start": "20:00", "end": "08:00", "timezone": "Mars/Base"}},
])  # fmt: skip
def test_what_makes_no_sense_is_refused(open_door: Door, more: dict[str, object]):
    wanted = {"url": URL, "events": ["lead.hot"]} | more

    assert open_door("POST", "/v1/webhooks", wanted).status_code == 422


def test_it_takes_the_scope_and_reaches_no_further_than_the_key(open_door: Door):
    wanted = {"url": URL, "events": ["lead.hot"]}
    reader, spring = open_door.with_key("read"), open_door.with_key("manage", campaigns=["spring"])
    whole = open_door("POST", "/v1/webhooks", wanted).json()

    mine = spring("POST", "/v1/webhooks", wanted)

    assert [reader(method, "/v1/webhooks", wanted).status_code for method in ("POST", "GET")] == [403, 403]
    assert mine.json()["campaigns"] == ["spring"]
    assert [one["webhook_id"] for one in spring("GET", "/v1/webhooks").json()["items"]] == [
        mine.json()["webhook_id"]
    ]
    assert spring("POST", "/v1/webhooks", wanted | {"campaigns": ["autumn"]}).status_code == 404
    assert spring("DELETE", f"/v1/webhooks/{whole['webhook_id']}").json()["code"] == "unknown_webhook"
    assert len(open_door("GET", "/v1/webhooks").json()["items"]) == 2


def test_with_the_requests_clock_what_is_due_arrives_before_the_answer(open_door: Door, receiver: Receiver):
    open_door("PUT", "/v1/campaigns/spring", {"response_goal_s": 300})
    made = open_door("POST", "/v1/webhooks", {"url": receiver.url, "events": ["sla.at_risk"]}).json()
    open_door("POST", "/v1/leads:batch", [a_lead(created_at=render(AT), updated_at=render(AT))])

    open_door.at = AT + 4 * MINUTE
    open_door("GET", "/v1/campaigns/spring/diagnostics")
    open_door("GET", "/v1/campaigns/spring/diagnostics")

    ((headers, body),) = receiver.requests
    assert verify(made["secret"], headers, body)
    (told,) = receiver.bodies
    assert told["type"] == "sla.at_risk"
    assert told["data"] == {
        "campaign": "spring", "lead_id": "ann", "received_at": render(AT), "response_goal_s": 300,
        "due_at": render(AT + 5 * MINUTE),
    }  # fmt: skip
    assert open_door("GET", "/v1/webhooks").json()["items"][0]["sent"] == 1


def test_in_normal_running_it_arrives_by_itself(opened: Opened, receiver: Receiver):
    before = opened(webhook_allow="127.0.0.1")
    before("PUT", "/v1/campaigns/spring", {"goal_target": 10**9})
    made = before("POST", "/v1/webhooks", {"url": receiver.url, "events": ["goal.at_risk"]}).json()
    before.close()

    opened("system", webhook_allow="127.0.0.1")
    until = time.monotonic() + 20
    while not receiver.requests and time.monotonic() < until:
        time.sleep(0.02)

    ((headers, body),) = receiver.requests
    assert verify(made["secret"], headers, body)
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_a_receiver_that_is_gone_shows_in_diagnostics(open_door: Door):
    with a_receiver(statuses(410)) as receiver:
        open_door("PUT", "/v1/campaigns/spring", {"goal_target": 10**9})
        open_door("POST", "/v1/webhooks", {"url": receiver.url + "?token=hush", "events": ["goal.at_risk"]})
        open_door("GET", "/v1/webhooks")

    told = open_door("GET", "/v1/campaigns/spring/diagnostics")

    assert [alert["kind"] for alert in told.json()["alerts"]] == ["webhook.failed"]
    assert "hush" not in told.text
