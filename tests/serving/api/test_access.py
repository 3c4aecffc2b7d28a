"""Who may do what: keys, scopes, campaigns."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, event, select

from features.instants import HOUR, render
from features.store.engine import reading, transaction
from features.store.keys import all_keys, revoke_key
from features.store.tables import api_key
from serving.access import RENEWED_S, SCOPES, TRUST_S, Keys, Principal, create_key
from serving.errors import KeyUnknown
from tests.features.store.tellings import NOON, a_lead, an_event

from .conftest import Door


def test_a_key_is_256_random_bits_and_only_a_keyed_hash_of_it_is_stored(engine: Engine):
    token, other = (create_key(engine, "dialer", ["queue"], None, NOON) for _ in range(2))

    with reading(engine) as connection:
        digests = [bytes(row.digest) for row in connection.execute(select(api_key))]
    secret = token.split("_")[2]
    assert token.startswith("lrk_")
    assert len(bytes.fromhex(secret)) == 32
    assert token != other
    assert all(bytes.fromhex(secret) not in digest and secret.encode() not in digest for digest in digests)


def test_a_key_tells_who_asks(engine: Engine):
    token = create_key(engine, "dialer", ["queue", "read"], ["spring"], NOON)

    found = Keys(engine).principal(token, 0.0)

    assert (found.name, found.scopes, found.campaigns) == (
        "dialer",
        frozenset({"queue", "read"}),
        frozenset({"spring"}),
    )


@pytest.mark.parametrize("spoil", [
    lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
    lambda token: token.replace("lrk_", "abc_"),
    lambda token: token.rpartition("_")[0],
    lambda token: token + "_x",
    lambda token: "lrk_000000000000_" + token.split("_")[2],
    lambda token: "",
    lambda token: "é" + token,
])  # fmt: skip
def test_any_other_text_is_no_key(engine: Engine, spoil):
    keys, token = Keys(engine), create_key(engine, "dialer", ["queue"], None, NOON)
    keys.principal(token, 0.0)

    with pytest.raises(KeyUnknown):
        keys.principal(spoil(token), 0.0)


def test_of_many_requests_at_once_one_asks_whether_the_key_still_stands(engine: Engine):
    keys, token = Keys(engine), create_key(engine, "dialer", ["queue"], None, NOON)
    known, start, asked = keys.principal(token, 100.0), Barrier(8), list[str]()
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    def one(_: int) -> Principal:
        start.wait()
        return keys.principal(token, 100.0 + RENEWED_S)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(one, range(8)))

    assert found == [known] * 8
    assert len([statement for statement in asked if "api_key" in statement]) == 1


def test_a_revoked_key_stops_working_within_seconds(engine: Engine):
    keys, token = Keys(engine), create_key(engine, "dialer", ["queue"], None, NOON)
    keys.principal(token, 100.0)
    with transaction(engine) as connection:
        revoke_key(connection, token.split("_")[1], NOON)

    with pytest.raises(KeyUnknown):
        keys.principal(token, 100.0 + TRUST_S)
    with reading(engine) as connection:
        assert all_keys(connection)[0].revoked_at == NOON


@pytest.mark.parametrize("scopes", [[], ["dance"]])
def test_a_key_has_scopes_that_exist(engine: Engine, scopes: list[str]):
    with pytest.raises(ValueError, match="scopes are"):
        create_key(engine, "dialer", scopes, None, NOON)


ENDPOINTS = {
    ("POST", "/v1/leads:batch"): "ingest",
    ("POST", "/v1/events"): "ingest",
    ("GET", "/v1/campaigns/spring"): "manage",
    ("PUT", "/v1/campaigns/spring"): "manage",
    ("POST", "/v1/campaigns/spring/queue:lease"): "queue",
    ("GET", "/v1/campaigns/spring/ranking"): "queue",
    ("GET", "/v1/campaigns/spring/diagnostics"): "read",
    ("POST", "/v1/leases:ack"): "queue",
    ("POST", "/v1/eligibility:check"): "queue",
    ("GET", "/v1/leads/ann/explain"): "read",
    ("GET", "/v1/decisions/x"): "read",
    ("POST", "/v1/models:train"): "manage",
    ("GET", "/v1/models"): "manage",
    ("GET", "/v1/kpis"): "read",
    ("GET", "/v1/attribution"): "read",
    ("GET", "/v1/webhooks"): "manage",
    ("POST", "/v1/webhooks"): "manage",
    ("DELETE", "/v1/webhooks/wh_x"): "manage",
    ("GET", "/v1/quarantine"): "manage",
    ("POST", "/v1/quarantine:replay"): "manage",
}
BODIES = {
    "/v1/webhooks": {"url": "https://8.8.8.8/", "events": ["lead.hot"]},
    "/v1/campaigns/spring/queue:lease": {"n": 1, "dialer_id": "d"},
    "/v1/eligibility:check": {"campaign": "spring", "lead_id": "ann"},
}


def test_every_endpoint_asks_for_its_scope_and_for_a_key(door: Door):
    paths = door("GET", "/openapi.json").json()["paths"].items()
    listed = {(method.upper(), path) for path, found in paths for method in found if path.startswith("/v1")}
    named = {"spring": "{campaign}", "ann": "{lead_id}", "x": "{decision_id}", "wh_x": "{webhook_id}"}
    assert listed == {
        (method, "/".join(named.get(part, part) for part in path.split("/"))) for method, path in ENDPOINTS
    }

    doors = {scope: door.with_key(*(one for one in SCOPES if one != scope)) for scope in SCOPES}
    stranger, nobody = Door(door.client, door.engine, "lrk_0_0"), Door(door.client, door.engine, "")
    for (method, path), scope in ENDPOINTS.items():
        content = BODIES.get(path, {} if method == "PUT" else [] if method == "POST" else None)
        lacking = doors[scope](method, path, content)
        assert (lacking.status_code, lacking.json()["code"]) == (403, "scope_missing"), path
        assert lacking.json()["facts"] == {"needed": scope}
        for bad, code in ((stranger, "key_unknown"), (nobody, "key_missing")):
            refused = bad(method, path, content)
            assert (refused.status_code, refused.json()["code"]) == (401, code)
            assert "Bearer" in refused.headers["WWW-Authenticate"]


def test_another_campaigns_things_do_not_exist_for_a_key(door: Door):
    door("POST", "/v1/leads:batch", [a_lead("ann"), a_lead("bob", campaign="autumn")])
    limited = door.with_key(*SCOPES, campaigns=["autumn"])

    for method, path, content in (
        ("GET", "/v1/campaigns/spring", None),
        ("PUT", "/v1/campaigns/spring", {}),
        ("POST", "/v1/campaigns/spring/queue:lease", {"n": 1, "dialer_id": "d"}),
        ("GET", "/v1/campaigns/spring/ranking", None),
        ("GET", "/v1/campaigns/spring/diagnostics", None),
        ("POST", "/v1/eligibility:check", {"campaign": "spring", "lead_id": "ann"}),
        ("GET", "/v1/leads/ann/explain", None),
        ("GET", "/v1/kpis?kpi=contact_rate&campaign=spring", None),
    ):
        assert limited(method, path, content).status_code == 404, path
    assert limited("GET", "/v1/campaigns/autumn").status_code == 200
    assert limited("GET", "/v1/kpis?kpi=contact_rate").status_code == 200
    assert limited("GET", "/v1/quarantine").status_code == 403


def test_a_limited_key_takes_no_lead_from_another_campaign(door: Door):
    door("POST", "/v1/leads:batch", [a_lead("ann")])
    limited = door.with_key(*SCOPES, campaigns=["autumn"])
    moved = a_lead("ann", campaign="autumn", updated_at="2026-01-05T09:00:00Z")

    told = limited("POST", "/v1/leads:batch", [moved, a_lead("dan", campaign="autumn")]).json()["items"]
    known, mine = (limited("GET", f"/v1/leads/{lead_id}/explain").status_code for lead_id in ("ann", "dan"))

    assert [(one["result"], one.get("reason")) for one in told] == [
        ("rejected", "unknown_campaign"), ("created", None),
    ]  # fmt: skip
    assert (known, mine) == (404, 200)


def test_an_odd_id_in_one_event_of_a_limited_key_fails_no_other(door: Door):
    limited = door.with_key(*SCOPES, campaigns=["autumn"])
    limited("POST", "/v1/leads:batch", [a_lead("dan", campaign="autumn")])
    good = {
        "specversion": "1.0", "id": "1", "source": "s", "type": "io.leadrank.dnc.added",
        "time": "2026-01-05T11:00:00Z", "data": {"lead_id": "dan"},
    }  # fmt: skip

    answer = limited("POST", "/v1/events", [good | {"id": "2", "data": {"lead_id": "d\0n"}}, good])

    assert (answer.status_code, answer.json().get("accepted")) == (202, 1), answer.text


def test_a_limited_key_hands_in_only_what_is_of_its_campaigns(door: Door):
    door("POST", "/v1/leads:batch", [a_lead("ann")])
    limited = door.with_key("ingest", campaigns=["autumn"])

    batch = [a_lead("cat"), a_lead("dan", campaign="autumn"), 7]
    leads = limited("POST", "/v1/leads:batch", batch).json()["items"]
    dnc = {
        "specversion": "1.0", "id": "1", "source": "s", "type": "io.leadrank.dnc.added",
        "time": "2026-01-05T11:00:00Z", "data": {"lead_id": "ann"},
    }  # fmt: skip
    events = limited("POST", "/v1/events", [dnc, dnc | {"id": "2", "data": {"lead_id": "dan"}}]).json()

    assert [(one["result"], one.get("reason", "")[:16]) for one in leads] == [
        ("rejected", "unknown_campaign"), ("created", ""), ("rejected", "malformed: data:"),
    ]  # fmt: skip
    assert (events["accepted"], events["rejected"]) == (1, [{"index": 0, "code": "unknown_campaign"}])


def test_what_a_limited_key_told_too_early_reaches_no_other_campaign_either(door: Door):
    limited = door.with_key("ingest", campaigns=["autumn"])
    for name, kind, said in (
        ("1", "conversion.recorded", {"goal": "sale", "at": render(NOON)}),
        ("2", "callback.scheduled", {"at": render(NOON + HOUR)}),
    ):
        told = [an_event(kind, f"{name}{lead}", NOON, lead_id=lead, **said) for lead in ("ann", "dan")]
        assert len(limited("POST", "/v1/events", told).json()["quarantined"]) == 2

    door("POST", "/v1/leads:batch", [a_lead("ann"), a_lead("dan", campaign="autumn")])

    waiting = door("GET", "/v1/quarantine").json()
    assert waiting["counts"] == {"other_campaign": 2}
    assert {one["id"] for one in waiting["items"]} == {"1ann", "2ann"}
    assert door("POST", "/v1/quarantine:replay").json()["accepted"] == 0
