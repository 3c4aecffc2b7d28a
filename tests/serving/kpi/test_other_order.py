"""Another order judged from logged draws, against that order played on the same pools."""

from dataclasses import replace

import numpy as np
import pytest

from serving.kpi.other_order import BLOCK, Drawn, what_if
from serving.ranking.exploration import chance, shuffled, utility
from serving.ranking.exploration import generator as named

K = 10
POOL = 30


def played(batches: int, temperature: float, seed: str = "played") -> tuple[Drawn, dict[str, float]]:
    """The desk's own draws of 10 from 30 leads, and sales per agent-hour of orders played on the same pools.

    A lead is worth more the younger it is and the better its score, with noise that no order knows.
    """
    rng = named(seed)
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("batch", "chance", "first", "reward", "seconds")
    }
    sums: dict[str, np.ndarray] = {name: np.zeros(2) for name in ("youngest", "anybody", "model")}
    for batch in range(batches):
        score, age = np.exp(rng.normal(0, 0.5, POOL)), rng.random(POOL)
        worth = 0.08 * score * np.exp(-age) / np.exp(0.125 - 0.5)
        seconds = 60 + 240 * rng.random(POOL)
        sold = (rng.random(POOL) < np.minimum(worth, 1)).astype(np.float64)
        phi = utility(score, temperature)
        drawn, keys = shuffled(phi, rng)
        mine = drawn[:K]
        for name, column in (("first", age), ("reward", sold), ("seconds", seconds)):
            columns[name].append(column[mine])
        columns["chance"].append(chance(phi[mine], float(keys[K])))
        columns["batch"].append(np.full(K, batch))
        for name, rows in (("youngest", np.argsort(age)[:K]), ("anybody", np.arange(POOL)), ("model", mine)):
            sums[name] += [worth[rows].sum(), seconds[rows].sum() / 3600]
    told = {name: np.concatenate(column) for name, column in columns.items()}
    truth = {name: float(y / x) for name, (y, x) in sums.items()}
    return Drawn(pool=np.full(batches * K, float(POOL)), **told), truth


def test_another_order_is_judged_as_it_would_have_played():
    drawn, truth = played(1_500, temperature=1.0)

    found = what_if(drawn, unseen=0.0)

    assert found.refusal == ""
    assert found.lift is not None
    relative = truth["youngest"] / truth["model"] - 1
    assert found.lift.interval.low < relative < found.lift.interval.high
    assert found.other.value == pytest.approx(truth["youngest"], rel=0.08)
    assert found.own.value == pytest.approx(truth["model"], rel=0.08)


def test_intervals_cover_what_the_order_would_have_brought():
    hits = 0
    for run in range(40):
        drawn, truth = played(200, temperature=1.0, seed=f"run {run}")
        lift = what_if(drawn, unseen=0.0).lift
        assert lift is not None
        hits += lift.interval.low < truth["youngest"] / truth["model"] - 1 < lift.interval.high

    assert hits >= 35  # at 95 % fewer than one time in a thousand


def test_anybody_is_what_the_whole_pool_would_have_brought():
    drawn, truth = played(1_500, temperature=1.0)
    anybody = replace(drawn, first=np.zeros(len(drawn)))

    found = what_if(anybody, unseen=0.0)

    assert found.other.value == pytest.approx(truth["anybody"], rel=0.08)


def test_draws_that_hardly_ever_tried_what_the_order_wants_are_refused():
    drawn, _ = played(300, temperature=0.05)

    found = what_if(drawn, unseen=0.0)

    assert found.lift is None
    assert "hardly ever tried" in found.refusal or "effective sample" in found.refusal


def test_what_no_pool_offered_is_refused():
    drawn, _ = played(300, temperature=1.0)

    assert (
        what_if(drawn, unseen=0.2).refusal == "20% of what it would do was hardly ever tried or never offered"
    )


def test_a_few_draws_are_refused():
    drawn, _ = played(12, temperature=1.0)

    assert "effective sample" in what_if(drawn, unseen=0.0).refusal


def test_the_order_that_was_followed_is_judged_as_it_was():
    """With every lead of the pool drawn there is nothing to weigh."""
    drawn, _ = played(300, temperature=1.0)
    whole = replace(drawn, chance=np.ones(len(drawn)), pool=np.full(len(drawn), float(K)))

    found = what_if(whole, unseen=0.0)

    assert found.sample == pytest.approx(len(whole))
    assert found.other.value == pytest.approx(found.own.value)
    assert len(whole) > BLOCK
