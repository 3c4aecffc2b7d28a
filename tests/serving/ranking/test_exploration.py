"""The draw: whom it favours, and how exactly each lead's chance is told."""

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator, Philox

from serving.ranking.exploration import chance, generator, shuffled, utility


def test_a_batchs_generator_is_the_one_whose_key_is_the_digest_of_its_name():
    for name in ("spring|2026-01-05T17:00:00Z#0", "spring|a", ""):
        digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
        plain = Generator(Philox(key=int.from_bytes(digest)))

        assert generator(name).random(9).tolist() == plain.random(9).tolist()


def test_the_chance_is_the_published_formula():
    phi = np.log([4.0, 3.0, 2.0, 1.0])

    found = chance(phi, kappa=0.5)

    assert found == pytest.approx([0.9116211542, 0.8379081257, 0.7027142018, 0.4547607881], rel=1e-9)


def test_inclusion_of_a_draw_of_two_is_plackett_luce():
    weights = np.array([4.0, 3.0, 2.0, 1.0])
    exact = np.zeros(4)
    for first, second in itertools.permutations(range(4), 2):
        p = weights[first] / weights.sum() * weights[second] / (weights.sum() - weights[first])
        exact[[first, second]] += p

    rng = generator("inclusion")
    drawn = np.zeros(4)
    for _ in range(20_000):
        rows, _ = shuffled(np.log(weights), rng)
        drawn[rows[:2]] += 1

    assert exact == pytest.approx([0.7158730159, 0.6083333333, 0.4412698413, 0.2345238095], rel=1e-9)
    assert drawn / 20_000 == pytest.approx(exact, abs=0.015)


def test_sums_weighted_by_one_over_chance_are_unbiased():
    phi, worth, rng = np.log([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 0.0, 2.0, 5.0]), generator("unbiased")

    sums = []
    for _ in range(20_000):
        rows, keys = shuffled(phi, rng)
        sums.append(float((worth[rows[:2]] / chance(phi[rows[:2]], keys[2])).sum()))

    assert np.mean(sums) == pytest.approx(worth.sum(), abs=4 * np.std(sums) / np.sqrt(len(sums)))


def test_a_lead_without_worth_is_drawn_last():
    rows, keys = shuffled(utility(np.array([0.0, 1.0, 0.5]), 0.2), generator("worthless"))

    assert rows[-1] == 0
    assert np.isneginf(keys[-1])


@given(
    scores=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=50),
    key=st.text(max_size=8),
)
def test_equal_keys_draw_equal_orders(scores, key):
    phi = utility(np.array(scores), 0.2)

    rows, keys = shuffled(phi, generator(key))
    again, _ = shuffled(phi, generator(key))

    assert rows.tolist() == again.tolist()
    assert sorted(rows.tolist()) == list(range(len(scores)))
    assert np.all(np.diff(keys[np.isfinite(keys)]) <= 0)
