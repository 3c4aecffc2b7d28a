"""Another order judged from whole pools, against that order played on the same pools."""

from dataclasses import replace

import numpy as np
import pytest

from serving.kpi.off_policy import Logged, inverse_propensity, self_normalised, self_normalised_robust
from serving.kpi.pools import HOW, SWITCH, Pools, from_pools
from serving.ranking.exploration import chance, generator, shuffled, utility

K, SIZE = 10, 30


def played(draws: int, seed: str, noise: float = 0.1, dialed: float = 0.9) -> tuple[Pools, float]:
    """The desk's own draws of 10 from 30 leads; and by how much the youngest first would have brought more.

    What a lead brings is what the model expects, doubled for young ones, with noise that nobody knows.
    """
    rng, columns = generator(seed), dict[str, list[np.ndarray]]()
    truth = np.zeros((2, 2))
    for draw in range(draws):
        score, age = np.exp(rng.normal(0, 0.5, SIZE)), rng.random(SIZE)
        expected, seconds = score * np.exp(rng.normal(0, 1, SIZE)), 60 + 240 * rng.random(SIZE)
        worth = expected * (1.5 - age)
        phi = utility(score, 1.0)
        order, keys = shuffled(phi, rng)
        drawn = np.isin(np.arange(SIZE), order[:K])
        called = drawn & (rng.random(SIZE) < dialed)
        told = {
            "draw": np.full(SIZE, draw), "first": age, "chance": chance(phi, float(keys[K])), "drawn": drawn,
            "called": called, "reward": called * worth * np.exp(rng.normal(0, noise, SIZE)),
            "seconds": called * seconds, "expected": expected, "expected_s": np.full(SIZE, 100.0),
        }  # fmt: skip
        for name, column in told.items():
            columns.setdefault(name, []).append(column)
        for place, rows in enumerate((np.argsort(age)[:K], order[:K])):
            truth[place] += [worth[rows].sum(), seconds[rows].sum()]
    pools = Pools(**{name: np.concatenate(column) for name, column in columns.items()})
    return pools, float(truth[0, 0] / truth[0, 1] / (truth[1, 0] / truth[1, 1]) - 1)


def judged(runs: int, how: str, blind: bool = False) -> tuple[int, float, float]:
    """How often the interval covered the truth; its mean width; the standard error of the estimates."""
    hits, widths, misses = 0, list[float](), list[float]()
    for run in range(runs):
        pools, truth = played(200, f"run {run}")
        if blind:
            pools = replace(pools, expected=np.random.default_rng(run).exponential(9.0, len(pools)))
        lift = from_pools(pools, unseen=0.0).estimates[how].lift
        assert lift is not None
        hits += lift.interval.low < truth < lift.interval.high
        widths.append(lift.interval.high - lift.interval.low)
        misses.append(lift.difference - truth)
    return hits, float(np.mean(widths)), float(np.std(misses))


def test_what_the_model_expects_makes_estimates_surer_and_intervals_still_cover():
    snips, robust, switch = (judged(40, how) for how in HOW)

    assert min(hits for hits, _, _ in (snips, robust, switch)) >= 35  # at 95 % fewer than one in a thousand
    assert max(width for _, width, _ in (robust, switch)) < 0.9 * snips[1]
    assert max(error for _, _, error in (robust, switch)) < 0.6 * snips[2]


def test_a_model_that_expects_nonsense_leads_nobody_astray():
    hits, _, _ = judged(40, "doubly_robust", blind=True)

    assert hits >= 35


def test_estimates_per_lead_are_those_that_equal_the_reference():
    pools, _ = played(400, "one")
    one = replace(pools, called=pools.drawn, chance=np.maximum(pools.chance, 1 / SWITCH))
    scale = one.reward.sum() / one.expected[one.called].sum()
    value = np.bincount(one.draw, one.taken * one.expected * scale)
    rows = np.flatnonzero(one.called)
    logged = Logged(one.weight[rows], one.reward[rows], one.expected[rows] * scale, np.repeat(value / K, K))

    found = from_pools(one, unseen=0.0)

    robust = self_normalised_robust(logged)
    wanted = {"snips": self_normalised(logged), "doubly_robust": robust, "switch": robust}
    assert {name: found.estimates[name].per_lead for name in wanted} == pytest.approx(wanted)
    assert found.ips_per_lead == pytest.approx(inverse_propensity(logged).value)


def test_equals_share_a_place_and_every_draw_keeps_its_number():
    pools, _ = played(3, "equals")
    tied = replace(pools, first=np.tile(np.repeat([1.0, 2.0], [5, 25]), 3))

    taken = tied.taken.reshape(3, SIZE)

    assert taken.tolist() == [[1.0] * 5 + [0.2] * 25] * 3


def test_leads_that_hardly_ever_had_a_chance_are_refused():
    pools, _ = played(300, "hardly")
    rare = replace(pools, chance=np.where(pools.first < 0.1, 0.01, pools.chance))

    found = from_pools(rare, unseen=0.0)

    assert found.refusal
    assert {one.lift for one in found.estimates.values()} == {None}


def test_what_no_pool_offered_is_refused():
    pools, _ = played(300, "unseen")

    assert "never offered" in from_pools(pools, unseen=0.2).refusal


def test_draws_of_which_hardly_any_brought_something_are_refused():
    pools, _ = played(300, "nothing")
    nine = np.flatnonzero((pools.weight > 0) & (pools.reward > 0))[:9]
    few = replace(pools, reward=np.where(np.isin(np.arange(len(pools)), nine), 1.0, 0.0))

    found = from_pools(few, unseen=0.0)

    assert found.refusal == "9 of the draws that it shares brought anything, less than 10"
    assert {one.lift for one in found.estimates.values()} == {None}


def test_no_pools_tell_nothing():
    pools, _ = played(1, "none")
    nothing = Pools(**{name: column[:0] for name, column in vars(pools).items() if name != "taken"})

    found = from_pools(nothing, unseen=0.0)

    assert (found.draws, found.estimates) == (0, {})
    assert "effective sample" in found.refusal
