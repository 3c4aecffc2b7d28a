"""The account of a switchback: days on against days off, two by two, in bands that may be read every day."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from features.kernel import BoolArray, Float64Array
from features.leads import Coded
from serving.kpi.cells import Cells
from serving.kpi.page import switchback_lines
from serving.kpi.switchback import LEAST_BLOCKS, PER_DAY, Days, Deal, Switched, switched

from .test_trial import cells_of

HOURS = tuple(f"{hour:02d}" for hour in range(24))


def a_deal(rng: Generator, days: int) -> Deal:
    first = rng.random(days // 2) < 0.5
    return Deal(np.arange(days), np.ravel(np.stack([first, ~first], axis=1)))


def a_floor(rng: Generator, on: BoolArray, lift: float = 0.0, closed: tuple[int, ...] = (6,)) -> Cells:
    """A call hour from 9 and from 10 on each day that isn't a `closed` weekday.

    Weekdays differ, business goes down by a half percent a day, and a good day follows on a good one.
    """
    day, shock = np.arange(on.size), np.zeros(on.size)
    for one in day[1:]:
        shock[one] = 0.6 * shock[one - 1] + rng.normal(0, 0.12)
    worked = rng.uniform(18, 30, on.size) * ~np.isin(day % 7, closed)
    weekday = np.array([1.1, 1.0, 1.05, 1.0, 0.8, 0.6, 0.5])[day % 7]
    sold = rng.poisson(1.5 * worked * weekday * np.exp(shock - 0.005 * day) * (1 + lift * on)).astype(float)
    return hours_of(day, sold, worked)


def hours_of(day: np.ndarray, sold: Float64Array, worked: Float64Array) -> Cells:
    """Each day's sales and agent hours at 10, and half as many, of no sale, in the first hour, at 9."""
    both, nothing = np.concatenate([day, day]), np.zeros(day.size)
    sums = {"net": [nothing, sold], "gross": [nothing, sold], "net_value": [nothing, 50 * sold]}
    sums |= {name: [worked / 2, worked] for name in ("agent_hours", "attempts", "contacts", "live_answers")}
    columns = {name: np.concatenate(parts) for name, parts in sums.items()}
    cells = cells_of(both, np.zeros(both.size, np.int64), np.zeros(both.size, np.int64), ["model"], **columns)
    return replace(cells, words={**cells.words, "hour": Coded(HOURS, np.repeat([9, 10], day.size))})


def days_of(deal: Deal, cells: Cells, strays: int = 0) -> Days:
    return Days(deal, cells, np.empty(0, np.int64), np.empty(0), strays)


def told(deal: Deal, cells: Cells, strays: int = 0) -> Switched:
    nothing = Deal(np.empty(0, np.int64), np.empty(0, np.bool_))
    return switched(days_of(deal, cells, strays), days_of(nothing, cells))


def test_the_lift_is_of_the_days_on_over_the_others_without_the_first_hour_of_each():
    rng = default_rng(1)
    deal = a_deal(rng, 28)
    cells = a_floor(rng, deal.on, 0.5)

    found = told(deal, cells)

    later, on = cells.take(cells.hours == 10), deal.on
    sold, hours = later.sums["net"], later.sums["agent_hours"]
    rate, other = sold[on].sum() / hours[on].sum(), sold[~on].sum() / hours[~on].sum()
    assert found.lifts[0].relative == pytest.approx(rate / other - 1)
    assert [lift.kpi for lift in found.lifts][2] == PER_DAY
    assert [arm.agent_hours for arm in found.arms] == pytest.approx([hours[~on].sum(), hours[on].sum()])
    assert sum(arm.share for arm in found.arms) == pytest.approx(1.0)
    assert found.days == (int((hours[~on] > 0).sum()), int((hours[on] > 0).sum()))


def test_what_both_days_of_a_block_share_widens_no_band():
    """Weeks that sell ten times as much as others, in whole blocks."""
    rng = default_rng(2)
    deal = a_deal(rng, 28)
    hours, even = np.full(28, 20.0), rng.poisson(200, 28).astype(float)
    uneven = even * np.repeat(rng.choice([1.0, 10.0], 14), 2)

    steady, shaken = (told(deal, hours_of(np.arange(28), sold, hours)).lifts[0] for sold in (even, uneven))

    assert shaken.interval.high - shaken.interval.low < 2 * (steady.interval.high - steady.interval.low)


def test_the_day_that_is_not_over_and_days_not_dealt_count_for_nothing():
    rng = default_rng(3)
    deal = a_deal(rng, 28)
    cells = a_floor(rng, np.append(deal.on, [True] * 3), 0.2)

    assert told(deal, cells) == told(deal, cells.take(cells.day < 28))


def test_a_few_blocks_are_not_enough():
    rng = default_rng(4)
    deal = a_deal(rng, 2 * LEAST_BLOCKS - 2)

    found = told(deal, a_floor(rng, deal.on))

    assert (found.lifts, found.refusal) == (
        (), "6 of at least 7 blocks of two days with calls are over"
    )  # fmt: skip


def test_days_on_the_other_sides_rules_block_the_lift():
    rng = default_rng(5)
    deal = a_deal(rng, 28)

    found = told(deal, a_floor(rng, deal.on), strays=2)

    assert not found.lifts
    assert found.refusal == "on 2 of the days leads were handed out by the rules of the other side"


def test_days_that_go_missing_on_one_side_block_the_lift_and_closed_weekdays_do_not():
    rng = default_rng(6)
    deal = a_deal(rng, 56)
    cells = a_floor(rng, deal.on)

    fair, lost = told(deal, cells), told(deal, cells.take(~deal.on[cells.day] | (cells.day < 20)))

    assert not fair.mismatch.blocks
    assert lost.mismatch.blocks
    assert (lost.lifts, "one side lacks calls" in lost.refusal) == ((), True)


@pytest.mark.parametrize(("of", "per", "name"), [
    ("abandoned", "live_answers", "abandon_rate"),
    ("opt_outs", "contacts", "opt_outs_per_1000_contacts"),
])  # fmt: skip
def test_a_rule_that_costs_more_than_sales_breaks_a_guardrail(of: str, per: str, name: str):
    rng = default_rng(7)
    deal = a_deal(rng, 28)
    cells = a_floor(rng, deal.on)
    lost = rng.binomial(cells.sums[per].astype(int), np.where(deal.on[cells.day], 0.4, 0.1)).astype(float)

    worse, better = (
        told(one, replace(cells, sums={**cells.sums, of: lost})) for one in (deal, Deal(deal.day, ~deal.on))
    )

    assert (worse.worse, better.worse) == ((name,), ())


def test_leads_are_those_received_on_a_sides_days_and_wait_so_long():
    rng = default_rng(8)
    deal = Deal(np.arange(4), np.array([True, False, False, True]))
    received, waited = np.array([0, 0, 1, 2, 3, 9]), np.array([60.0, np.nan, 10.0, 30.0, 120.0, 1e6])

    off, on = switched(
        Days(deal, a_floor(rng, deal.on), received, waited), days_of(deal, a_floor(rng, deal.on))
    ).arms

    assert (off.leads, on.leads) == (2, 3)
    assert (off.guardrails["lead_response_s"], on.guardrails["lead_response_s"]) == (20.0, 90.0)


def test_a_manager_reads_sentences():
    rng = default_rng(9)
    deal, before = a_deal(rng, 28), a_deal(rng, 28)
    quiet = np.zeros(28, np.bool_)
    found = switched(days_of(deal, a_floor(rng, deal.on, 0.5)), days_of(before, a_floor(rng, quiet)))

    said = switchback_lines("slow", found)

    assert said[0] == "Switchback slow: 11 days on against 13 days off, the first hour of each left out."
    assert said[1].startswith("slow: conversions per agent hour: +")
    assert "over the days off (" in said[1]
    assert "24 days find" in said[1]
    assert said[-1].startswith("slow: 28 days like those before it can show a lift of ")


RUNS, LONGEST = 300, 84


def looks(rng: Generator, lift: float, closed: tuple[int, ...]) -> tuple[bool, bool]:
    """Whether any daily look at twelve weeks claims a lift, and whether all bands have the true one."""
    deal = a_deal(rng, LONGEST)
    cells, claims, covers = a_floor(rng, deal.on, lift, closed), False, True
    for over in range(2 * LEAST_BLOCKS, LONGEST + 1, 2):
        for one in told(Deal(deal.day[:over], deal.on[:over]), cells).lifts[:1]:
            claims |= not one.always.low <= 0 <= one.always.high
            covers &= one.always.low <= lift <= one.always.high
    return claims, covers


@pytest.mark.parametrize("closed", [(6,), (5, 6)], ids=["six days a week", "five days a week"])
def test_of_three_hundred_switchbacks_that_change_nothing_looked_at_daily_few_claim_a_lift(
    closed: tuple[int, ...],
):
    """A band changes when a block is over: looks in between see the same."""
    rng = default_rng(10)

    claims = [looks(rng, 0.0, closed)[0] for _ in range(RUNS)]

    assert np.mean(claims) <= 0.05


def test_of_three_hundred_switchbacks_the_bands_of_all_days_have_the_true_lift():
    rng = default_rng(11)

    covers = [looks(rng, 0.25, (6,))[1] for _ in range(RUNS)]

    assert np.mean(covers) >= 0.93


def test_the_lift_that_was_foreseen_is_found_about_four_times_in_five():
    """Four weeks before tell what the four weeks after it can find, at one look and by the band."""
    rng, quiet = default_rng(12), np.zeros(28, np.bool_)
    seen = [
        switched(
            days_of(a_deal(rng, 28), a_floor(rng, quiet)), days_of(a_deal(rng, 28), a_floor(rng, quiet))
        ).foreseen
        for _ in range(200)
    ]
    once = float(np.median([one.once for one in seen if one]))
    always = float(np.median([one.always for one in seen if one]))

    assert once == pytest.approx(0.37, abs=0.01)
    assert always == pytest.approx(0.62, abs=0.01)

    def found(lift: float) -> list[tuple[bool, bool]]:
        deals = [a_deal(rng, 28) for _ in range(RUNS)]
        lifts = [told(deal, a_floor(rng, deal.on, lift)).lifts[0] for deal in deals]
        return [(one.interval.low > 0, one.always.low > 0) for one in lifts]

    assert 0.7 <= np.mean([at_once for at_once, _ in found(once)]) <= 0.92
    assert 0.7 <= np.mean([daily for _, daily in found(always)]) <= 0.92
