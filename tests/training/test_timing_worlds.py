"""Windows in simulated worlds: how much is regretted, how many leads are told nothing (`-s` prints it)."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features import Moments, Past, compute, for_leads
from features.instants import DAY, HOUR, NEVER
from features.kernel import Float64Array, Int64Array
from features.synthetic.floor import Floor
from features.synthetic.orders import Order, bootstrap, order
from features.synthetic.parameters import family
from features.synthetic.run import run
from features.synthetic.truth import p_answer
from features.synthetic.world import make_world
from serving.rules.hours import Ahead
from serving.week_ahead import Window, best_windows
from training.dataset import examples
from training.heads.answer import HEAD
from training.timing import learn_timing

from .worlds import past_of

pytestmark = pytest.mark.slow

SEEDS = (21, 22, 23)
"""On which nothing was tuned."""
ASKED = 1_500
"""Leads of each world whose regret is worked out."""
ORDERS: dict[str, Callable[[Floor], Order]] = {
    "newest first": bootstrap,
    "good leads first": partial(order, "feature_index"),
    "score at arrival": partial(order, "static_score"),
}


@dataclass(frozen=True)
class Regret:
    """Mean chance lost against each lead's best legal hour, and the share of leads that are told nothing."""

    calls: int
    ours: float
    single: float
    without: float
    seconds: float


def measured(name: str, seed: int, queue: str, *, days: int = 28, latent: bool = False) -> Regret:
    """Play a world, learn its timing, and ask about its open leads at the end."""
    floor, past = played(name, seed, queue, days, latent=latent)
    at = floor.world.day(days)
    found, features = examples(past, HEAD, at), for_leads(past.leads)
    matrix, begun = compute(past, found.moments, features), time.process_time()
    with threadpool_limits(1, user_api="blas"):  # as `leadrank train` does
        timing = learn_timing(matrix, found, HEAD, 0.01)
    seconds = time.process_time() - begun
    rows = open_leads(floor, at, np.random.default_rng(seed))
    ahead = hours_ahead(floor, rows, at)
    asked = compute(past, Moments.at_once(rows, at), features)
    told: list[Window | None] = [None] * rows.size
    if timing.proven:
        told = best_windows(timing.weeks(past, asked, rows, at), ahead, at)
    return regret(told, ahead, true_chances(floor, rows, ahead), len(found), seconds)


def played(name: str, seed: int, queue: str, days: int, *, latent: bool) -> tuple[Floor, Past]:
    """A floor after some days of an order of calls, and what is known of it."""
    world = make_world(family(name, scale=0.4, days=days + 8), seed)
    floor = Floor.opening(world)
    result = run(floor, ORDERS[queue](floor), world.start, world.day(days))
    return floor, past_of(world, result.log, world.day(days), latent=latent)


def open_leads(floor: Floor, at: int, rng: np.random.Generator) -> Int64Array:
    """Some of those that may still be called."""
    arrived = floor.world.leads.arrived
    rows = np.flatnonzero((arrived < at) & (arrived > at - 30 * DAY) & ~floor.ledger.closed)
    return np.sort(rng.choice(rows, min(ASKED, rows.size), replace=False))


def regret(
    told: list[Window | None], ahead: Ahead, chance: Float64Array, calls: int, seconds: float
) -> Regret:
    """Who is told nothing is called at the best single hour."""
    chance = np.where(ahead.open, chance, 0.0)
    by_hour = np.zeros(chance.shape)
    np.put_along_axis(by_hour, ahead.hour, chance, axis=1)
    single = by_hour[:, by_hour.mean(axis=0).argmax()]
    ours, best = single.copy(), chance.max(axis=1)
    for row, window in enumerate(told):
        if window is not None:
            ours[row] = chance[row, np.searchsorted(ahead.starts[row], window.start, side="right") - 1]
    without = sum(window is None for window in told) / len(told)
    return Regret(calls, float((best - ours).mean()), float((best - single).mean()), without, seconds)


def hours_ahead(floor: Floor, rows: Int64Array, at: int) -> Ahead:
    """The coming 168 hours on each lead's clock; open are those at which the world lets it be called."""
    zone = floor.world.leads.zone_h[rows] * HOUR
    local = at - floor.world.start + zone
    starts = (at - local % HOUR)[:, None] + HOUR * np.arange(168)
    hour = (starts - floor.world.start + zone[:, None]) // HOUR % 168
    first, last = floor.world.parameters.legal_hours
    return Ahead(starts, hour, (hour % 24 >= first) & (hour % 24 < last))


def true_chances(floor: Floor, rows: Int64Array, ahead: Ahead) -> Float64Array:
    """The world's own chance of an answer in the middle of each hour, if nothing happens before."""
    attempts, last = floor.ledger.attempts, floor.ledger.last_attempt
    return np.array(
        [
            [
                p_answer(floor.truth, lead, int(attempts[lead]), int(last[lead]), NEVER, start + HOUR // 2)
                for start in starts
            ]
            for lead, starts in zip(rows.tolist(), ahead.starts.tolist(), strict=True)
        ]
    )


def shown(world: str, seed: int, queue: str, found: Regret) -> None:
    """Print a row of the table in docs/models.md."""
    ratio = found.ours / found.single if found.single > 1e-9 else float("nan")
    sys.stdout.write(
        f"\n| {world} | {seed} | {queue} | {found.calls:,} | {found.single:.4f} | {found.ours:.4f} "
        f"| {ratio:.2f} | {found.without:.0%} | {found.seconds:.1f} |"
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("queue", ORDERS)
def test_in_a_flat_world_almost_nobody_is_told_an_hour(seed, queue):
    found = measured("F1", seed, queue)

    shown("F1", seed, queue, found)
    assert found.without >= 0.95


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["F0", "F2"])
def test_windows_are_regretted_at_most_half_as_much_as_the_best_single_hour(name, seed):
    found = measured(name, seed, "newest first")

    shown(name, seed, "newest first", found)
    assert found.ours <= found.single / 2


@pytest.mark.parametrize("name", ["F0", "F2"])
def test_after_two_weeks_windows_are_regretted_at_most_half_as_much_on_the_whole(name):
    """Of three worlds together: in one of them two Saturdays may still be luck."""
    found = {seed: measured(name, seed, "newest first", days=14) for seed in SEEDS}

    for seed, one in found.items():
        shown(f"{name}, 14 days", seed, "newest first", one)
    assert sum(one.ours for one in found.values()) <= sum(one.single for one in found.values()) / 2


def test_where_nobody_tells_the_segments_nobody_is_worse_off_than_with_the_best_single_hour():
    found = measured("F2", SEEDS[0], "newest first", latent=True)

    shown("F2, 28 days, segments hidden", SEEDS[0], "newest first", found)
    assert found.ours <= found.single * 1.05
