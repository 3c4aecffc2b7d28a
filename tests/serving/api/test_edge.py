"""What every request can count on: ids, problems, limits, the clock, the same answer twice."""

import asyncio
import re
import threading
from pathlib import Path

import orjson
import pytest
from fastapi import Response
from httpx2 import ASGITransport, AsyncClient
from httpx2 import Response as Answer
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from features.instants import DAY, HOUR, SECOND, render
from features.store.answers import Asked, claim, keep
from features.store.engine import transaction
from serving.api import problems
from serving.api.crowd import Crowd
from serving.api.meter import Meter
from serving.api.middleware import CROWD, Edge
from serving.errors import ServingError
from tests.features.store.tellings import NOON, a_lead

from .conftest import Door, Opened

PROBLEM = "application/problem+json"


def test_a_request_id_comes_back_and_is_made_where_none_was_given(door: Door):
    given, made = door("GET", "/health/live", X_Request_Id="call-7"), door("GET", "/health/live")
    odd = door("GET", "/health/live", X_Request_Id="spaces and\ttabs")

    assert given.headers["X-Request-Id"] == "call-7"
    assert re.fullmatch("[0-9a-f]{16}", made.headers["X-Request-Id"])
    assert re.fullmatch("[0-9a-f]{16}", odd.headers["X-Request-Id"])


BACKWARDS = "from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z"


def test_every_refusal_is_a_problem_with_a_stable_code(door: Door):
    for status, code, answer in (
        (404, "not_found", door("GET", "/nowhere")),
        (405, "method_not_allowed", door("DELETE", "/v1/kpis")),
        (404, "unknown_campaign", door("GET", "/v1/campaigns/winter")),
        (404, "unknown_decision", door("GET", "/v1/decisions/d1")),
        (404, "unknown_lead", door("GET", "/v1/leads/nobody/explain")),
        (404, "unknown_kpi", door("GET", "/v1/kpis?kpi=happiness")),
        (422, "bad_query", door("GET", "/v1/kpis?kpi=contact_rate&by=moon")),
        (422, "bad_query", door("GET", f"/v1/attribution?campaign=spring&{BACKWARDS}")),
        (400, "bad_instant", door("GET", "/v1/kpis?kpi=contact_rate&from=yesterday")),
        (422, "malformed", door("PUT", "/v1/campaigns/spring", {"holdout": 2})),
        (422, "malformed_body", door.send("/v1/leads:batch", b"{", "application/json")),
        (422, "malformed_body", door.send("/v1/leads:batch", b"7", "application/json")),
        (422, "malformed_body", door.send("/v1/leads:batch", b"[" * 9999, "application/json")),
        (422, "malformed_body", door.send("/v1/eligibility:check", b"[" * 9999, "application/json")),
        (415, "unsupported_media", door.send("/v1/leads:batch", b"a,b", "text/csv")),
        (415, "unsupported_media", door.send("/v1/events", b"{}", "text/plain")),
        (413, "too_many_items", door("POST", "/v1/leads:batch", [1] * 5001)),
        (413, "too_many_items", door("POST", "/v1/leases:ack", [1] * 501)),
        (413, "body_too_large", door.send("/v1/leases:ack", b" " * (1 << 20) + b"[]", "application/json")),
    ):
        told = answer.json()
        assert (answer.status_code, told["code"], told["status"]) == (status, code, status), told
        assert answer.headers["Content-Type"] == PROBLEM
        assert {"type", "title", "detail", "instance"} <= set(told)


def test_a_refusal_never_repeats_what_was_sent(door: Door):
    asked = {"campaign": "spring", "phone": "+1212secret", "lead_id": "ann"}

    answer = door("POST", "/v1/eligibility:check", asked)

    assert answer.status_code == 422
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", [
    "/v1/leads/%00/explain", "/v1/decisions/%00", "/v1/kpis?kpi=contact_rate&campaign=%00",
    "/v1/attribution?campaign=%00", "/v1/quarantine?code=%00", f"/v1/quarantine?after={1 << 63}",
])  # fmt: skip
def test_what_no_database_can_look_for_is_malformed_and_no_failure_of_the_database(door: Door, path: str):
    answer = door("GET", path)

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


def test_an_unknown_error_tells_nothing_but_its_request_id(door: Door):
    @door.client.app.get("/broken")  # type: ignore[attr-defined]
    def broken() -> None:
        raise RuntimeError("+12125550123")

    answer = door("GET", "/broken", X_Request_Id="r1")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "1212" not in answer.text
    assert answer.headers["X-Request-Id"] == "r1"


def test_without_its_database_the_service_says_503_and_gives_no_lease(door: Door):
    door("POST", "/v1/leads:batch", [a_lead()])
    lease = ("POST", "/v1/campaigns/spring/queue:lease", {"n": 1, "dialer_id": "d"})
    with transaction(door.engine) as connection:
        connection.execute(text("ALTER TABLE lead RENAME TO lead_gone"))
        connection.execute(text("ALTER TABLE campaign RENAME TO campaign_gone"))

    try:
        answer = door(*lease)
    finally:
        with transaction(door.engine) as connection:
            connection.execute(text("ALTER TABLE lead_gone RENAME TO lead"))
            connection.execute(text("ALTER TABLE campaign_gone RENAME TO campaign"))

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_every_family_of_errors_has_a_status():
    families = [ServingError]
    for family in families:
        families += family.__subclasses__()

    assert all(400 <= problems.status_of(family()) <= 599 for family in families)


def test_the_interface_describes_itself_and_loads_nothing_from_elsewhere(door: Door):
    told = door("GET", "/openapi.json").json()
    lease = told["paths"]["/v1/campaigns/{campaign}/queue:lease"]["post"]

    assert "LeaseResponse" in lease["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert (
        "application/cloudevents-batch+json" in told["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    )
    assert told["components"]["securitySchemes"]
    assert door("GET", "/docs").status_code == 404


def test_health_and_metrics_need_no_key_and_name_nobody(door: Door):
    door("POST", "/v1/leads:batch", [a_lead("ann")])
    open_door = Door(door.client, door.engine, "", None)

    live, ready, metrics = (open_door("GET", path) for path in ("/health/live", "/health/ready", "/metrics"))

    assert live.json() == {"status": "alive"}
    assert (ready.json()["status"], ready.json()["model_version"]) == ("ready", None)
    assert 'leadrank_requests_total{route="POST /v1/leads:batch",status="200"} 1' in metrics.text
    assert "ann" not in metrics.text.replace("cannot", "")
    assert "+1212" not in metrics.text


def test_a_broken_registry_does_not_keep_the_service_from_serving(opened: Opened, tmp_path: Path):
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)

    ready = opened(registry=tmp_path)("GET", "/health/ready")

    assert (ready.status_code, ready.json()["status"], ready.json()["degraded"]) == (200, "ready", True)


def test_a_registry_that_nobody_made_is_not_made_by_asking(opened: Opened, tmp_path: Path):
    door = opened(registry=tmp_path)

    assert door("GET", "/v1/models").json() == {"items": [], "degraded": False, "trouble": ""}
    assert not (tmp_path / "mlflow.db").exists()


def test_a_service_that_ended_is_at_work_no_more(opened: Opened):
    opened("system").close()

    assert not [one.name for one in threading.enumerate() if one.name.startswith("leadrank")]


@pytest.mark.parametrize("path", ["/v1/kpis", "/v1/models", "/v1/quarantine"])
def test_in_normal_running_nobody_else_says_what_time_it_is(opened: Opened, path: str):
    door = opened("system")

    refused, own = door("GET", path, Leadrank_Now=render(NOON)), door("GET", path)

    assert (refused.status_code, refused.json()["code"]) == (403, "clock_not_allowed")
    assert own.status_code == 200


@pytest.mark.parametrize("said", ["1989-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_instant_that_only_a_broken_clock_says_is_no_time_to_answer_as_of(door: Door, said: str):
    poll = ("POST", "/v1/campaigns/spring/queue:lease", {"n": 1, "dialer_id": "d1"})

    refused, later = door(*poll, Leadrank_Now=said), door(*poll)

    assert (refused.status_code, refused.json()["code"]) == (400, "bad_instant")
    assert later.json()["ranked_at"] == render(NOON)


def test_with_the_requests_clock_the_latest_instant_said_holds_until_another(door: Door):
    silent = Door(door.client, door.engine, door.token, None)
    before = silent("GET", "/v1/kpis?kpi=contact_rate")

    door("GET", "/v1/kpis?kpi=contact_rate")
    after = silent("GET", "/v1/kpis?kpi=contact_rate")
    odd = silent("GET", "/v1/kpis", Leadrank_Now="noon")

    assert (before.status_code, before.json()["code"]) == (400, "clock_missing")
    assert after.json()["to"] == render(NOON)
    assert (odd.status_code, odd.json()["code"]) == (400, "bad_instant")


def test_the_same_key_and_body_give_the_same_answer_for_a_day(door: Door):
    first = door("POST", "/v1/leads:batch", [a_lead()], Idempotency_Key="k1")
    again = door("POST", "/v1/leads:batch", [a_lead()], Idempotency_Key="k1")
    other = door("POST", "/v1/leads:batch", [a_lead("bob")], Idempotency_Key="k1")
    door.at = NOON + DAY + SECOND
    later = door("POST", "/v1/leads:batch", [a_lead()], Idempotency_Key="k1")

    assert first.json()["items"][0]["result"] == "created"
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert later.json()["items"][0]["result"] == "unchanged"


def test_an_idempotency_key_belongs_to_its_api_key_and_its_route(door: Door):
    door("POST", "/v1/leads:batch", [a_lead()], Idempotency_Key="k1")

    elsewhere = door("POST", "/v1/events", [], Idempotency_Key="k1")
    another = door.with_key("ingest")("POST", "/v1/leads:batch", [a_lead("bob")], Idempotency_Key="k1")

    assert elsewhere.status_code == 202
    assert another.json()["items"][0]["result"] == "created"


def test_a_failed_request_frees_its_idempotency_key(door: Door):
    failed = door("POST", "/v1/leads:batch", {"no": "list"}, Idempotency_Key="k1")

    again = door("POST", "/v1/leads:batch", [a_lead()], Idempotency_Key="k1")

    assert (failed.status_code, again.status_code) == (422, 200)


def test_a_request_still_at_work_is_not_done_twice_until_it_must_have_died(door: Door):
    asked = Asked("k1", "/v1/x", "key", b"digest")
    with transaction(door.engine) as connection:
        first = claim(connection, asked, NOON)
        second = claim(connection, asked, NOON + SECOND)
        third = claim(connection, asked, NOON + HOUR)
        keep(connection, asked, 200, b"done")
        fourth = claim(connection, asked, NOON + HOUR + SECOND)

    assert (first, third) == (None, None)
    assert second is not None
    assert second.status is None
    assert fourth is not None
    assert fourth.response == b"done"


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/ndjson; charset=utf-8"])
def test_leads_come_as_lines_too_and_a_bad_line_fails_alone(door: Door, kind: str):
    lines = orjson.dumps(a_lead()) + b"\nnot json\n\n" + orjson.dumps(a_lead("bob")) + b"\n"

    answer = door.send("/v1/leads:batch", lines, kind)

    assert [one["result"] for one in answer.json()["items"]] == ["created", "rejected", "created"]


def test_a_crowd_is_sent_away_at_once_but_whoever_asks_for_health_is_not():
    may_go = asyncio.Event()

    async def slow(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/v1/"):
            await may_go.wait()
        await Response()(scope, _receive, send)

    async def play() -> tuple[list[int], Answer, Answer]:
        app = Edge(slow, Meter(), Crowd())
        async with AsyncClient(transport=ASGITransport(app), base_url="http://floor") as client:
            waiting = [asyncio.create_task(client.post("/v1/events")) for _ in range(CROWD)]
            while app.crowd.size < CROWD:
                await asyncio.sleep(0)
            refused, health = await client.post("/v1/events"), await client.get("/health/live")
            may_go.set()
            return [(await one).status_code for one in waiting], refused, health

    served, refused, health = asyncio.run(play())

    assert served == [200] * CROWD
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (
        429,
        "too_busy",
        "1",
    )
    assert health.status_code == 200
