"""Offers: the pools of a campaign's draws, read from their records."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.random import default_rng
from sqlalchemy import Connection, Engine, insert

from features.calls import Outcome
from features.instants import DAY, HOUR, MINUTE, NEVER
from features.store.campaigns import write_campaign
from features.store.changes import numbers
from features.store.draws import read_draws
from features.store.engine import reading, transaction
from features.store.reads import Stretch
from features.store.tables import batch, call, decision, draw, lead
from serving.draws import COLUMNS, Turn, Witness, written
from serving.kpi.pools import HOW
from serving.offers import Offers, read_offers, tried, waited
from serving.ranking.arms import HOLDOUT, MODEL
from serving.ranking.exploration import chance, generator, utility
from serving.ranking.fairness import Account
from serving.ranking.policy import Arm, Experiment, Policy
from serving.ranking.queue import RankedQueue, Source, rank
from serving.what_if import judge, lines
from tests.features.store.tellings import NOON
from tests.serving.twin import Sorted

LATER = NOON + 300 * DAY
STRETCH = Stretch(0, LATER, LATER, "spring")
LEADS, N = 60, 5
POLICY = Policy(holdout=0.2, uniform=0.1, temperature=1.0)


TWO = replace(
    POLICY,
    experiment=Experiment("heat", (Arm("cool", 0.5, temperature=0.5), Arm("warm", 0.5, temperature=2.0))),
)


def a_field(leads: int = LEADS, seed: int = 5, policy: Policy = POLICY) -> Sorted:
    rng = default_rng(seed)
    nothing = np.zeros(leads, np.int64)
    arm = (rng.random(leads) < POLICY.holdout).astype(np.int8)
    if policy.experiment is not None:
        arm = np.where(arm == HOLDOUT, HOLDOUT, rng.choice([0, 2], leads)).astype(np.int8)
    return Sorted(
        row=np.arange(leads) + 1, arm=arm, policy=policy,
        score=np.exp(rng.normal(0, 0.5, leads)), seconds=rng.exponential(60, leads),
        callback_at=np.where(np.arange(leads) == 7, NOON, NEVER), created_at=nothing, attempts=nothing,
        last_call_at=nothing, origin=nothing,
    )  # fmt: skip


def fill(
    engine: Engine, batches: int, lost: int = 1, leads: int = LEADS, policy: Policy = POLICY
) -> list[RankedQueue]:
    """Draws of the desk's own code, their first `lost` entries lost to others; every lead drawn is called."""
    made = list[RankedQueue]()
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale"}, NOON)
        seq = numbers(connection, leads + batches * N)
        connection.execute(insert(lead), [_lead(key, next(seq)) for key in range(1, leads + 1)])
        for number in range(batches):
            field = a_field(leads, 5 if leads == LEADS else number, policy)
            witness, account = Witness(field), Account()
            queue = rank(witness, N, policy, account, generator(f"spring|k{number}"))
            won = np.arange(lost, lost + N)
            told = witness.testimony(partial(_described, field))
            record = written(policy, account, [Turn(N, lost + N, won.tolist(), told)])
            _write(connection, number, queue, won, record)
            made.append(queue)
            keys = (queue.place[won] + 1).tolist()
            calls = [_call(number, rank, key, next(seq)) for rank, key in enumerate(keys)]
            connection.execute(insert(call), calls)
    return made


def _described(field: Sorted, places: np.ndarray) -> dict[str, np.ndarray]:
    told = dict.fromkeys(COLUMNS, field.row[places])
    return told | {
        "score": field.score[places], "seconds": field.seconds[places], "p_answer": np.full(places.size, 0.5),
        "p_convert": field.score[places] / 10, "worth": np.full(places.size, 10.0),
    }  # fmt: skip


def _at(number: int) -> int:
    return NOON + number * HOUR


def _write(connection: Connection, number: int, queue: RankedQueue, won: np.ndarray, record: bytes) -> None:
    chances = queue.propensity(int(won[-1]) + 1, won)
    told = {
        "batch_id": f"b{number}", "campaign": "spring", "dialer_id": "d", "at": _at(number), "n": N,
        "key_text": f"k{number}", "pool": queue.arms[MODEL].keys.size, "kappa": None, "temperature": 1.0,
        "degraded": False, "withheld": {}, "rules": [],
    }  # fmt: skip
    connection.execute(insert(batch), [told])
    connection.execute(insert(draw), [{"batch_id": f"b{number}", "at": _at(number), "told": record}])
    decisions = [
        {
            "decision_id": f"d{number}-{rank}", "batch_id": f"b{number}", "lease_id": f"l{number}-{rank}",
            "campaign": "spring", "lead": int(queue.place[entry]) + 1, "at": _at(number), "arm": "model",
            "source": Source(int(queue.source[entry])).name.lower(), "rank": rank + 1, "attempt_no": 1,
            "propensity": float(chances[rank]), "score": 1.0, "handle_s": 60.0,
        }
        for rank, entry in enumerate(won.tolist())
    ]  # fmt: skip
    connection.execute(insert(decision), decisions)


def _lead(key: int, seq: int) -> dict[str, object]:
    at = NOON - key * MINUTE
    return {
        "id": key, "lead_id": f"lead{key}", "campaign": "spring", "created_at": at, "updated_at": at,
        "known_at": at, "channel": "web_form", "phones": [], "value": 10.0, "seq": seq,
    }  # fmt: skip


def _call(number: int, rank: int, key: int, seq: int) -> dict[str, object]:
    """Each fifth lead buys whenever it is called."""
    at, sold = _at(number) + MINUTE, key % 5 == 0
    return {
        "call_id": f"c{number}-{rank}", "lead": key, "campaign": "spring", "agent": "ada", "dialer_id": "d",
        "started_at": at, "ended_at": at + MINUTE, "event_at": at, "event_id": f"{number}-{rank}",
        "known_at": at + MINUTE, "outcome": Outcome.CONVERTED if sold else Outcome.CONTACT_REFUSED,
        "talk_s": 60.0, "hold_s": 0.0, "wrap_s": 0.0, "human_answered": True, "abandoned": False,
        "decision_id": f"d{number}-{rank}", "seq": seq,
    }  # fmt: skip


def read(engine: Engine) -> tuple[Offers, np.ndarray, np.ndarray]:
    with reading(engine) as connection:
        offers = read_offers(connection, STRETCH, read_draws(connection, STRETCH))
        return offers, waited(connection, offers), tried(connection, offers)


def test_offers_are_the_pools_with_the_chances_that_everybody_had(engine: Engine):
    made = fill(engine, 8)

    offers, _, _ = read(engine)

    field = a_field()
    pool = field.first(MODEL, 3 * N)
    for number, queue in enumerate(made):
        mine = offers.draw == number
        kappa = queue.kappas(1 + N)[MODEL]
        assert offers.lead[mine].tolist() == (pool + 1).tolist()
        np.testing.assert_allclose(offers.chance[mine], chance(utility(field.score[pool], 1.0), kappa))
        entries = np.arange(1, 1 + N)
        drawn = queue.place[entries[queue.source[entries] == Source.RANKED]] + 1
        assert set(offers.lead[mine & (offers.row >= 0)].tolist()) == set(drawn.tolist())


def test_offers_know_how_long_a_lead_had_waited_and_how_often_it_had_been_tried(engine: Engine):
    fill(engine, 8)

    offers, waits, tries = read(engine)

    assert waits.tolist() == [
        number * HOUR + key * MINUTE
        for number, key in zip(offers.draw.tolist(), offers.lead.tolist(), strict=True)
    ]
    assert tries[offers.draw == 0].tolist() == [0.0] * (offers.draw == 0).sum()
    for key in set(offers.lead.tolist()):
        mine = offers.lead == key
        called = np.cumsum(offers.row[mine] >= 0)
        assert np.all(tries[mine][1:] >= called[:-1])
    assert tries.max() >= 2


def test_in_an_experiment_each_arm_offers_its_own_pool_by_its_own_temperature(engine: Engine):
    made = fill(engine, 8, policy=TWO)

    offers, _, _ = read(engine)

    field, entries, seen = a_field(policy=TWO), np.arange(1, 1 + N), set[int]()
    for one in np.unique(offers.draw).tolist():
        mine = offers.draw == one
        (arm,) = np.unique(field.arm[offers.lead[mine] - 1]).tolist()
        number = (int(offers.at[mine][0]) - NOON) // HOUR
        pool, temperature = field.first(arm, 3 * TWO.asked(N, arm)), TWO.arms[arm].temperature
        kappa = made[number].kappas(1 + N)[arm]
        assert offers.lead[mine].tolist() == (pool + 1).tolist()
        np.testing.assert_allclose(
            offers.chance[mine], chance(utility(field.score[pool], temperature), kappa)
        )
        drawn = made[number].place[entries[made[number].source[entries] == Source.RANKED]]
        taken = offers.lead[mine & (offers.row >= 0)] - 1
        assert set(taken.tolist()) == set(drawn[field.arm[drawn] == arm].tolist())
        seen.add(arm)
    assert seen == set(TWO.drawn)


def test_whole_pools_are_weighed_by_every_estimator(engine: Engine):
    fill(engine, 600, leads=300)

    with reading(engine) as connection:
        found = judge(connection, STRETCH, "score")

    assert found.sales_from_pools is not None
    assert set(found.sales_from_pools.estimates) == set(HOW)
    assert found.sales_from_pools.refusal == ""
    assert found.sales_from_pools.draws == found.draws
    assert "doubly robust" in lines(found)[2]


def test_records_that_are_kept_no_more_leave_their_draws_out(engine: Engine):
    fill(engine, 8)
    with transaction(engine) as connection:
        connection.execute(draw.delete().where(draw.c.at <= _at(3)))

    offers, _, _ = read(engine)

    assert np.unique(offers.at).tolist() == [_at(number) for number in range(4, 8)]


def test_a_campaign_without_draws_offers_nobody(engine: Engine):
    fill(engine, 0)

    assert len(read(engine)[0]) == 0


@pytest.mark.parametrize("order", ["newest", "oldest", "fewest_attempts", "random", "score"])
def test_every_order_among_whole_pools_can_be_asked_for(engine: Engine, order: str):
    fill(engine, 4)

    with reading(engine) as connection:
        found = judge(connection, STRETCH, order)

    assert found.sales_from_pools is not None
    assert found.sales_from_pools.refusal
