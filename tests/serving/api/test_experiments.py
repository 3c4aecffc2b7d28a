"""Experiments over HTTP: asked for, kept to, accounted for."""

import pytest

from features.instants import DAY, HOUR, MINUTE, render
from tests.serving.desks import OPEN, a_dial, many_leads

from .conftest import Door

ARMS = [{"name": "cool", "share": 0.5, "temperature": 0.05}, {"name": "old", "share": 0.5, "order": "newest"}]
HEAT = {"name": "heat", "arms": ARMS}
BATCH = "application/cloudevents-batch+json"


def put(door: Door, experiment: object = HEAT, **more: object) -> tuple[int, dict[str, object]]:
    answer = door("PUT", "/v1/campaigns/spring", {"experiment": experiment, **more})
    told: dict[str, object] = answer.json()
    return answer.status_code, told


def refused(door: Door, experiment: object, **more: object) -> tuple[int, object]:
    status, told = put(door, experiment, **more)
    return status, told["code"]


def test_an_experiment_is_kept_and_begins_at_once(door: Door):
    status, told = put(door)

    assert status == 201
    assert told["experiment"] == {
        "name": "heat",
        "since": render(door.at or 0),
        "arms": [
            {"name": "cool", "share": 0.5, "order": "model", "temperature": 0.05},
            {"name": "old", "share": 0.5, "order": "newest", "temperature": None},
        ],
    }
    assert door("GET", "/v1/campaigns/spring").json() == told


def test_what_was_told_may_be_asked_for_again_and_changes_nothing(door: Door):
    door.at = OPEN
    _, told = put(door)
    door.at = OPEN + HOUR

    assert put(door) == (200, told)
    assert put(door, told["experiment"]) == (200, told)
    assert put(door, HEAT, uniform=0.05)[0] == 200


@pytest.mark.parametrize("experiment", [
    {"name": "heat", "arms": ARMS[:1]},
    {"name": "heat", "arms": [*ARMS, {"name": "more", "share": 0.1}]},
    {"name": "heat", "arms": [ARMS[0], {**ARMS[1], "name": "cool"}]},
    {"name": "heat", "arms": [{**arm, "share": 0.25, "name": f"a{n}"} for n, arm in enumerate(ARMS * 3)]},
    {"name": "heat", "arms": [ARMS[0], {**ARMS[1], "temperature": 0.3}]},
    {"name": "heat", "arms": [ARMS[0], {**ARMS[1], "order": "best"}]},
    {"name": "heat", "arms": [ARMS[0], {**ARMS[1], "name": "holdout"}]},
    {"name": "heat:1", "arms": ARMS}, {"name": "heat~1", "arms": ARMS},
    {"name": "holdout", "arms": ARMS}, {**HEAT, "since": "tomorrow"},
    {**HEAT, "since": "9999-12-31T23:59:59-12:00"}, {**HEAT, "until": "2027-01-01T00:00:00Z"},
])  # fmt: skip
def test_experiments_that_make_no_sense_are_refused(door: Door, experiment: dict[str, object]):
    assert refused(door, experiment) == (422, "malformed")


def test_an_experiment_stands_beside_a_holdout(door: Door):
    assert refused(door, HEAT, holdout=0) == (422, "malformed")


def test_an_experiment_cannot_have_begun_before_it_was_asked_for(door: Door):
    door.at = OPEN

    assert refused(door, {**HEAT, "since": render(OPEN - MINUTE)}) == (422, "experiment_too_early")


@pytest.mark.parametrize("change", [
    {"arms": [{**ARMS[0], "share": 0.4}, {**ARMS[1], "share": 0.6}]},
    {"arms": [{**ARMS[0], "temperature": 0.1}, ARMS[1]]}, {"arms": ARMS[::-1]},
    {"since": render(OPEN + DAY)},
])  # fmt: skip
def test_other_arms_or_shares_need_another_name(door: Door, change: dict[str, object]):
    door.at = OPEN
    put(door)
    door.at = OPEN + HOUR

    assert refused(door, {**HEAT, **change}) == (409, "experiment_changed")
    assert put(door, {**HEAT, **change, "name": "heat-2"})[0] == 200


def test_the_holdout_stays_as_it_is_while_an_experiment_runs(door: Door):
    put(door)

    assert refused(door, HEAT, holdout=0.2) == (409, "experiment_changed")
    assert put(door, None, holdout=0.2)[0] == 200


def test_the_name_of_an_experiment_that_ended_is_not_given_again(door: Door):
    put(door)
    assert put(door, None)[1]["experiment"] is None

    assert refused(door, HEAT) == (409, "experiment_changed")


def leased(door: Door, n: int) -> list[dict[str, object]]:
    items = door("POST", "/v1/campaigns/spring/queue:lease", {"n": n, "dialer_id": "d"}).json()["items"]
    return [door("GET", f"/v1/decisions/{item['decision_id']}").json() for item in items]


def test_leads_are_handed_out_in_their_arms_from_the_begin_to_the_end(door: Door):
    door.at = OPEN
    door("POST", "/v1/leads:batch", many_leads(120))
    put(door, {**HEAT, "since": render(OPEN + HOUR)})

    before = {one["arm"] for one in leased(door, 20)}
    door.at = OPEN + HOUR
    during = leased(door, 60)
    put(door, None)
    after = {one["arm"] for one in leased(door, 20)}

    assert before <= {"model", "holdout"} >= after
    assert {one["arm"] for one in during} == {"heat:cool", "heat:old", "holdout"}
    assert {one["source"] for one in during if one["arm"] == "heat:old"} == {"holdout"}
    told = door("GET", f"/v1/decisions/{during[0]['decision_id']}?replay=true").json()["replay"]
    assert told["same"] is True


def called(door: Door, calls: int) -> None:
    """Leads come in, are handed out and called; each third buys, for each agent on each of four days."""
    door("POST", "/v1/leads:batch", many_leads(calls))
    for day in range(4):
        door.at = OPEN + day * DAY
        decisions = leased(door, calls // 5)
        start = door.at
        dials = [
            a_dial(
                f"c{day}-{n}", str(one["lead_id"]), start + n, ("converted", *["contact_refused"] * 2)[n % 3],
                human_answered=True, decision_id=one["decision_id"], agent_id=f"ann{n % 2}", talk_s=60,
            )
            for n, one in enumerate(decisions)
        ]  # fmt: skip
        door.at = start + HOUR
        assert door("POST", "/v1/events", dials, content_type=BATCH).status_code == 202


def test_the_account_tells_each_arm_against_the_first(door: Door):
    door.at = OPEN - MINUTE
    put(door)
    door.at = OPEN
    called(door, 200)

    found = door("GET", "/v1/attribution?campaign=spring").json()
    told = found["experiment"]

    assert (told["name"], told["since"], told["until"]) == ("heat", render(OPEN - MINUTE), None)
    assert [arm["arm"] for arm in told["arms"]] == ["heat:cool", "heat:old"]
    assert sum(arm["share"] for arm in told["arms"]) == pytest.approx(1.0)
    assert sum(arm["attempts"] for arm in told["arms"]) + found["arms"][1]["attempts"] == 160
    assert found["arms"][0]["attempts"] == sum(arm["attempts"] for arm in told["arms"])
    (compared,) = told["compared"]
    assert (compared["arm"], compared["with"]) == ("heat:old", "heat:cool")
    assert [lift["kpi"] for lift in compared["lifts"]][:1] == ["conversions_per_agent_hour"]
    assert told["sample_ratio"]["blocks"] is False


def test_before_it_begins_an_experiment_tells_what_it_can_find(door: Door):
    door.at = OPEN
    door("PUT", "/v1/campaigns/spring", {})
    called(door, 200)
    put(door, {**HEAT, "since": render((door.at or 0) + DAY)})

    told = door("GET", "/v1/attribution?campaign=spring").json()["experiment"]

    assert [arm["leads"] for arm in told["arms"]] == [0, 0]
    (compared,) = told["compared"]
    assert compared["refusal"] == "the heat:old arm has 0 agent-days, at least 2 are needed"
    assert compared["foreseen"]["leads"] == 180
    assert compared["foreseen"]["always"] > compared["foreseen"]["once"] > 0


def test_without_an_experiment_the_account_has_none(door: Door):
    door("PUT", "/v1/campaigns/spring", {})

    assert door("GET", "/v1/attribution?campaign=spring").json()["experiment"] is None
