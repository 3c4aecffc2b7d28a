"""Scores and a queue for thousands of leads, against the same scores and one full sort of them."""

from collections.abc import Callable
from functools import partial

import numpy as np

from features import FeatureMatrix, Moments, compute
from features.instants import HOUR, NEVER
from features.kernel import Int64Array
from serving.ranking.arms import HOLDOUT, MODEL
from serving.ranking.queue import Candidates, Policy, rank
from serving.ranking.value import value_per_second
from tests.training.test_bundle import FLOOR, a_bundle
from training.bundle import Bundle, Scores

from .harness import Figure, race

SIZES = (10_000, 100_000)
WANTED = 50


def bench_scoring() -> list[Figure]:
    """CPU time per poll: chances of every lead, then the 50 best with exploration, holdout and chances."""
    bundle, rng = a_bundle(60), np.random.default_rng(7)
    rows = Moments.at_once(np.arange(len(FLOOR.past.leads)), FLOOR.until)
    known = compute(FLOOR.past, rows, bundle.features)
    return [figure for size in SIZES for figure in figures(bundle, known, rng.integers(0, len(known), size))]


def figures(bundle: Bundle, known: FeatureMatrix, rows: Int64Array) -> list[Figure]:
    """The whole poll and its queue alone, for so many leads."""
    matrix = known.take(rows)
    leads = candidates_of(bundle.predict(matrix), np.random.default_rng(8))
    predict = partial(bundle.predict, matrix, threads=1)
    queue, sort = partial(queue_of, leads), partial(best_of, leads)
    whole, sorted_whole = partial(both, predict, queue), partial(both, predict, sort)
    against, size = "one full argsort", f"{rows.size:,}"
    return [
        race(
            f"scores and queue of {size} leads", whole, sorted_whole, against=f"scores, {against}", rounds=5
        ),
        race(f"queue of {size} leads", queue, sort, against=against),
    ]


def both(predict: Callable[[], object], choose: Callable[[], object]) -> None:
    """A poll: score all, choose some."""
    predict()
    choose()


def queue_of(leads: Candidates) -> object:
    """As the desk does it: with spares, and each lead's chance of being there."""
    return rank(leads, WANTED, Policy(), (0.0, 0.0), np.random.default_rng(1)).propensity(
        WANTED, np.arange(WANTED)
    )


def best_of(leads: Candidates) -> object:
    """The best by score and nothing else."""
    return np.argsort(-leads.score)[:WANTED]


def candidates_of(scores: Scores, rng: np.random.Generator) -> Candidates:
    """Every lead may be called now; a tenth keeps the old order, one in a thousand was promised a call."""
    size = scores.handle_s.size
    worth = value_per_second(scores["answer"], scores["conversion"], np.full(size, 100.0), scores.handle_s)
    return Candidates(
        row=np.arange(size),
        arm=np.where(rng.random(size) < 0.1, HOLDOUT, MODEL).astype(np.int8),
        score=worth,
        seconds=scores.handle_s,
        callback_at=np.where(rng.random(size) < 0.001, FLOOR.until, NEVER),
        created_at=FLOOR.until - rng.integers(1, 1_000, size) * HOUR,
        attempts=rng.integers(0, 8, size),
        last_call_at=FLOOR.until - rng.integers(1, 100, size) * HOUR,
    )
