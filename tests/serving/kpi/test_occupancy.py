"""Occupancy: agents' states against a query, and against counting minute by minute on the site's clock."""

from collections import Counter
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine, insert, text

from features.instants import DAY, HOUR, MINUTE, parse, to_datetime
from features.store.campaigns import write_campaign
from features.store.changes import numbers
from features.store.engine import reading, transaction
from features.store.tables import agent, agent_state, call, lead
from serving.accounts import Question, ask
from tests.serving.kpi.test_kpis_by_site import SHIFTS, WEEKDAYS, ZONE

START = parse("2026-03-06T00:00Z")
UNTIL = START + 5 * DAY
AT = UNTIL + DAY
STATES = ("ready", "on_call", "wrap", "break", "off")
AGENTS = 4

SPENT = """
    WITH spell AS (
      SELECT s.agent, a.team, s.state, s.at AS begins,
        COALESCE(LEAD(s.at) OVER (PARTITION BY s.agent ORDER BY s.at, s.seq), :until) AS ends
      FROM agent_state s LEFT JOIN agent a ON a.agent = s.agent WHERE s.known_at <= :at),
    told AS (
      SELECT agent, team, state, CASE WHEN begins < :since THEN :since ELSE begins END AS begins,
        CASE WHEN ends > :until THEN :until ELSE ends END AS ends
      FROM spell WHERE ends - begins < 43200000000 AND state IN ('ready', 'on_call', 'wrap'))
    SELECT {word} AS word, SUM(CASE WHEN state = 'ready' THEN 0.0 ELSE 1.0 * (ends - begins) END) AS busy,
      SUM(1.0 * (ends - begins)) AS staffed
    FROM told WHERE ends > begins {group}
"""


def fill(engine: Engine) -> list[dict[str, object]]:
    """Six days of states at whole minutes, over midnight and the day of 23 hours; some told too late."""
    rng = np.random.default_rng(5)
    rows = list[dict[str, object]]()
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale", "timezone": ZONE, "shifts": SHIFTS}, START)
        seq = numbers(connection, 5_000)
        for number in range(AGENTS):
            at = START - DAY
            while at < UNTIL + 2 * HOUR:
                told = {"agent": f"agent{number}", "state": str(rng.choice(STATES)), "at": at}
                late = AT + MINUTE if rng.random() < 0.02 else at
                rows.append({**told, "known_at": late, "seq": next(seq)})
                at += int(14 * HOUR if rng.random() < 0.01 else rng.integers(1, 90) * MINUTE)
        connection.execute(insert(agent_state), rows)
        teams = [_agent(number, next(seq)) for number in range(AGENTS - 1)]
        connection.execute(insert(agent), teams)
        connection.execute(insert(lead), [_lead(next(seq))])
        calls = [_call(number, next(seq)) for number in range(AGENTS)]
        connection.execute(insert(call), calls)
    return rows


def _agent(number: int, seq: int) -> dict[str, object]:
    return {
        "agent": f"agent{number}", "team": ("red", "blue")[number % 2], "skills": [], "event_at": START,
        "event_id": "a", "known_at": START, "seq": seq, "timezone": "Europe/Berlin",
    }  # fmt: skip


def _lead(seq: int) -> dict[str, object]:
    return {
        "id": 1, "lead_id": "lead1", "campaign": "spring", "created_at": START, "updated_at": START,
        "known_at": START, "channel": "web_form", "phones": [], "seq": seq,
    }  # fmt: skip


def _call(number: int, seq: int) -> dict[str, object]:
    at = START + number * HOUR
    return {
        "call_id": f"call{number}", "lead": 1, "campaign": "spring", "agent": f"agent{number}",
        "dialer_id": "d", "started_at": at, "ended_at": at + MINUTE, "event_at": at, "event_id": "s e",
        "known_at": at, "outcome": 0, "human_answered": False, "abandoned": False, "seq": seq,
    }  # fmt: skip


def occupancy(engine: Engine, *by: str, campaign: str | None = "spring") -> dict[str | None, float | None]:
    question = Question("occupancy", START, UNTIL, AT, campaign, by)
    with reading(engine) as connection:
        rows = ask(connection, question).rows
    return {next(iter(row.group.values()), None): row.value for row in rows}


@pytest.mark.parametrize(("by", "word"), [((), "NULL"), (("agent",), "agent"), (("team",), "team")])
def test_occupancy_equals_its_query(engine: Engine, by: tuple[str, ...], word: str):
    fill(engine)
    query = SPENT.format(word=word, group=f"GROUP BY {word}" if by else "")
    with reading(engine) as connection:
        rows = connection.execute(text(query), {"since": START, "until": UNTIL, "at": AT}).all()

    found = occupancy(engine, *by)

    assert found == pytest.approx({row.word: 100 * float(row.busy) / float(row.staffed) for row in rows})


def counted(rows: list[dict[str, object]], zone: str) -> Mapping[str, Mapping[str, float]]:
    """Occupancy by clock, minute by minute."""
    busy, staffed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for number in range(AGENTS):
        mine = [one for one in rows if one["agent"] == f"agent{number}" and int(str(one["known_at"])) <= AT]
        ends = [*(int(str(one["at"])) for one in mine[1:]), UNTIL][: len(mine)]
        for one, end in zip(mine, ends, strict=True):
            begin = int(str(one["at"]))
            if one["state"] in ("break", "off") or end - begin >= 12 * HOUR:
                continue
            for minute in range(max(begin, START), min(end, UNTIL), MINUTE):
                clock = to_datetime(minute).astimezone(ZoneInfo(zone))
                words = {
                    "hour": f"{clock.hour:02d}", "weekday": WEEKDAYS[clock.weekday()],
                    "shift": "day" if 6 <= clock.hour < 18 else "night",
                }  # fmt: skip
                staffed.update(words.items())
                busy.update(words.items() if one["state"] != "ready" else ())
    found: dict[str, dict[str, float]] = {}
    for (by, word), minutes in staffed.items():
        found.setdefault(by, {})[word] = 100 * busy[by, word] / minutes
    return found


def test_hours_weekdays_and_shifts_are_the_sites_own(engine: Engine):
    wanted = counted(fill(engine), ZONE)

    for by in ("hour", "weekday", "shift"):
        assert occupancy(engine, by) == pytest.approx(wanted[by]), by


def test_without_a_campaign_hours_are_those_of_the_agents_zone(engine: Engine):
    rows = [one for one in fill(engine) if one["agent"] != "agent3"]
    with transaction(engine) as connection:
        connection.execute(agent_state.delete().where(agent_state.c.agent == "agent3"))

    assert occupancy(engine, "hour", campaign=None) == pytest.approx(counted(rows, "Europe/Berlin")["hour"])


def test_a_campaign_counts_those_who_called_for_it(engine: Engine):
    fill(engine)
    with transaction(engine) as connection:
        connection.execute(call.delete().where(call.c.agent == "agent2"))

    assert set(occupancy(engine, "agent")) == {"agent0", "agent1", "agent3"}


def test_states_of_which_nobody_said_the_end_are_told_beside(engine: Engine):
    fill(engine)

    with reading(engine) as connection:
        row = ask(connection, Question("occupancy", START, UNTIL, AT, "spring")).rows[0]

    assert 0 < row.quality["missing"] < 0.05
    assert row.n <= AGENTS * 6
    assert row.interval is not None
