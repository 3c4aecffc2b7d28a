"""Campaigns that sell unlike things on one floor: a lead's chance is that of its own campaign."""

from dataclasses import replace

import numpy as np

from features import Past, compute, for_leads
from features.instants import HOUR, MINUTE
from features.leads import Coded
from tests.builders import MONDAY
from training.dataset import examples
from training.heads.conversion import HEAD
from training.pipeline import train

from .floors import Floor, a_floor, chance, leads_of, log_of

CALLS = 4_000
HARD, EASY = 0, 1
LOG_ODDS = np.array([-3.2, -0.8])
"""Of a sale, by campaign."""


def two_campaigns() -> Floor:
    """Leads of the same channels and needs in both, called in turn by chance."""
    rng = np.random.default_rng(1)
    channel, need, campaign = rng.integers(0, 3, CALLS), rng.normal(size=CALLS), rng.integers(0, 2, CALLS)
    started = MONDAY + np.arange(CALLS) * 10 * MINUTE
    conversion = chance(LOG_ODDS[campaign] + 0.8 * need)
    answered = rng.random(CALLS) < 0.6
    log = replace(log_of(started, answered, answered & (rng.random(CALLS) < conversion)), campaign=campaign)
    leads = leads_of(started - HOUR, channel, need)
    leads = replace(leads, coded={**leads.coded, "campaign": Coded(("hard", "easy"), campaign)})
    return Floor(Past(log, leads), int(started[-1]) + HOUR, {"conversion": conversion})


def test_each_campaign_is_expected_to_sell_as_much_as_it_does():
    floor = two_campaigns()
    cut = int(floor.past.log.started_at[CALLS * 7 // 10])
    bundle = train(floor.past, cut, rng=np.random.default_rng(1), threads=1).bundle
    later = examples(floor.past, HEAD, floor.until)
    later = later.take(later.at >= cut)
    said = bundle.predict(compute(floor.past, later.moments, bundle.features)).conversion

    campaign = floor.past.log.campaign[later.moments.lead]
    expected = [float(said[campaign == one].mean()) for one in (HARD, EASY)]
    true = [
        float(floor.truth["conversion"][later.moments.lead][campaign == one].mean()) for one in (HARD, EASY)
    ]

    np.testing.assert_allclose(expected, true, atol=0.05)


def test_a_floor_of_one_campaign_has_no_feature_for_it():
    assert "campaign" not in {one.name for one in for_leads(a_floor(50).past.leads)}
