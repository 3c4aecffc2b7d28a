"""Draws: a queue ranked from its record alone is the queue, bit by bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from features.instants import NEVER
from serving.draws import COLUMNS, Turn, Witness, replay, written
from serving.ranking.exploration import generator
from serving.ranking.fairness import Account
from serving.ranking.queue import Policy, rank
from serving.scores import prints
from tests.serving.twin import Sorted

POLICIES = st.builds(
    Policy,
    holdout=st.sampled_from([0.0, 0.3]),
    uniform=st.sampled_from([0.0, 0.5]),
    fairness_floor=st.sampled_from([0.0, 0.2]),
    temperature=st.sampled_from([0.05, 1.0]),
    baseline_order=st.sampled_from(["newest", "random"]),
)


def a_field(seed: int, size: int, scored: bool, order: str) -> Sorted:
    rng = default_rng(seed)
    return Sorted(
        row=np.arange(size) + 7,
        arm=(rng.random(size) < 0.3).astype(np.int8),
        score=np.where(rng.random(size) < 0.1, 0.0, rng.random(size)) if scored else np.full(size, np.nan),
        seconds=rng.exponential(60, size),
        callback_at=np.where(rng.random(size) < 0.1, rng.integers(0, 99, size), NEVER),
        created_at=rng.integers(0, 9, size),
        attempts=rng.integers(0, 3, size),
        last_call_at=rng.integers(0, 9, size),
        origin=rng.integers(-1, 3, size),
        baseline_order=order,
    )


@given(
    seed=st.integers(0, 999),
    size=st.integers(0, 40),
    n=st.integers(1, 12),
    scored=st.booleans(),
    policy=POLICIES,
    lost=st.integers(0, 3),
)
def test_a_queue_replayed_from_its_record_is_the_same_bit_by_bit(seed, size, n, scored, policy, lost):
    field = a_field(seed, size, scored, policy.baseline_order)
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
    np.testing.assert_array_equal(again.propensity, queue.propensity(tried, won)[0])


def test_the_print_of_features_tells_any_bit_apart():
    values = np.array([[1.0, np.nan], [1.0, np.nan], [np.nextafter(np.float32(1), 2), np.nan], [np.nan, 1.0]])

    said = prints(values.astype(np.float32))

    assert said[0] == said[1]
    assert len({*said.tolist()}) == 3
