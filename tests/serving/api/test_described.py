"""The interface describes itself: a client can be generated from its document, with nothing left to guess."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.instants import HOUR
from features.sources.wire import EVENTS, PREFIX
from tests.features.store.tellings import NOON, a_lead

from .conftest import Door
from .contract import Schema, document, operations, resolved, wrong

ROOT = Path(__file__).parents[3]
OPERATIONS = list(operations())
NAMES = [f"{method} {path}" for method, path, _ in OPERATIONS]
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def schemas(part: object) -> Iterator[dict[str, Any]]:
    """Every object anywhere in a part of the document."""
    if isinstance(part, dict):
        yield part
        for one in part.values():
            yield from schemas(one)
    elif isinstance(part, list):
        for one in part:
            yield from schemas(one)


def says(schema: Schema) -> bool:
    """Whether a schema says anything of what it describes."""
    return bool(set(schema) & {"$ref", "anyOf", "oneOf", "type", "const", "enum"})


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_every_endpoint_tells_what_it_answers(method: str, path: str, operation: Schema):
    good = {status: one for status, one in operation["responses"].items() if status.startswith("2")}

    assert good
    for status, response in good.items():
        assert status == "204" or response["content"]
        assert all(says(told["schema"]) for told in response.get("content", {}).values())


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_every_endpoint_tells_how_it_refuses_and_by_which_codes(method: str, path: str, operation: Schema):
    bad = {status: one for status, one in operation["responses"].items() if status >= "4"}

    assert all(response["content"] == PROBLEM for response in bad.values())
    assert "default" in bad
    if path.startswith("/v1/"):
        assert {"401", "403", "422", "429", "500", "503"} <= set(bad)
        for status in set(bad) - {"default"}:
            assert bad[status]["x-codes"]
            assert all(f"`{code}`" in bad[status]["description"] for code in bad[status]["x-codes"])


def test_every_field_is_told_with_its_type():
    described = document()["components"]["schemas"]

    loose = [
        f"{name}.{field}"
        for name, schema in described.items()
        for field, told in schema.get("properties", {}).items()
        if not says(told)
    ]

    assert not loose


def test_no_reference_leads_nowhere_and_no_schema_is_left_over():
    told = document()
    references = {one["$ref"] for one in schemas(told) if "$ref" in one}

    assert all(resolved(reference) for reference in references)
    used = {reference.rpartition("/")[2] for reference in references}
    assert set(told["components"]["schemas"]) == used


def test_an_event_is_told_by_its_type_with_the_fields_of_its_data():
    event = resolved("#/components/schemas/Envelope")
    mapping = event["discriminator"]["mapping"]

    assert set(mapping) == {PREFIX + kind for kind in EVENTS}
    assert [one["$ref"] for one in event["oneOf"]] == list(mapping.values())
    for kind, place in mapping.items():
        told = resolved(place)
        data = resolved(told["properties"]["data"]["$ref"])
        assert told["properties"]["type"]["const"] == kind
        assert set(data["properties"]) == set(EVENTS[kind.removeprefix(PREFIX)].model_fields)


@pytest.mark.parametrize(("value", "fault"), [
    ({"allow": 1, "rules_failed": [], "valid_until": None}, "$.allow is int, not boolean"),
    ({"allow": True, "rules_failed": [], "valid_until": "soon"}, "$.valid_until is no instant: soon"),
    ({"allow": True, "rules_failed": [7], "valid_until": None}, "$.rules_failed[0] is int, not string"),
    ({"allow": True, "rules_failed": []}, "$.valid_until is missing"),
    ({"allow": True, "rules_failed": [], "valid_until": None, "more": 1}, "$.more is told nowhere"),
])  # fmt: skip
def test_an_answer_that_is_otherwise_is_seen(value: object, fault: str):
    assert list(wrong(value, {"$ref": "#/components/schemas/EligibilityResponse"}, "$")) == [fault]


def test_the_page_on_problems_lists_the_codes_that_endpoints_tell():
    told = {
        (status, code)
        for _, _, operation in OPERATIONS
        for status, response in operation["responses"].items()
        for code in response.get("x-codes", ())
    }

    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("## Problems")[2]
    lines = re.findall(r"^\| (\d{3}) \| (.*) \|$", page, re.MULTILINE)
    listed = {(status, code) for status, codes in lines for code in re.findall(r"`([a-z_]+)`", codes)}
    families = {
        ("400", "request_error"),
        ("403", "access_error"),
        ("404", "nothing_there"),
        ("409", "conflict_error"),
    }
    nowhere = {("404", "not_found"), ("405", "method_not_allowed")}
    assert told == listed - families - nowhere - {("422", "errors")}


def test_what_is_handed_out_explained_and_put_aside_is_as_told(door: Door):
    """Whatever a door gets is held against the description: these are answers that few tests ask for."""
    door.at = NOON + 5 * HOUR
    door("POST", "/v1/leads:batch", [a_lead(), {"lead_id": "bob"}])
    door("POST", "/v1/events", [{"specversion": "1.0", "id": "1", "source": "s", "type": "io.leadrank.x"}, 7])
    poll = {"n": 5, "dialer_id": "d"}
    (item,) = door("POST", "/v1/campaigns/spring/queue:lease", poll).json()["items"]
    acks = [{"lease_id": item["lease_id"], "state": "dialing"}, {"lease_id": "no", "state": "dialed"}, 7]

    told = door("POST", "/v1/leases:ack", acks).json()["items"]

    assert [one["status"] for one in told] == [200, 404, 422]
    for path in (
        "/v1/leads/ann/explain", "/v1/campaigns/spring/diagnostics", "/v1/quarantine", "/v1/kpis",
        "/v1/models", f"/v1/decisions/{item['decision_id']}?replay=true", "/v1/attribution?campaign=spring",
        "/v1/kpis?kpi=contact_rate&by=channel", "/v1/campaigns/spring/ranking?format=csv",
        "/v1/campaigns/spring/ranking?format=ndjson", "/health/live", "/health/ready", "/metrics",
    ):  # fmt: skip
        assert door("GET", path).status_code == 200, path
