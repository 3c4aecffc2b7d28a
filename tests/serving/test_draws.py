"""Draws: a queue ranked from its record alone is the queue, bit by bit."""

import zlib

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from features.instants import NEVER
from serving.draws import COLUMNS, Turn, Witness, pools, replay, written
from serving.packed import unpacked
from serving.ranking.exploration import generator, utility
from serving.ranking.fairness import Account
from serving.ranking.policy import Arm, Experiment, Policy
from serving.ranking.queue import RANKED_ARMS, Source, rank
from serving.scores import prints
from tests.serving.twin import Sorted

POLICIES = st.builds(
    Policy,
    holdout=st.sampled_from([0.0, 0.3]),
    uniform=st.sampled_from([0.0, 0.5]),
    fairness_floor=st.sampled_from([0.0, 0.2]),
    timing=st.booleans(),
    temperature=st.sampled_from([0.05, 1.0]),
    baseline_order=st.sampled_from(["newest", "random"]),
    experiment=st.none()
    | st.just(Experiment("heat", (Arm("cool", 0.5, temperature=0.05), Arm("warm", 0.5, temperature=1.0))))
    | st.just(Experiment("order", (Arm("any", 0.3, "random"), Arm("model", 0.5), Arm("old", 0.2, "oldest")))),
)


def a_field(seed: int, size: int, scored: bool, policy: Policy) -> Sorted:
    rng = default_rng(seed)
    return Sorted(
        row=np.arange(size) + 7,
        arm=rng.choice(len(policy.arms), size, p=[arm.share for arm in policy.arms]).astype(np.int8),
        score=np.where(rng.random(size) < 0.1, 0.0, rng.random(size)) if scored else np.full(size, np.nan),
        seconds=rng.exponential(60, size),
        callback_at=np.where(rng.random(size) < 0.1, rng.integers(0, 99, size), NEVER),
        created_at=rng.integers(0, 9, size),
        attempts=rng.integers(0, 3, size),
        last_call_at=rng.integers(0, 9, size),
        origin=rng.integers(-1, 3, size),
        policy=policy,
    )


@settings(deadline=None)
@given(
    seed=st.integers(0, 999),
    size=st.integers(0, 40),
    n=st.integers(1, 12),
    scored=st.booleans(),
    policy=POLICIES,
    lost=st.integers(0, 3),
)
def test_a_queue_replayed_from_its_record_is_the_same_bit_by_bit(seed, size, n, scored, policy, lost):
    field = a_field(seed, size, scored, policy)
    account = Account((seed * 1.1, seed * 0.7), seed % 3 * 100, ((-1, 1), (1, 9)))
    witness = Witness(field)

    def describe(places):
        return dict.fromkeys(COLUMNS, field.row[places]) | {
            "score": field.score[places],
            "seconds": field.seconds[places],
        }

    queue = rank(witness, n, policy, account, generator("c|k"))
    tried = min(n + lost, queue.place.size)
    won = np.arange(lost, tried)
    turn = Turn(n, tried, won.tolist(), witness.testimony(describe))

    again = replay(written(policy, account, [turn]), "c|k")

    assert again.lead.tolist() == field.row[queue.place[won]].tolist()
    np.testing.assert_array_equal(again.propensity, queue.propensity(tried, won))


def as_before_experiments(record: bytes) -> bytes:
    """The same as it was written when the model's arm was the only one, under its own number."""
    said = unpacked(record)
    del said["policy"]["experiment"]
    for turn in said["turns"]:
        named = turn["told"]["numbered"]
        turn["told"]["numbered"] = [(0 if arm == RANKED_ARMS else arm, *rest) for arm, *rest in named]
    return zlib.compress(orjson.dumps(said))


def test_records_of_before_experiments_replay():
    policy = Policy(holdout=0.3, uniform=0.9)
    field = a_field(3, 40, True, policy)
    witness = Witness(field)
    queue = rank(witness, 9, policy, Account((1.0, 2.0)), generator("c|k"))
    told = witness.testimony(lambda places: dict.fromkeys(COLUMNS, field.row[places]) | {
        "score": field.score[places], "seconds": field.seconds[places],
    })  # fmt: skip
    record = written(policy, Account((1.0, 2.0)), [Turn(9, 9, list(range(9)), told)])

    again, pool = replay(as_before_experiments(record), "c|k"), pools(as_before_experiments(record))

    assert Source.EXPLORE in queue.source[:9]
    assert again.lead.tolist() == field.row[queue.place[:9]].tolist()
    assert again.propensity.tolist() == queue.propensity(9, np.arange(9)).tolist()
    assert [one.won for one in pool] == [slice(0, 9)]
    assert pool[0].phi.tolist() == utility(pool[0].score, policy.temperature).tolist()


def test_the_print_of_features_tells_any_bit_apart():
    values = np.array([[1.0, np.nan], [1.0, np.nan], [np.nextafter(np.float32(1), 2), np.nan], [np.nan, 1.0]])

    said = prints(values.astype(np.float32))

    assert said[0] == said[1]
    assert len({*said.tolist()}) == 3
