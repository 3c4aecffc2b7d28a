"""Another order judged from the store: what is logged is read as it was drawn."""

import numpy as np
import pytest
from sqlalchemy import Engine, insert

from features.calls import Outcome
from features.instants import DAY, MINUTE, SECOND
from features.store.campaigns import write_campaign
from features.store.changes import numbers
from features.store.engine import reading, transaction
from features.store.reads import Stretch
from features.store.tables import batch, call, decision, lead
from serving.errors import BadQuery
from serving.kpi.other_order import Drawn, what_if
from serving.what_if import WhatIf, judge, lines
from tests.features.store.tellings import NOON
from tests.serving.kpi.test_other_order import POOL, K, played

LATER = NOON + 300 * DAY


def fill(engine: Engine, drawn: Drawn, free: int) -> None:
    """A lead, a decision and a call per draw, five minutes a batch, each of so many free leads."""
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale"}, NOON)
        seq = numbers(connection, 3 * len(drawn))
        batches, leads, decisions, calls = [], [], [], []
        for i in range(len(drawn)):
            number, at = int(drawn.batch[i]), NOON + int(drawn.batch[i]) * 5 * MINUTE
            if i % K == 0:
                batches.append(_batch(number, at, free))
            created = at - 1_000 * MINUTE - round(float(drawn.first[i]) * 1_000) * MINUTE
            leads.append(_lead(i + 1, created, next(seq)))
            decisions.append(_decision(f"d{i}", number, i + 1, at, "ranked", float(drawn.chance[i])))
            calls.append(_call(i, at, float(drawn.seconds[i]), bool(drawn.reward[i]), next(seq)))
        for table, rows in ((batch, batches), (lead, leads), (decision, decisions), (call, calls)):
            connection.execute(insert(table), rows)


def _batch(number: int, at: int, free: int) -> dict[str, object]:
    return {
        "batch_id": f"b{number:05d}", "campaign": "spring", "dialer_id": "d", "at": at, "n": K,
        "key_text": "k", "pool": POOL, "free": free, "kappa": 0.0, "temperature": 1.0, "degraded": False,
        "withheld": {}, "rules": [],
    }  # fmt: skip


def _lead(key: int, at: int, seq: int) -> dict[str, object]:
    return {
        "id": key, "lead_id": f"lead{key}", "campaign": "spring", "created_at": at, "updated_at": at,
        "known_at": at, "channel": "web_form", "phones": [], "value": 10.0, "seq": seq,
    }  # fmt: skip


def _decision(name: str, number: int, key: int, at: int, source: str, chance: float) -> dict[str, object]:
    return {
        "decision_id": name, "batch_id": f"b{number:05d}", "lease_id": f"lease-{name}", "campaign": "spring",
        "lead": key, "at": at, "arm": "model", "source": source, "rank": 1, "attempt_no": 1,
        "propensity": chance, "score": 1.0, "handle_s": 60.0,
    }  # fmt: skip


def _call(i: int, at: int, seconds: float, sold: bool, seq: int) -> dict[str, object]:
    end = at + MINUTE + round(seconds) * SECOND
    return {
        "call_id": f"c{i}", "lead": i + 1, "campaign": "spring", "agent": "ada", "dialer_id": "d",
        "started_at": at + MINUTE, "ended_at": end, "event_at": end, "event_id": f"{i}", "known_at": end,
        "outcome": Outcome.CONVERTED if sold else Outcome.CONTACT_REFUSED, "talk_s": seconds, "hold_s": 0.0,
        "wrap_s": 0.0, "human_answered": True, "abandoned": False, "decision_id": f"d{i}", "seq": seq,
    }  # fmt: skip


def judged(engine: Engine, order: str) -> WhatIf:
    with reading(engine) as connection:
        return judge(connection, Stretch(0, LATER, LATER, "spring"), order)


def test_the_stores_draws_are_judged_as_they_were_made(engine: Engine):
    drawn, _ = played(120, temperature=1.0)
    fill(engine, drawn, free=POOL)

    found = judged(engine, "newest")

    wanted = what_if(drawn, unseen=0.0)
    assert (found.draws, found.offered) == (len(drawn), 1.0)
    assert found.sales.own.value == pytest.approx(wanted.own.value)
    assert found.sales.other.value == pytest.approx(wanted.other.value, rel=0.01)
    assert found.value.other.value == pytest.approx(10 * found.sales.other.value)
    assert "per agent-hour" in lines(found)[1]


def test_an_order_that_wants_leads_which_were_never_offered_is_refused(engine: Engine):
    drawn, _ = played(120, temperature=1.0)
    fill(engine, drawn, free=10 * POOL)

    found = judged(engine, "oldest")

    assert found.offered == pytest.approx(0.1)
    assert found.sales.lift is None
    assert "never offered" in lines(found)[1]


def test_an_order_that_nobody_knows_is_refused(engine: Engine):
    drawn, _ = played(2, temperature=1.0)
    fill(engine, drawn, free=POOL)

    with pytest.raises(BadQuery):
        judged(engine, "moon")


def test_a_floor_without_draws_can_tell_nothing(engine: Engine):
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale"}, NOON)

    found = judged(engine, "newest")

    assert (found.draws, found.offered, np.isnan(found.sales.own.value)) == (0, None, True)
    assert "effective sample" in found.sales.refusal
