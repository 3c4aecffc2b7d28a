"""KPIs asked for of a store, on both databases: who may ask for what, and what is told beside each figure."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import Engine, insert, text

from features.calls import Outcome
from features.instants import DAY, HOUR, MINUTE, SECOND, parse
from features.store.campaigns import write_campaign
from features.store.changes import numbers
from features.store.engine import reading, transaction
from features.store.reads import Stretch
from features.store.repeats import count_repeats, repeated_calls
from features.store.tables import agent, agent_state, call, decision, disposition, lead, quarantine, touch
from features.store.tables import batch as batch_table
from serving.accounts import Question, ask, told
from serving.errors import BadQuery, UnknownKpi
from serving.kpi.measures import MEASURES, Measure
from serving.kpi.report import DIMENSIONS

START = parse("2026-03-02T00:00Z")
NOW = START + 40 * DAY
CHANNELS = ("web_form", "referral", "bought_list")
LEADS, CALLS = 40, 200


def fill(engine: Engine) -> None:
    """Leads, calls, corrected dispositions and decisions, drawn by chance; some facts left out."""
    rng = np.random.default_rng(11)
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale"}, START)
        seq = numbers(connection, LEADS + 3 * CALLS + 100)
        connection.execute(insert(lead), [_lead(i, rng, next(seq)) for i in range(1, LEADS + 1)])
        decisions = [_decision(i, rng) for i in range(CALLS // 2)]
        connection.execute(insert(batch_table), [_batch()])
        connection.execute(insert(decision), decisions)
        calls = [_call(i, rng, decisions, next(seq)) for i in range(CALLS)]
        connection.execute(insert(call), calls)
        versions = [version for one in calls for version in _dispositions(one, rng, seq)]
        connection.execute(insert(disposition), versions)
        connection.execute(insert(agent), [_agent(i, next(seq)) for i in range(3)])
        states = [_state(i, next(seq)) for i in range(6)]
        connection.execute(insert(agent_state), states)
        connection.execute(insert(touch), [_touch(i, next(seq)) for i in range(1, LEADS + 1, 5)])
        connection.execute(insert(quarantine), [_aside(next(seq))])


def _lead(i: int, rng: np.random.Generator, seq: int) -> dict[str, object]:
    at = START + int(rng.integers(0, 5 * DAY))
    return {
        "id": i, "lead_id": f"lead{i}", "campaign": "spring", "created_at": at, "updated_at": at,
        "known_at": at, "channel": CHANNELS[i % 3], "phones": [], "seq": seq,
        "source": None if i % 7 == 0 else f"vendor{i % 2}",
        "value": None if i % 4 == 0 else float(rng.integers(50, 500)),
    }  # fmt: skip


def _batch() -> dict[str, object]:
    return {
        "batch_id": "b", "campaign": "spring", "dialer_id": "d", "at": START, "n": 1, "key_text": "k",
        "degraded": False, "withheld": {}, "rules": {},
    }  # fmt: skip


def _decision(i: int, rng: np.random.Generator) -> dict[str, object]:
    return {
        "decision_id": f"dec{i}", "batch_id": "b", "lease_id": f"lease{i}", "campaign": "spring",
        "lead": int(rng.integers(1, LEADS + 1)), "at": START + 6 * DAY + i * HOUR, "rank": 1, "attempt_no": 1,
        "arm": ("model", "holdout")[i % 2], "source": "ranked", "model_version": f"v{i % 3}",
    }  # fmt: skip


def _call(i: int, rng: np.random.Generator, decisions: list[dict[str, Any]], seq: int) -> dict[str, object]:
    made = decisions[i] if i < len(decisions) else None
    start = START + 5 * DAY + i * 97 * MINUTE if made is None else made["at"] + MINUTE
    human, length = bool(rng.random() < 0.5), int(rng.integers(5, 900)) * SECOND
    said = rng.random(3) > 0.15
    spent = [float(x) if ok else None for x, ok in zip(rng.integers(0, 300, 3), said, strict=True)]
    outcome = int(rng.choice([5, 6, 7, 8, 9]) if human else rng.choice([0, 1, 2, 3, 5]))
    return {
        "call_id": f"call{i:04d}", "lead": made["lead"] if made else int(rng.integers(1, LEADS + 1)),
        "campaign": "spring", "agent": f"agent{i % 4}" if human else None, "dialer_id": "d",
        "started_at": start + i, "ended_at": start + i + length, "event_at": start, "event_id": str(i),
        "known_at": start + length + (2 * DAY if i % 9 == 0 else 0), "outcome": outcome,
        "talk_s": spent[0] if human else 0.0, "hold_s": spent[1] if human else 0.0,
        "wrap_s": spent[2] if human else 0.0, "human_answered": human,
        "abandoned": outcome == Outcome.ABANDONED,
        "decision_id": made["decision_id"] if made else None, "seq": seq,
        "script": None if i % 5 == 0 else f"script{i % 3}",
    }  # fmt: skip


def _dispositions(
    made: dict[str, Any], rng: np.random.Generator, seq: Iterator[int]
) -> list[dict[str, object]]:
    if not made["human_answered"] or rng.random() < 0.2:
        return []
    versions = []
    for place in range(int(rng.integers(1, 3))):
        result = int(rng.choice([6, 7, 8, 9, 10]))
        versions.append(
            {
                "call_id": made["call_id"], "event_at": made["ended_at"] + place,
                "known_at": made["known_at"], "disposition": result, "stop_phone": False,
                "converted": result == Outcome.CONVERTED,
                "value": float(rng.integers(10, 90)) if rng.random() < 0.5 else None, "seq": next(seq),
            }
        )  # fmt: skip
    return versions


def _agent(i: int, seq: int) -> dict[str, object]:
    return {
        "agent": f"agent{i}", "team": ("red", "blue")[i % 2], "skills": [], "event_at": START,
        "event_id": "a", "known_at": START, "seq": seq,
    }  # fmt: skip


def _state(i: int, seq: int) -> dict[str, object]:
    at = START + 6 * DAY + i * HOUR
    return {
        "agent": "agent1",
        "state": ("ready", "on_call", "off")[i % 3],
        "at": at,
        "known_at": at,
        "seq": seq,
    }


def _touch(i: int, seq: int) -> dict[str, object]:
    at = START + 5 * DAY + i * MINUTE
    return {
        "lead": i, "channel": "email", "kind": "sent", "direction": "outbound", "at": at, "known_at": at,
        "seq": seq,
    }  # fmt: skip


def _aside(seq: int) -> dict[str, object]:
    return {
        "source": "s", "id": "q", "type": "io.leadrank.call.attempted", "time": START + 6 * DAY,
        "received_at": START + 6 * DAY, "code": "too_long", "detail": "", "payload": {}, "seq": seq,
    }  # fmt: skip


def asked(
    engine: Engine, kpi: str, by: tuple[str, ...] = (), since: int = START, until: int = NOW
) -> dict[Any, Any]:
    question = Question(kpi, since, until, NOW, "spring", by)
    with reading(engine) as connection:
        return told(question, ask(connection, question))


def near(value: float) -> float:
    return cast("float", pytest.approx(value, rel=1e-9))


PROMISED = {
    "call_conversion_rate", "contact_conversion_rate", "rpc_conversion_rate", "average_call_duration",
    "average_talk_time", "handle_time", "lead_response_time", "contact_rate", "attempts_per_lead",
    "penetration", "abandon_rate", "occupancy", "conversions_per_agent_hour", "value_per_agent_hour",
    "data_quality",
}  # fmt: skip


def test_every_kpi_that_managers_build_on_keeps_its_name():
    assert {measure.kpi for measure in MEASURES} >= PROMISED


FIRST = """
    SELECT l.id, l.created_at, l.channel,
      (SELECT MIN(c.started_at) FROM call c WHERE c.lead = l.id) AS called,
      (SELECT MIN(t.at) FROM touch t WHERE t.lead = l.id AND t.direction = 'outbound') AS touched
    FROM lead l
"""


def test_the_response_time_is_the_mean_wait_of_the_leads_reached(engine: Engine):
    fill(engine)
    with reading(engine) as connection:
        rows = connection.execute(text(FIRST)).all()
    firsts = [
        (row, min(at for at in (row.called, row.touched) if at is not None))
        for row in rows
        if row.called or row.touched
    ]
    valid = [(row, first) for row, first in firsts if first >= row.created_at]
    waits = [(first - row.created_at) / SECOND for row, first in valid]

    found = asked(engine, "lead_response_time")["rows"][0]
    reached = asked(engine, "penetration")["rows"][0]
    mailed = asked(engine, "lead_response_time", ("contact_channel",))["rows"]

    leads = len(rows) - len(firsts) + len(valid)
    assert found["value"] == pytest.approx(np.mean(waits))
    assert found["n"] == len(waits)
    assert found["data_quality"]["invalid"] == pytest.approx(1 - leads / len(rows))
    assert reached["value"] == pytest.approx(100 * len(valid) / leads)
    assert sum(row["n"] for row in mailed) == len(waits)
    assert {row["group"]["contact_channel"] for row in mailed} >= {"call", "email"}


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.kpi)
def test_every_kpi_can_be_asked_for_by_every_dimension(engine: Engine, measure: Measure):
    fill(engine)

    for by in DIMENSIONS:
        rows = asked(engine, measure.kpi, (by,))["rows"]
        assert {tuple(row["group"]) for row in rows} == {(by,)}, by


def test_nothing_is_null_and_never_zero(engine: Engine):
    fill(engine)

    for measure in MEASURES:
        row = asked(engine, measure.kpi, since=NOW - DAY)["rows"][0]
        assert (row["value"], row["n"], row["interval"]) == (None, 0, None)


def test_attempts_whose_conversions_may_still_come_are_flagged_immature(engine: Engine):
    fill(engine)

    old = asked(engine, "call_conversion_rate", until=START + 9 * DAY)["rows"][0]
    young = asked(engine, "call_conversion_rate")["rows"][0]
    other = asked(engine, "contact_rate")["rows"][0]

    assert (old["maturity"], young["maturity"], other["maturity"]) == ("mature", "immature", "mature")


def test_what_came_late_or_waits_in_quarantine_is_told_beside(engine: Engine):
    fill(engine)

    quality = asked(engine, "average_talk_time")["rows"][0]["data_quality"]

    assert quality["late"] == pytest.approx(len(range(0, CALLS, 9)) / CALLS)
    assert quality["quarantined"] == pytest.approx(1 / (CALLS + 1))
    assert quality["missing"] > 0


def test_calls_told_again_are_told_beside_and_by_who_told_them(engine: Engine):
    fill(engine)
    calls = "io.leadrank.call.attempted"
    told = [("0", calls, START + 6 * DAY + 16 * MINUTE)] * 3 + [("s", calls, START + 7 * DAY)]
    other = [("s", "io.leadrank.touch.recorded", START + 7 * DAY), ("s", calls, NOW)]
    with transaction(engine) as connection:
        count_repeats(connection, told[:2], NOW)
        count_repeats(connection, [*told[2:], *other], NOW)

    whole = asked(engine, "contact_rate")["rows"][0]
    by_source = asked(engine, "contact_rate", ("event_source",))["rows"]
    by_hour = asked(engine, "contact_rate", ("hour",))["rows"]

    assert whole["data_quality"]["duplicate"] == pytest.approx(4 / (CALLS + 1 + 4))
    mine = {row["group"]["event_source"]: row for row in by_source}
    assert mine["0"]["data_quality"]["duplicate"] == pytest.approx(3 / 4)
    assert mine["1"]["data_quality"]["duplicate"] == 0
    assert {row["data_quality"]["duplicate"] for row in by_hour} == {whole["data_quality"]["duplicate"]}


def test_calls_told_again_later_are_not_in_an_earlier_account(engine: Engine):
    fill(engine)
    calls, then = "io.leadrank.call.attempted", START + 8 * DAY
    with transaction(engine) as connection:
        for at in (then, then + MINUTE, then + DAY):
            count_repeats(connection, [("s", calls, START + 7 * DAY)], at)

    with reading(engine) as connection:
        seen = {
            at: repeated_calls(connection, Stretch(START, NOW, at, "spring"))
            for at in (then - 1, then, then + MINUTE, NOW)
        }

    assert [told.get("s", 0) for told in seen.values()] == [0, 1, 2, 3]


def test_what_the_calls_in_quarantine_could_change_is_told_beside(engine: Engine):
    fill(engine)

    row = asked(engine, "contact_rate")["rows"][0]
    by_hour = asked(engine, "contact_rate", ("hour",))["rows"][0]

    contacts = row["value"] * CALLS / 100
    assert row["detail"]["least_with_quarantined"] == near(100 * contacts / (CALLS + 1))
    assert row["detail"]["most_with_quarantined"] == near(100 * (contacts + 1) / (CALLS + 1))
    assert "least_with_quarantined" not in by_hour["detail"]


def test_what_was_told_later_is_not_in_an_earlier_account(engine: Engine):
    fill(engine)
    then = START + 10 * DAY
    question = Question("average_call_duration", START, then, then, "spring")

    with reading(engine) as connection:
        found = ask(connection, question).rows[0]
        told_by_then = connection.execute(
            text("SELECT COUNT(*) FROM call WHERE known_at <= :then AND started_at < :then"), {"then": then}
        ).scalar_one()

    assert found.n == told_by_then


@pytest.mark.parametrize("by", [("moon",), ("channel", "channel")])
def test_a_dimension_that_nobody_knows_is_refused(engine: Engine, by: tuple[str, ...]):
    with pytest.raises(BadQuery):
        asked(engine, "contact_rate", by)


def test_a_kpi_that_nobody_knows_is_refused(engine: Engine):
    with pytest.raises(UnknownKpi):
        asked(engine, "happiness")
