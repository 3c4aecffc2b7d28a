"""Ripening: a sale counts within its campaign's own horizon; a contact that may still sell says nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine

from features import Past
from features.instants import DAY, HOUR, MINUTE, render
from features.store.campaigns import write_campaign
from features.store.columns_reader import read_snapshot
from features.store.engine import transaction
from features.store.writes import accept_events, accept_leads
from tests.builders import MONDAY, Call, a_call, a_lead, a_lead_table, a_past
from tests.features.store import tellings
from training.dataset import examples, mean_deal
from training.heads.conversion import HEAD as CONVERSION
from training.heads.decay import HEAD as DECAY
from training.heads.value import HEAD as VALUE
from training.ripening import LEAST_SALES, ripe

SHORT, LONG = 7, 60
"""Days."""


def two_campaigns(*calls: Call) -> Past:
    """Leads of each; campaign 0 counts sales of a week, campaign 1 those of 60 days."""
    leads = a_lead_table(a_lead(campaign="a_week"), a_lead(campaign="two_months"))
    spread = a_lead_table(*[a_lead(campaign=("a_week", "two_months")[row % 2]) for row in range(1_000)])
    known = spread if max((call.lead for call in calls), default=0) > 1 else leads
    return replace(a_past(*calls, leads=known), horizons={"a_week": SHORT * DAY, "two_months": LONG * DAY})


def a_sale_after(days: float, campaign: int, lead: int | None = None, began: int = MONDAY) -> Call:
    """A contact whose sale was recorded so many days later."""
    told = began + round(days * DAY)
    return a_call(
        campaign if lead is None else lead,
        ended_at=began + MINUTE,
        campaign=campaign,
        converted=True,
        disposed_at=told,
        disposed_known_at=told,
    )


@pytest.mark.parametrize(
    ("days", "sold"), [(6.9, [1, 1]), (SHORT, [1, 1]), (7.1, [0, 1]), (LONG, [0, 1]), (60.1, [0, 0])]
)
def test_the_same_sale_counts_in_one_campaign_and_not_in_the_other(days: float, sold: Sequence[int]):
    past = two_campaigns(a_sale_after(days, 0), a_sale_after(days, 1))

    found = examples(past, CONVERSION, MONDAY + 90 * DAY)
    worth = examples(past, VALUE, MONDAY + 90 * DAY)

    assert found.label.tolist() == sold
    assert worth.moments.lead.tolist() == [lead for lead in (0, 1) if sold[lead]]
    assert examples(past, DECAY, MONDAY + 90 * DAY).label.tolist() == sold
    assert mean_deal(past, MONDAY + 90 * DAY) == pytest.approx(100.0)


def test_a_campaign_that_says_nothing_has_thirty_days():
    past = replace(two_campaigns(a_sale_after(29, 0), a_sale_after(31, 1)), horizons={})

    assert examples(past, CONVERSION, MONDAY + 90 * DAY).label.tolist() == [1, 0]


def test_a_sale_is_none_before_it_was_told_however_long_the_horizon():
    past = two_campaigns(a_sale_after(20, 1))

    assert examples(past, CONVERSION, MONDAY + 20 * DAY).label.tolist() == [0]
    assert examples(past, CONVERSION, MONDAY + 20 * DAY + 1).label.tolist() == [1]


def a_floor(late: Mapping[int, float], days: int, seed: int) -> Past:
    """Contacts of both campaigns, one in four sells; each tells of its sales so many days late on average."""
    rng = np.random.default_rng(seed)
    calls = []
    for began in MONDAY + np.sort(rng.integers(0, days * DAY, 6_000)):
        campaign, lead = int(rng.integers(0, 2)), int(rng.integers(0, 500)) * 2
        after = rng.exponential(late[campaign])
        if rng.random() < 0.25 and began + after * DAY < MONDAY + days * DAY:
            calls.append(a_sale_after(after, campaign, lead + campaign, int(began)))
        else:
            ended = int(began) + MINUTE
            calls.append(a_call(lead + campaign, ended_at=ended, campaign=campaign, answered=True))
    return two_campaigns(*calls)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_contacts_that_may_still_sell_teach_nothing_and_so_the_rate_is_not_too_low(seed: int):
    past = a_floor({0: 0.0, 1: 5.0}, 42, seed)
    until = MONDAY + 42 * DAY

    found = examples(past, CONVERSION, until)

    late, log = found.moments.lead % 2 == 1, past.log
    wait = until - found.at[late].max()
    naive = log.converted[(log.campaign == 1) & (log.started_at > until - 14 * DAY)].mean()
    kept = found.label[late & (found.at > until - 28 * DAY)].mean()
    assert 8 * DAY < wait < 15 * DAY  # nine tenths of an exponential of 5 days: 11.5
    assert until - found.at[~late].max() < HOUR
    assert found.label[~late].mean() == pytest.approx(0.25, abs=0.03)
    assert kept == pytest.approx(0.25, abs=0.05)
    assert naive < 0.2


def test_the_wait_by_hand():
    """Sales told after 1, 2 ... 40 hours: nine in ten within 36.1 of them."""
    sales = [a_sale_after(hour / 24, 0, 2 * hour) for hour in range(1, 41)]
    young, other = (
        a_call(lead, ended_at=MONDAY + 10 * HOUR + MINUTE, campaign=lead, answered=True) for lead in (0, 1)
    )
    past = two_campaigns(*sales, young, other)

    told, later = (ripe(past, MONDAY + hour * HOUR) for hour in (46, 47))

    assert np.unique(past.log.started_at[~told]).tolist() == [MONDAY + 10 * HOUR]
    assert past.log.campaign[~told].tolist() == [0]
    assert later.all()


def test_few_sales_say_nothing_of_how_late_they_come():
    sales = [a_sale_after(5, 0, 2 * row) for row in range(LEAST_SALES - 1)]

    assert ripe(two_campaigns(*sales), MONDAY + 6 * DAY).all()


def test_nobody_waits_longer_than_the_horizon():
    sales = [a_sale_after(SHORT - 0.1, 0, 2 * row) for row in range(40)]

    assert ripe(two_campaigns(*sales), MONDAY + SHORT * DAY).all()


def test_horizons_come_from_the_store_of_the_campaigns(engine: Engine):
    """Ten days after a contact of each the same sale is recorded; one campaign counts a week, one 60 days."""
    began, names = tellings.CALL_ENDED, {"ann": "a_week", "bob": "two_months"}
    at = render(began + 10 * DAY)
    with transaction(engine) as connection:
        write_campaign(connection, "a_week", {"horizon_days": SHORT}, at=began)
        write_campaign(connection, "two_months", {"horizon_days": LONG}, at=began)
        accept_leads(connection, [tellings.a_lead(lead, campaign=own) for lead, own in names.items()], began)
        calls = [tellings.a_call(f"c-{lead}", lead, campaign=own) for lead, own in names.items()]
        accept_events(connection, calls, began)
        sales = [tellings.an_event("conversion.recorded", lead_id=lead, goal="sale", at=at) for lead in names]
        accept_events(connection, sales, began + 10 * DAY)

    past = read_snapshot(engine).past

    found = examples(past, CONVERSION, began + 30 * DAY)
    names_of = [past.leads.lead_id[lead] for lead in found.moments.lead]
    assert dict(zip(names_of, found.label.tolist(), strict=True)) == {"ann": 0.0, "bob": 1.0}
