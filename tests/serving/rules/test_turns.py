"""No rule about a lead changes its mind between two of the instants that the roster names for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.instants import DAY, HOUR, MINUTE, SECOND, render
from features.store.engine import open_engine, reading
from features.store.ledger import Ledger
from serving.roster import Roster
from serving.rule import Caps, callback_due
from serving.rules import rules
from serving.rules.hours import CallingHours
from tests.conftest import empty
from tests.features.store.tellings import a_disposition, a_lead, a_phone, an_event
from tests.serving.desks import OPEN, a_dial, a_stop, tell, tell_leads

ALL = [rule for rule in rules() if not isinstance(rule, CallingHours)]
"""Those that look at the lead alone; hours are asked by site, at every quarter of an hour."""
ROWS = np.arange(2)
WATCHED = 40 * DAY
AGO = st.integers(0, 3 * DAY) | st.sampled_from([MINUTE, 2 * HOUR, 20 * HOUR, DAY])
AHEAD = st.integers(0, 3 * DAY) | st.sampled_from([MINUTE, 20 * MINUTE, HOUR, DAY])

histories = st.fixed_dictionaries({
    "age": st.integers(4 * DAY, 32 * DAY),
    "region": st.sampled_from(["NY", "FL", "CA"]),
    "calls": st.lists(st.tuples(AGO, st.booleans()), max_size=5),
    "wait": st.none() | st.integers(60, 4 * 86_400),
    "callback": st.none() | AHEAD,
    "stop": st.none() | st.sampled_from(["dnc.added", "objection.received"]),
    "removed": st.none() | st.integers(0, 20 * HOUR),
    "lease": st.none() | AHEAD,
})  # fmt: skip
some_caps = st.builds(
    Caps,
    per_day=st.integers(1, 4),
    lifetime=st.integers(1, 6),
    min_gap=st.integers(0, 2 * DAY),
    max_age=st.integers(5 * DAY, 40 * DAY),
)


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Engine]:
    shutil.copy(template, tmp_path / "leadrank.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'leadrank.db'}")
    yield engine
    engine.dispose()


def told(store: Engine, history: dict[str, Any]) -> Roster:
    """A roster of two leads with one number, after all that happened to the first of them up to OPEN."""
    empty(store)
    received = {"created_at": render(OPEN - history["age"]), "updated_at": render(OPEN - history["age"])}
    shared = [{"e164": a_phone("ann"), "type": "mobile"}]
    tell_leads(
        store, [a_lead(name, phones=shared, region=history["region"], **received) for name in ("ann", "twin")]
    )
    for number, (ago, human) in enumerate(history["calls"]):
        outcome = "contact_no_decision" if human else "no_answer"
        start = OPEN - ago - 2 * MINUTE
        tell(store, a_dial(f"c{number}", "ann", start, outcome, human_answered=human))
    if history["calls"] and history["wait"] is not None:
        tell(store, a_disposition("c0", "contact_no_decision", next_after_s=history["wait"]))
    if history["callback"] is not None:
        promised = render(OPEN + history["callback"])
        tell(store, an_event("callback.scheduled", "", OPEN, lead_id="ann", at=promised))
    if history["stop"] is not None:
        tell(store, a_stop(history["stop"], OPEN, lead_id="ann"))
    if history["stop"] == "dnc.added" and history["removed"] is not None:
        tell(store, a_stop("dnc.removed", OPEN + history["removed"], lead_id="ann"))
    roster = Roster(Ledger())
    with reading(store) as connection:
        roster.ledger.follow(connection)
    roster.follow()
    if history["lease"] is not None:
        roster.hold([0], OPEN, OPEN + history["lease"])
    return roster


def minds(roster: Roster, caps: Caps, at: int) -> dict[str, list[bool]]:
    """What each rule says of each lead at an instant, and whose callback is due."""
    standing = roster.standing(ROWS, caps, at)
    said = {rule.id: rule.judge(standing, caps, at).forbidden.tolist() for rule in ALL}
    return {**said, "CALLBACK-DUE": callback_due(standing, at).tolist()}


def next_turn(roster: Roster, caps: Caps, at: int) -> int:
    return int(roster.turns_at(ROWS, roster.standing(ROWS, caps, at), caps, at).min())


def changed(before: dict[str, list[bool]], after: dict[str, list[bool]]) -> list[str]:
    return [id for id in before if before[id] != after[id]]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, caps=some_caps, data=st.data())
def test_between_two_turns_every_rule_says_the_same(store: Engine, history, caps, data):
    roster, at = told(store, history), OPEN

    while at < OPEN + WATCHED:
        turn = min(next_turn(roster, caps, at), OPEN + WATCHED)
        between = data.draw(st.integers(at, turn - 1))
        for instant in (between, turn - 1):
            assert changed(minds(roster, caps, at), minds(roster, caps, instant)) == []
        at = turn


def test_the_rules_that_change_with_time_are_seen_to_change(store: Engine):
    """Lest the test above look at leads of whom nothing could change."""
    eventful = {
        "age": 10 * DAY, "region": "FL", "calls": [(HOUR, True), (2 * HOUR, False), (3 * HOUR, False)],
        "wait": 7200, "callback": DAY, "stop": "dnc.added", "removed": MINUTE,
        "lease": 30 * SECOND,
    }  # fmt: skip
    quiet = {**eventful, "callback": None}
    caps = Caps(per_day=3, lifetime=9, min_gap=2 * HOUR, max_age=12 * DAY)

    seen = set[str]()
    for history in (eventful, quiet):
        roster, at = told(store, history), OPEN
        while at < OPEN + WATCHED:
            turn = min(next_turn(roster, caps, at), OPEN + WATCHED)
            seen.update(changed(minds(roster, caps, turn - 1), minds(roster, caps, turn)))
            at = turn

    assert seen >= {"US-DNC", "CAP", "US-FL-3x24", "GAP", "AGE", "NOT-BEFORE", "LEASED", "CALLBACK-DUE"}
