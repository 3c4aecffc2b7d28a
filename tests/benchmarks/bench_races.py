"""The models in time order on the bank's calls, and beside the truth of simulated worlds."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from features.instants import NEVER
from features.sources.bank_marketing import bank_past
from training.race import NEVER_AGAIN, OURS, RaceReport, course, race
from training.worlds import Gap, gaps

from .harness import Figure, summary

PACES = (1_000, 100)
DEFAULT, LOGISTIC = "default LightGBM", "logistic regression"
FAMILIES, SEED, SCALE = ("F0", "F1", "F2", "F3", "F4"), 1, 0.2

Measured = Mapping[tuple[str, int], Mapping[str, float]]
"""By learner and pace."""


def bench_bank() -> list[Figure]:
    """Every measure that decides, beside the rival of the same run that it must beat; no time is measured."""
    path = os.environ.get("LEADRANK_BANK_DATA")
    if path is None:
        pytest.skip("LEADRANK_BANK_DATA names no bank-additional.zip")
    found = race(course(bank_past(Path(path)), NEVER), PACES, {}, 1, lambda: None)
    told = {(run.learner, run.every): each for run, each in zip(found.runs, found.measures, strict=True)}
    return [
        *(beside(told, "auc", every, DEFAULT) for every in PACES),
        *(beside(told, "auc_at_a_time", every, DEFAULT) for every in PACES),
        beside(told, "ece", 100, DEFAULT, less_is_better=True),
        beside(told, "top_half_gain", 100, DEFAULT),
        beside(told, "auc", NEVER_AGAIN, LOGISTIC),
        ahead(found, 100, DEFAULT),
    ]


def beside(told: Measured, measure: str, every: int, rival: str, *, less_is_better: bool = False) -> Figure:
    """One measure of ours, against the rival's."""
    ours, theirs = told[OURS, every][measure], told[rival, every][measure]
    pace = f"retrained every {every:,} calls" if every else "never retrained"
    ratio = theirs / ours if less_is_better else ours / theirs
    return summary(f"{measure} of bank calls, {pace}", rival, ratio, [ours], "")


def ahead(found: RaceReport, every: int, rival: str) -> Figure:
    """By how many standard errors of a paired block bootstrap ours is ahead."""
    place = next(k for k, run in enumerate(found.runs) if (run.learner, run.every) == (rival, every))
    duel = found.duels[place]
    assert duel is not None
    name = f"AUC ahead, in standard errors, retrained every {every:,} calls"
    return summary(name, rival, duel.errors, [duel.errors], "")


def bench_worlds() -> list[Figure]:
    """Each head's cost in unseen calls of each family, beside the truth's own."""
    return [closed(gap) for name in FAMILIES for gap in gaps(name, SEED, SCALE, 1)]


def closed(gap: Gap) -> Figure:
    """The share of the way from a constant to the truth, as the ratio; the figure is the cost."""
    name = f"{gap.head} in a world {gap.world}: cost, constant {gap.constant:.4f}"
    return summary(name, f"truth {gap.truth:.4f}", gap.closed, [gap.ours], "")
