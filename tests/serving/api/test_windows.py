"""Windows over HTTP: a proven one reaches lease and page of a lead; without proof nobody is told one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from features.instants import DAY, HOUR, parse, render
from tests.features.store.tellings import an_event
from tests.serving.test_models import publish
from tests.training.rhythms import KINDS
from tests.training.test_windows_served import trained
from training.bundle import Bundle
from training.windows import untimed

from .conftest import Door, Opened

AT = parse("2026-02-02T17:00:00Z")
"""Monday noon in New York, the day on which the planted calls end."""
NEW_YORK = ZoneInfo("America/New_York")
WINDOWS = {"early": range(8, 11), "late": range(18, 21), "noon": range(12, 14), "weekend": range(8, 18)}
"""The hours that were planted for each channel, within the legal ones; the weekend's on Saturday alone."""


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry whose champion's calls had a window by channel."""
    return a_registry(trained()[1], tmp_path_factory.mktemp("proven"))


@pytest.fixture(scope="module")
def unproven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry whose champion is the same, but for what it knows of hours."""
    bundle = replace(trained()[1], version="", timing=untimed()).named()
    return a_registry(bundle, tmp_path_factory.mktemp("unproven"))


def a_registry(bundle: Bundle, folder: Path) -> Path:
    publish(folder, bundle, "champion")
    return folder


def a_floor(opened: Opened, registry: Path) -> Door:
    """A service at that instant, with eight fresh leads of New York in each channel."""
    door = opened(registry=registry)
    door.at = AT
    leads = [
        {
            "lead_id": f"{channel}-{n}", "campaign": "spring", "channel": channel, "country": "US",
            "region": "NY", "created_at": render(AT - HOUR), "updated_at": render(AT - HOUR),
            "phones": [{"e164": f"+1212555{place * 100 + n:04d}", "type": "mobile"}],
        }
        for place, channel in enumerate(KINDS)
        for n in range(8)
    ]  # fmt: skip
    told = door("POST", "/v1/leads:batch", leads)
    assert told.status_code == 200, told.text
    return door


def leased(door: Door) -> dict[str, dict[str, Any]]:
    poll = {"n": 32, "dialer_id": "d1", "lease_seconds": 120}
    answer = door("POST", "/v1/campaigns/spring/queue:lease", poll)
    assert answer.status_code == 200, answer.text
    return {item["lead_id"]: item for item in answer.json()["items"]}


def local_hours(window: dict[str, str]) -> Iterator[datetime]:
    """The hours of a window by the lead's own clock."""
    start, end = parse(window["start"]), parse(window["end"])
    for at in range(start - start % HOUR, end, HOUR):
        yield datetime.fromtimestamp(at / 1e6, NEW_YORK)


def test_a_lease_names_the_window_that_the_calls_of_its_kind_have_proven(opened: Opened, proven: Path):
    told = leased(a_floor(opened, proven))

    given = {name: item["best_window"] for name, item in told.items() if item["best_window"]}
    assert len(given) > 28
    for name, window in given.items():
        hours = list(local_hours(window))
        channel = name.partition("-")[0]
        inside = [hour.hour in WINDOWS[channel] for hour in hours]
        assert sum(inside) >= len(hours) - 1, (name, window)
        assert channel != "weekend" or {hour.weekday() for hour in hours} == {5}
        assert all(8 <= hour.hour < 21 for hour in hours)
        assert set(window) == {"start", "end", "p_answer", "interval", "evidence"}


def test_the_page_of_a_lead_lists_its_week_and_agrees_with_its_lease(opened: Opened, proven: Path):
    door = a_floor(opened, proven)
    told = leased(door)["late-0"]["best_window"]

    week = door("GET", "/v1/leads/late-0/explain").json()["windows"]

    assert told in week
    best = max(week, key=lambda window: window["p_answer"])
    assert {hour.hour for hour in local_hours(best)} <= set(WINDOWS["late"])
    assert [one["start"] for one in week] == sorted(one["start"] for one in week)
    assert {window["evidence"] for window in week} <= {"strong", "moderate", "weak", "none"}
    assert max(parse(window["end"]) for window in week) <= AT + 7 * DAY + HOUR


def test_without_proof_nobody_is_told_a_window(opened: Opened, unproven: Path):
    door = a_floor(opened, unproven)

    told = leased(door)
    page = door("GET", "/v1/leads/late-0/explain").json()

    assert len(told) == 32
    assert {item["best_window"] for item in told.values()} == {None}
    assert page["windows"] == "no_timing_evidence"
    assert page["model_version"] == door("GET", "/v1/models").json()["items"][0]["bundle"]


def test_what_a_model_would_say_of_who_objected_is_not_worked_out(opened: Opened, unproven: Path):
    door = a_floor(opened, unproven)
    before = door("GET", "/v1/leads/late-0/explain").json()
    door("POST", "/v1/events", [an_event("objection.received", "", AT, lead_id="late-0")])

    after = door("GET", "/v1/leads/late-0/explain").json()

    assert before["heads"]
    assert before["decay"]
    assert (after["heads"], after["decay"], after["score"], after["handle_s"]) == ({}, [], None, None)
    assert "EU-OBJECT" in after["eligibility"]["rules_failed"]


@pytest.mark.parametrize("known", [True, False], ids=["proven", "unproven"])
def test_with_timing_leads_whose_hours_are_now_go_first_and_the_poll_replays(
    opened: Opened, proven: Path, unproven: Path, known: bool
):
    """At noon on a Monday; scores differ little. Without proof the order is the one by score."""
    door = a_floor(opened, proven if known else unproven)
    plan = {"timing": True, "holdout": 0.0, "uniform": 0.0, "fairness_floor": 0.0, "temperature": 0.0}
    assert door("PUT", "/v1/campaigns/spring", plan).status_code == 200

    given = leased(door)
    one = next(iter(given.values()))["decision_id"]
    again = door("GET", f"/v1/decisions/{one}?replay=true").json()["replay"]

    assert again["same"] is True
    assert again["order"] == list(given)
    index = [{lead["lead"]: lead.get("index") for lead in again["pool"]}[name] for name in given]
    assert index == sorted(index, reverse=True)
    scores = [item["score"] for item in given.values()]
    assert (scores == sorted(scores, reverse=True)) is not known
