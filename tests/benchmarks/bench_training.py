"""One head from data in memory to calibrated trees, against as many bare fits of LightGBM.

A million calls of 60 features take some minutes, so they are asked for:
`CALLS=1000000 NUMBERS=51 pytest -m benchmark tests/benchmarks/bench_training.py`.
"""

import os
from dataclasses import replace

import lightgbm
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features.instants import HOUR
from training.calibration import probability
from training.fit import Choice, fit_as
from training.heads import conversion
from training.lesson import Lesson
from training.splits import time_folds
from training.trees import parameters

from .harness import Figure, race, warm_race

CALLS, NUMBERS = int(os.environ.get("CALLS", "20000")), int(os.environ.get("NUMBERS", "32"))
WORDS, LARGE = 8, 100_000
CHOICE = Choice(0.01, None, 60)
ONE_SEED = replace(conversion.HEAD, seeds=1)


def bench_training() -> Figure:
    """CPU time of four folds, calibration and a fit of all rows; the rival makes the five fits alone."""
    lesson = a_lesson(np.random.default_rng(7))
    folds = time_folds(lesson.at, 4, 0.5, HOUR)
    parts = [lesson.take(fold.train) for fold in folds] + [lesson]

    def bare() -> None:
        for part in parts:
            columns = [place for place, is_word in enumerate(part.categorical) if is_word]
            rows = lightgbm.Dataset(
                part.values, part.label, categorical_feature=columns, params={"verbosity": -1}
            )
            lightgbm.train(parameters(conversion.HEAD, threads=1), rows, CHOICE.trees)

    with threadpool_limits(1, user_api="blas"):  # as `leadrank train` does
        measure, rounds = (race, 5) if CALLS < LARGE else (warm_race, 1)
        return measure(
            f"a head of one seed, {CALLS:,} calls of {len(lesson.categorical)} features, no search",
            lambda: fit_as(lesson, ONE_SEED, CHOICE, folds, threads=1),
            bare,
            against="bare lightgbm.train",
            rounds=rounds,
            unit="s",
        )


def a_lesson(rng: np.random.Generator) -> Lesson:
    """Numbers of which some are missing, words of ten levels, one rate to follow; six of them tell."""
    numbers = rng.normal(size=(CALLS, NUMBERS))
    words = rng.integers(0, 10, (CALLS, WORDS))
    rate = probability(np.cumsum(rng.normal(0, 0.01, CALLS)) - 2)
    told = numbers[:, :4] @ np.array([0.5, -0.4, 0.3, 0.2]) + 0.2 * (words[:, 0] > 6) + np.log(rate)
    label = (rng.random(CALLS) < probability(told)).astype(np.float64)
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    values = np.column_stack([rate, numbers, words]).astype(np.float32)
    kinds = (False,) * (1 + NUMBERS) + (True,) * WORDS
    return Lesson(values, kinds, np.arange(CALLS) * HOUR, label, np.ones(CALLS), follows=(0,))
