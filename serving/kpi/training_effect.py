"""Training effect: what a training of agents, or a change for all at once, did to a KPI."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from features.kernel import BoolArray, Float64Array

MOST_SPLITS = 20_000
"""All ways to choose the treated are gone through up to so many; beyond, so many are drawn."""


@dataclass(frozen=True)
class Regression:
    """Weights of a least squares fit with their errors, each in the order of the design's columns."""

    weights: Float64Array
    plain: Float64Array
    """Errors of independent residuals."""
    robust: Float64Array
    """Errors that allow for neighbours being alike (Newey, West 1987)."""


def segmented(values: Float64Array, change: int, lags: int, origin: int = 0) -> Regression:
    """An interrupted time series: y = b0 + b1 t + b2 after + b3 (t - change - origin) after, t = 1, 2 ...

    `change` points lie before the change. `origin` 0 counts the first point after it as 1, so that b2 is the
    step at the change itself; 1 counts it as 0: b2 depends on which, so say it.
    """
    t = np.arange(1, values.size + 1, dtype=np.float64)
    after = (t > change).astype(np.float64)
    design = np.column_stack([np.ones(t.size), t, after, (t - change - origin) * after])
    return newey_west(design, values, lags)


def newey_west(design: Float64Array, outcome: Float64Array, lags: int) -> Regression:
    """Least squares with errors from `lags` autocovariances (Bartlett's weights), times n / (n - columns)."""
    rows, columns = design.shape
    bread = np.linalg.inv(design.T @ design)
    weights = bread @ design.T @ outcome
    residual = outcome - design @ weights
    scores = design * residual[:, None]
    meat = scores.T @ scores
    for lag in range(1, lags + 1):
        both = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (lags + 1)) * (both + both.T)
    spread = rows / (rows - columns)
    plain = np.sqrt(np.diag(bread) * (residual @ residual) / (rows - columns))
    return Regression(weights, plain, np.sqrt(np.diag(bread @ meat @ bread) * spread))


@dataclass(frozen=True)
class Difference:
    """How much more the treated changed than the others, and how often chance alone would show as much."""

    effect: float
    p: float
    splits: int
    """Ways to choose the treated that were looked at."""


def difference_in_differences(
    before: Float64Array, after: Float64Array, treated: BoolArray, rng: np.random.Generator
) -> Difference:
    """Compare agents' changes; two-sided p over the ways in which so many of them could have been treated.

    Few agents make cluster-robust errors too small: chance is counted instead (Fisher 1935).
    `ValueError` unless some agents are treated and some are not.
    """
    change, count = after - before, int(treated.sum())
    if not 0 < count < treated.size:
        raise ValueError("some agents must be treated, and some not")
    effect = _ahead(change, treated)
    drawn = _splits(treated.size, count, rng)
    effects = np.array([_ahead(change, split) for split in drawn])
    extreme = np.abs(effects) >= abs(effect) - 1e-12
    return Difference(effect, float(extreme.mean()), len(drawn))


@dataclass(frozen=True)
class Cohort:
    """Agents who were trained from one period on."""

    since: int
    effect: float
    agents: int


def staggered(panel: Float64Array, since: Float64Array) -> tuple[float, tuple[Cohort, ...]]:
    """The mean effect on the trained, and each cohort's, from a panel of shape (agents, periods).

    `since` is the first period trained, infinite for never. Each cohort's change from its last period before
    is compared with that of agents not yet trained, never of those trained earlier (Callaway and Sant'Anna
    2021).
    `ValueError` where no cohort has both.
    """
    found = []
    for start in np.unique(since[np.isfinite(since)]).astype(np.int64):
        effects = [_effect_at(panel, since, int(start), period) for period in range(start, panel.shape[1])]
        told = [effect for effect in effects if not np.isnan(effect)]
        if start > 0 and told:
            found.append(Cohort(int(start), float(np.mean(told)), int(np.count_nonzero(since == start))))
    if not found:
        raise ValueError("no cohort has a period before its training and agents not yet trained beside it")
    agents = [cohort.agents for cohort in found]
    return float(np.average([cohort.effect for cohort in found], weights=agents)), tuple(found)


def _effect_at(panel: Float64Array, since: Float64Array, start: int, period: int) -> float:
    waiting = since > period
    if start == 0 or not waiting.any():
        return float("nan")
    change = panel[:, period] - panel[:, start - 1]
    return float(change[since == start].mean() - change[waiting].mean())


def _ahead(change: Float64Array, treated: BoolArray) -> float:
    return float(change[treated].mean() - change[~treated].mean())


def _splits(size: int, count: int, rng: np.random.Generator) -> list[BoolArray]:
    every = list(_up_to(size, count))
    if len(every) <= MOST_SPLITS:
        return every
    drawn = [np.zeros(size, np.bool_) for _ in range(MOST_SPLITS)]
    for split in drawn:
        split[rng.choice(size, count, replace=False)] = True
    return drawn


def _up_to(size: int, count: int) -> list[BoolArray]:
    """All splits, or one more than MOST_SPLITS of them."""
    found: list[BoolArray] = []
    for chosen in combinations(range(size), count):
        split = np.zeros(size, np.bool_)
        split[list(chosen)] = True
        found.append(split)
        if len(found) > MOST_SPLITS:
            break
    return found
