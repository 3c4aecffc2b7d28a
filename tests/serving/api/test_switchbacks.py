"""Switchbacks over HTTP: asked for, kept to, accounted for."""

from typing import Any

import pytest
from sqlalchemy import update

from features.instants import DAY, HOUR, MINUTE, parse, render
from features.store.engine import reading, transaction
from features.store.installation import secret_of
from features.store.tables import batch
from serving.switchbacks import Switchback
from tests.serving.desks import OPEN, a_dial, many_leads

from .conftest import Door

RULES = {"abandon_cap": 0.01, "caps": {"min_gap_s": 3600}}
SLOW = {"name": "slow", "rules": RULES}
BATCH = "application/cloudevents-batch+json"
MIDNIGHT = parse("2026-01-06T00:00:00Z")
"""The first one after OPEN."""


def put(door: Door, switchback: object = SLOW, **more: object) -> tuple[int, dict[str, Any]]:
    answer = door("PUT", "/v1/campaigns/spring", {"switchback": switchback, **more})
    told: dict[str, Any] = answer.json()
    return answer.status_code, told


def refused(door: Door, switchback: object, **more: object) -> tuple[int, object]:
    status, told = put(door, switchback, **more)
    return status, told["code"]


def test_a_switchback_is_kept_and_begins_at_the_next_midnight_of_the_campaign(door: Door):
    door.at = OPEN

    status, told = put(door, timezone="America/New_York")

    assert status == 201
    assert told["switchback"] == {
        "name": "slow",
        "since": "2026-01-06T05:00:00Z",
        "rules": {"abandon_cap": 0.01, "caps": {"per_day": None, "min_gap_s": 3600}},
    }
    assert door("GET", "/v1/campaigns/spring").json() == told


def test_what_was_told_may_be_asked_for_again_and_changes_nothing(door: Door):
    door.at = OPEN
    _, told = put(door)
    door.at = OPEN + 3 * DAY

    assert put(door) == (200, told)
    assert put(door, told["switchback"]) == (200, told)
    assert put(door, SLOW, uniform=0.05)[0] == 200


def test_one_that_is_asked_for_later_waits_for_the_midnight_after(door: Door):
    door.at = OPEN
    later = {**SLOW, "since": render(MIDNIGHT + DAY + HOUR)}

    _, told = put(door, later)

    assert told["switchback"]["since"] == render(MIDNIGHT + 2 * DAY)
    assert put(door, later) == (200, told)


@pytest.mark.parametrize(("switchback", "more"), [
    ({"name": "slow"}, {}), ({**SLOW, "rules": {}}, {}), ({**SLOW, "rules": {"caps": {}}}, {}),
    ({**SLOW, "rules": {"holdout": 0.2}}, {}), ({**SLOW, "rules": {"caps": {"lifetime": 3}}}, {}),
    ({**SLOW, "rules": {"abandon_cap": 0}}, {}), ({**SLOW, "rules": {"abandon_cap": 1.1}}, {}),
    ({**SLOW, "rules": {"caps": {"per_day": 11}}}, {}), ({**SLOW, "name": "slow:1"}, {}),
    ({**SLOW, "since": "tomorrow"}, {}), ({**SLOW, "since": "9999-12-31T12:00:00Z"}, {}),
    ({**SLOW, "until": "2027-01-01T00:00:00Z"}, {}), (SLOW, {"mode": "power"}), (SLOW, {"holdout": 0}),
    (SLOW, {"abandon_cap": 0.01, "caps": {"min_gap_s": 3600}}),
])  # fmt: skip
def test_switchbacks_that_make_no_sense_are_refused(
    door: Door, switchback: dict[str, object], more: dict[str, object]
):
    assert refused(door, switchback, **more) == (422, "malformed")


def test_a_switchback_cannot_have_begun_before_it_was_asked_for(door: Door):
    door.at = OPEN

    assert refused(door, {**SLOW, "since": render(OPEN - DAY)}) == (422, "experiment_too_early")


@pytest.mark.parametrize(("change", "more"), [
    ({"rules": {"abandon_cap": 0.02}}, {}), ({"since": render(MIDNIGHT + DAY)}, {}),
    ({}, {"abandon_cap": 0.02}), ({}, {"caps": {"per_day": 2}}), ({}, {"timezone": "America/New_York"}),
])  # fmt: skip
def test_other_rules_another_begin_or_clock_need_another_name(
    door: Door, change: dict[str, object], more: dict[str, object]
):
    door.at = OPEN
    put(door)
    door.at = OPEN + 2 * DAY
    later = {"since": render(MIDNIGHT + 3 * DAY)} if "since" in change else change

    assert refused(door, {**SLOW, **change}, **more) == (409, "experiment_changed")
    assert put(door, {**SLOW, **later, "name": "slow-2"}, **more)[0] == 200
    assert refused(door, SLOW) == (409, "experiment_changed")
    assert put(door, None)[1]["switchback"] is None


def test_an_experiment_may_run_beside(door: Door):
    arms = [{"name": "cool", "share": 0.5}, {"name": "old", "share": 0.5, "order": "newest"}]

    _, told = put(door, SLOW, experiment={"name": "heat", "arms": arms})

    assert (told["experiment"]["name"], told["switchback"]["name"]) == ("heat", "slow")


def on(door: Door, day: int) -> bool:
    with reading(door.engine) as connection:
        dealt = Switchback("slow", {}, {"timezone": "UTC"}, MIDNIGHT)
        return dealt.on(secret_of(connection), dealt.first + day)


def called(door: Door, days: int, first: int) -> list[dict[str, Any]]:
    """Ten leads come in each day, are handed out at ten and at eleven and called; of each five two buy."""
    told = list[dict[str, Any]]()
    for day in range(days):
        begins = MIDNIGHT + day * DAY
        since = render(begins)
        door.at = begins + MINUTE
        door("POST", "/v1/leads:batch", many_leads(10, first + 10 * day, created_at=since, updated_at=since))
        for turn, hour in enumerate((16, 17)):
            door.at = begins + hour * HOUR
            items = door("POST", "/v1/campaigns/spring/queue:lease", {"n": 5, "dialer_id": "d"}).json()[
                "items"
            ]
            told += items
            dials = [
                a_dial(
                    f"c{first}-{day}-{turn}-{n}", one["lead_id"], door.at + n,
                    ("converted", "converted", *["contact_refused"] * 3)[n],
                    human_answered=True, decision_id=one["decision_id"], agent_id="ann", talk_s=60,
                )
                for n, one in enumerate(items)
            ]  # fmt: skip
            door.at += 10 * MINUTE
            assert door("POST", "/v1/events", dials, content_type=BATCH).status_code == 202
    return told


def account(door: Door) -> dict[str, Any]:
    found: dict[str, Any] = door("GET", "/v1/attribution?campaign=spring").json()["switchback"]
    return found


def test_the_account_tells_the_days_on_against_the_others(door: Door):
    door.at = OPEN
    put(door)
    items = called(door, 16, 0)
    door.at = MIDNIGHT + 17 * DAY

    told = account(door)

    assert (told["name"], told["since"], told["until"]) == ("slow", render(MIDNIGHT), None)
    assert told["rules"] == RULES
    assert [(side["arm"], side["days"], side["leads"]) for side in told["arms"]] == [
        ("off", 8, 80),
        ("on", 8, 80),
    ]
    assert sum(side["attempts"] for side in told["arms"]) == len(items) // 2
    assert [lift["kpi"] for lift in told["lifts"]] == ["conversions_per_agent_hour", "conversions_per_day"]
    assert told["lifts"][0]["days"] == 16
    assert (told["sample_ratio"]["strays"], told["sample_ratio"]["blocks"], told["refusal"]) == (
        0,
        False,
        None,
    )
    assert told["foreseen"] is None
    decision = door("GET", f"/v1/decisions/{items[0]['decision_id']}").json()
    assert decision["rules"] == [f"slow:{'on' if on(door, 0) else 'off'}"]


def test_days_on_which_the_record_has_the_other_sides_rules_block_the_lift(door: Door):
    door.at = OPEN
    put(door)
    called(door, 16, 0)
    day = (batch.c.at >= MIDNIGHT + 3 * DAY) & (batch.c.at < MIDNIGHT + 4 * DAY)
    with transaction(door.engine) as connection:
        connection.execute(update(batch).where(day).values(rules=[]))
    door.at = MIDNIGHT + 17 * DAY

    told = account(door)

    assert (told["lifts"], told["sample_ratio"]["strays"], told["sample_ratio"]["blocks"]) == ([], 1, True)
    assert told["refusal"] == "on 1 of the days leads were handed out by the rules of the other side"


def test_before_it_begins_a_switchback_tells_what_it_can_find(door: Door):
    door.at = MIDNIGHT - HOUR
    door("PUT", "/v1/campaigns/spring", {})
    called(door, 20, 0)
    door.at = MIDNIGHT + 20 * DAY + HOUR
    put(door)

    told = account(door)

    assert [side["days"] for side in told["arms"]] == [0, 0]
    assert told["refusal"] == "0 of at least 7 blocks of two days with calls are over"
    assert told["foreseen"]["days"] in (26, 28)
    assert told["foreseen"]["always"] >= told["foreseen"]["once"]


def test_without_a_switchback_the_account_has_none(door: Door):
    door("PUT", "/v1/campaigns/spring", {})

    assert account(door) is None
