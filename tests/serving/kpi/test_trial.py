"""The account of an experiment: each arm against the first, in bands that hold for all of them together."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from features.kernel import Float64Array
from features.leads import Coded
from serving.kpi.balance import detectable
from serving.kpi.cells import KEYS, SUMS, UNCLAIMED, Cells
from serving.kpi.lift import BASE, PER_HOUR
from serving.kpi.page import arms_table, trial_lines
from serving.kpi.sequences import Sequence
from serving.kpi.trial import Before, Dealt, tried

FOUR = {"e:a": 0.25, "e:b": 0.25, "e:c": 0.25, "e:d": 0.25}
TWO = {"e:a": 0.5, "e:b": 0.5}
NOBODY = Before(0, 0.0)


def cells_of(
    day: np.ndarray, agent: np.ndarray, arm: np.ndarray, names: list[str], **sums: np.ndarray
) -> Cells:
    """Cells of agent-days in arms."""
    unknown = Coded((), np.full(day.size, -1))
    words = dict.fromkeys(KEYS, unknown) | {
        "policy": Coded(tuple(names), arm),
        "agent": Coded(tuple(f"{one:03d}" for one in range(int(agent.max()) + 1)), agent),
    }
    return Cells(day, words, {name: np.zeros(day.size) for name in (*SUMS, *UNCLAIMED)} | sums)


def months(rng: Generator, rates: dict[str, float], days: int = 30, agents: int = 8) -> Cells:
    """Every agent serves every arm each day; agents differ."""
    day, agent, arm = (one.ravel() for one in np.indices((days, agents, len(rates))))
    hours = rng.uniform(0.5, 2, day.size)
    skill = rng.lognormal(0, 0.35, agents)[agent]
    sold = rng.poisson(np.array(list(rates.values()))[arm] * skill * hours).astype(float)
    return cells_of(
        day, agent, arm, list(rates), agent_hours=hours, net=sold, net_value=50 * sold, gross=sold,
        attempts=10 * hours, contacts=4 * hours, live_answers=4 * hours,
    )  # fmt: skip


def dealt(shares: dict[str, float], leads: dict[str, int] | None = None, holdout: float = 0.1) -> Dealt:
    fair = {name: round(9_000 * share) for name, share in shares.items()} | {BASE: 1_000}
    return Dealt(shares, leads or fair, dict.fromkeys(shares, np.empty(0)), holdout)


def test_each_arm_is_compared_with_the_first_one():
    cells = months(default_rng(1), {"e:a": 0.8, "e:b": 1.6})

    found = tried(cells, dealt(TWO), NOBODY)

    (rival,) = found.rivals
    sold, hours = (
        [cells.total(name, cells.of("policy", arm)) for arm in TWO] for name in ("net", "agent_hours")
    )
    assert rival.lifts[0].relative == pytest.approx(sold[1] / hours[1] / (sold[0] / hours[0]) - 1)
    assert [lift.kpi for lift in rival.lifts] == list(PER_HOUR)
    assert [arm.promised for arm in found.arms] == [0.5, 0.5]
    assert [one.how for one in rival.lifts[0].adjusted] == ["cuped", "lin"]
    assert rival.lifts[0].always.low > 0


def test_more_arms_widen_every_band():
    """Four arms are three comparisons: each may claim a lift a third as often."""
    cells = months(default_rng(2), dict.fromkeys(FOUR, 0.8))
    two, four = tried(cells, dealt(TWO), NOBODY), tried(cells, dealt(FOUR), NOBODY)

    narrow, wide = two.rivals[0].lifts[0], four.rivals[0].lifts[0]

    assert wide.relative == narrow.relative
    assert wide.always.level == pytest.approx(1 - 0.05 / 3)
    for one, other in ((narrow.always, wide.always), (narrow.interval, wide.interval)):
        assert other.low < one.low < one.high < other.high
    assert wide.adjusted[0].always.level == wide.always.level
    assert wide.detectable > narrow.detectable


def test_other_attempts_beside_change_nothing():
    rng = default_rng(3)
    alone = months(rng, dict.fromkeys(TWO, 0.8))
    beside = months(rng, {**dict.fromkeys(TWO, 0.8), BASE: 0.4, "model": 2.0})
    own = np.isin(beside.words["policy"].codes, [0, 1])
    kept = {name: np.where(own, column, 7.0) for name, column in beside.sums.items()}
    for name, column in kept.items():
        column[own] = alone.sums[name]

    plain, mixed = tried(alone, dealt(TWO), NOBODY), tried(replace(beside, sums=kept), dealt(TWO), NOBODY)

    assert plain.arms == mixed.arms
    assert plain.rivals[0].lifts[0].interval == mixed.rivals[0].lifts[0].interval


@pytest.mark.parametrize("lost", [*TWO, BASE])
def test_leads_of_any_arm_that_went_missing_block_every_lift(lost: str):
    cells = months(default_rng(4), dict.fromkeys(TWO, 0.8))
    leads = {"e:a": 4_500, "e:b": 4_500, BASE: 1_000} | {lost: 700}

    found = tried(cells, dealt(TWO, leads), NOBODY)

    assert found.mismatch.blocks
    assert [(one.lifts, "not shared as promised" in one.refusal) for one in found.rivals] == [((), True)]


def test_an_arm_that_hardly_worked_is_refused_alone():
    cells = months(default_rng(5), dict.fromkeys(FOUR, 0.8))
    worked = (cells.words["policy"].codes != 3) | ((cells.day == 0) & (cells.words["agent"].codes == 0))

    found = tried(cells.take(worked), dealt(FOUR), NOBODY)

    assert [one.refusal for one in found.rivals] == [
        "",
        "",
        "the e:d arm has 1 agent-days, at least 2 are needed",
    ]


def test_an_arm_that_drives_people_to_opt_out_breaks_a_guardrail():
    cells = months(default_rng(6), dict.fromkeys(TWO, 0.8))
    driven = np.where(cells.of("policy", "e:b"), cells.sums["contacts"] / 3, 0.0)

    found = tried(replace(cells, sums={**cells.sums, "opt_outs": driven}), dealt(TWO), NOBODY)

    assert found.rivals[0].worse == ("opt_outs_per_1000_contacts",)


def test_what_four_weeks_can_show_is_told_before_anybody_was_called():
    nothing = months(default_rng(7), dict.fromkeys(FOUR, 0.8)).take(np.empty(0, np.int64))

    found = tried(nothing, dealt(FOUR), Before(leads=10_000, net=200.0))

    seen, alpha = found.rivals[0].foreseen, 0.05 / 3
    assert seen is not None
    assert (seen.leads, seen.rate) == (4_500, 0.02)
    assert seen.once == pytest.approx(detectable(0.02, 4_500, 0.5, alpha=alpha))
    assert seen.always == pytest.approx(detectable(0.02, 4_500, 0.5, Sequence(alpha)))
    assert seen.always > seen.once > detectable(0.02, 4_500, 0.5)
    assert found.rivals[0].refusal == "the e:b arm has 0 agent-days, at least 2 are needed"


def test_nothing_is_foreseen_where_nothing_was_sold():
    assert (
        tried(months(default_rng(8), dict.fromkeys(TWO, 0.8)), dealt(TWO), NOBODY).rivals[0].foreseen is None
    )


def test_a_manager_reads_sentences():
    found = tried(months(default_rng(9), {"e:a": 0.8, "e:b": 1.6}), dealt(TWO), Before(10_000, 200.0))

    said = trial_lines("e", found)

    assert arms_table(found.arms).row_count == 2
    assert said[0] == "Experiment e: each arm against e:a; bands hold for all comparisons together."
    assert said[1].startswith("e:b: conversions per agent hour: +")
    assert "over e:a (" in said[1]
    assert any(line.startswith("e:b: four weeks as before it: 9,000 leads of whom 2.0% buy") for line in said)


LOOKS, AGENTS, RUNS = 30, 30, 1_000


def months_of_equals(rng: Generator) -> tuple[Float64Array, Float64Array]:
    """(runs, looks, arms): sales per agent-hour so far of four arms alike, and its variance over agent-days.

    Every agent serves every arm each day; agents differ, and so do their hours.
    """
    skill = rng.lognormal(0, 0.35, (RUNS, 1, 1, AGENTS))
    hours = rng.uniform(1, 3, (RUNS, LOOKS, len(FOUR), AGENTS))
    sales = rng.poisson(0.8 * skill * hours).astype(float)
    y, x, yy, xx, xy = (
        one.sum(axis=3).cumsum(axis=1) for one in (sales, hours, sales**2, hours**2, sales * hours)
    )
    n, rate = AGENTS * np.arange(1.0, LOOKS + 1)[:, None], y / x
    return rate, (yy - 2 * rate * xy + rate**2 * xx) * n / (n - 1) / x**2


def test_of_a_thousand_months_of_four_equal_arms_looked_at_daily_few_claim_any_lift():
    """The account's own formulas, over all months at once, bands at their tightest at the month's end."""
    rate, variance = months_of_equals(default_rng(10))
    ratio = rate[:, :, 1:] / rate[:, :, :1]
    error = np.sqrt(variance[:, :, 1:] + ratio**2 * variance[:, :, :1]) / rate[:, :, :1]

    def claimed(alpha: float) -> float:
        sequence = Sequence(alpha, tightest=2 * AGENTS * LOOKS)
        margins = np.array([sequence.margin(2 * AGENTS * (day + 1), 1.0) for day in range(LOOKS)])
        return float((np.abs(ratio - 1) > margins[:, None] * error).any(axis=(1, 2)).mean())

    naive = (np.abs(ratio - 1) > 1.96 * error).any(axis=(1, 2)).mean()
    assert claimed(0.05 / 3) <= 0.05 < naive
    assert claimed(0.05 / 3) <= claimed(0.05)


def test_the_account_reads_those_formulas_off_its_cells():
    cells = months(default_rng(11), dict.fromkeys(FOUR, 0.8))

    lift = tried(cells, dealt(FOUR), NOBODY).rivals[2].lifts[0]

    first, last = (cells.ratio("net", "agent_hours", cells.of("policy", arm)) for arm in ("e:a", "e:d"))
    ratio = last.value / first.value
    error = np.sqrt(last.variance + ratio**2 * first.variance) / first.value
    margin = Sequence(0.05 / 3).margin(first.n + last.n, error)
    assert (lift.always.low, lift.always.high) == pytest.approx((ratio - 1 - margin, ratio - 1 + margin))
