"""Wording: values as people say them."""

import numpy as np
import pytest

from features import Feature
from features.instants import DAY
from features.statistics.attribute import Age, Category
from features.statistics.calendar import Calendar
from features.statistics.rate import Rate
from features.statistics.recency import Promise, Recency
from features.statistics.streak import Streak
from features.statistics.window import Count
from features.wording import UNKNOWN, worded
from tests.features.test_point_in_time import LINES

RATE = Rate("agent_sale_rate", by="agent", of="converted", per="told", prior=(0.06, 50))


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_every_line_says_something_of_every_value(line: Feature):
    told = [worded(line, value) for value in (0.0, *(() if line.categorical else (0.25, 6.0)))]

    assert all(told)
    assert not any("_" in one for one in told)
    assert worded(line, float("nan")) == UNKNOWN


@pytest.mark.parametrize(
    ("line", "value", "told"),
    [
        (Count("n", by="lead", within=DAY), 7, "7 calls in the last 1 day"),
        (RATE, 0.0625, "6.25 sales per 100 talks, this agent"),
        (Rate("t", by="channel×hour", of="talk_s", prior=(180, 1)), 203.4,
         "203 seconds of talk on average of calls, leads of this channel, at this hour"),
        (Recency("r", by="lead", of="answered"), 0.5, "last of the answered calls 30 minutes ago"),
        (Streak("s", by="lead"), 4, "4 calls since the last of the answered calls"),
        (Promise("p", by="lead"), -72, "was due 3 days ago"),
        (Age("a"), 3.25, "received 3.25 hours ago"),
        (Calendar("h", part="hour"), 14.5, "14:30"),
        (Calendar("w", part="hour_of_week"), 25, "Tuesday 01:00"),
        (Category("channel", "channel", ("web_form",)), 0, "channel web_form"),
    ],
)  # fmt: skip
def test_a_value_is_told_by_what_its_feature_asks(line: Feature, value: float, told: str):
    assert worded(line, float(np.float32(value))) == told
