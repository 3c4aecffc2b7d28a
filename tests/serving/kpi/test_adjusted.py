"""The adjusted lift: surer where agents differ, the same where they don't."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.random import default_rng

from features.leads import Coded
from serving.kpi.adjusted import LEAST_UNITS, PRIOR_HOURS, Adjusted, adjusted, earlier
from serving.kpi.adjustment import lin, lin_figures
from serving.kpi.cells import SUMS, UNCLAIMED, Cells
from serving.kpi.intervals import Comparison, compare_relatively
from tests.serving.kpi.test_adjustment import BASE, OTHER
from tests.serving.kpi.test_intervals import exactly

AGENTS, DAYS, LIFT = 20, 20, 0.2


def a_floor(run: int, spread: float, days: int = DAYS) -> Cells:
    """Agent-days of both arms, whose hours vary by chance; the model's bring LIFT more per hour."""
    rng = default_rng(run)
    skill = np.exp(rng.normal(0, spread, AGENTS))
    day, agent, arm = (one.ravel() for one in np.meshgrid(range(days), range(AGENTS), range(2)))
    hours = rng.exponential(4.0, day.size)
    sold = rng.poisson(2 * skill[agent] * (1 + LIFT * arm) * hours)
    sums = dict.fromkeys((*SUMS, *UNCLAIMED), np.zeros(day.size))
    nobody = Coded((), np.full(day.size, -1))
    words = {
        "policy": Coded(("holdout", "model"), arm), "model_version": nobody, "hour": nobody,
        "agent": Coded(tuple(f"agent-{number:02d}" for number in range(AGENTS)), agent),
    }  # fmt: skip
    return Cells(day, words, sums | {"agent_hours": hours, "net": sold.astype(np.float64)})


def arms(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    return cells.of("policy", "holdout"), cells.of("policy", "model")


def plain(cells: Cells) -> Comparison:
    base, other = (cells.ratio("net", "agent_hours", mine) for mine in arms(cells))
    return compare_relatively(base, other)


def told(cells: Cells) -> dict[str, Adjusted]:
    found = adjusted(cells, arms(cells), "net", "agent_hours", plain(cells).error)
    return {one.how: one for one in found}


@dataclass(frozen=True)
class Runs:
    """Over many floors: how often intervals covered the lift, variances left, and what estimates missed."""

    hits: float
    left: float
    missed: float
    moved: float
    """From the plain estimate, over its interval's half width."""


def many(how: str, spread: float) -> Runs:
    hits, left, missed, moved = list[bool](), list[float](), list[float](), list[float]()
    for run in range(80):
        cells = a_floor(run, spread)
        one, base = told(cells)[how], plain(cells)
        hits.append(one.interval.low < LIFT < one.interval.high)
        left.append(one.variance_left)
        missed.append((one.relative - LIFT) / base.error)
        moved.append(abs(one.relative - base.difference) / (base.difference - base.interval.low))
    return Runs(np.mean(hits).item(), np.mean(left).item(), np.std(missed).item(), max(moved))


@pytest.mark.parametrize("how", ["cuped", "lin"])
def test_where_agents_differ_the_adjusted_lift_is_surer_and_still_covers_the_truth(how: str):
    found = many(how, spread=0.5)

    assert found.hits >= 0.88  # 80 runs at 95 %: fewer is one time in a hundred
    assert found.left < 0.6
    assert found.missed < 0.8


@pytest.mark.parametrize("how", ["cuped", "lin"])
def test_where_agents_are_alike_the_adjustment_hardly_changes_anything(how: str):
    found = many(how, spread=0.0)

    assert found.left == pytest.approx(1, abs=0.02)
    assert found.moved < 0.25


def test_what_an_agent_had_brought_is_that_of_earlier_days_in_any_arm():
    cells = a_floor(3, 0.5, days=3)

    known = earlier(cells, "net", "agent_hours")

    hours, sold = cells.sums["agent_hours"], cells.sums["net"]
    agent = cells.words["agent"].codes
    for cell in range(len(cells)):
        before = cells.day < cells.day[cell]
        own = before & (agent == agent[cell])
        rate = sold[before].sum() / hours[before].sum() if before.any() else 0.0
        wanted = (sold[own].sum() - rate * hours[own].sum()) / (hours[own].sum() + PRIOR_HOURS)
        assert known[cell] == pytest.approx(wanted)


def test_a_few_agent_days_are_not_adjusted():
    cells = a_floor(1, 0.5, days=1)
    few = cells.take(cells.words["agent"].codes < LEAST_UNITS - 1)

    assert told(few) == {}
    assert set(told(cells)) == {"cuped", "lin"}


def test_the_arms_of_lins_regression_differ_by_its_effect():
    base, other = lin_figures(BASE, OTHER)

    assert other.value - base.value == exactly(lin(BASE, OTHER).value)
    assert base.variance + other.variance == exactly(lin(BASE, OTHER).error ** 2)
