"""The demo's page: the race of its training, told from a real report."""

import json

import numpy as np
import pytest

from serving.demo_page import races
from tests.training.floors import a_floor
from training.pipeline import train


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    """What `leadrank train --json -` writes."""
    floor = a_floor(900)
    report = train(floor.past, floor.until, rng=np.random.default_rng(1), threads=1)
    return dict(json.loads(json.dumps(report.as_json(), default=str)))


def test_the_page_names_the_nearest_rival_of_the_heads_that_order(told: dict[str, object]):
    first, *lines = races(told).splitlines()

    assert "race" in first
    assert {line.split(":")[0].strip() for line in lines} >= {"answer", "conversion"}
    assert all("ahead of the nearest of 8 rivals" in line for line in lines)


def test_heads_that_were_not_compared_by_their_order_are_left_out(told: dict[str, object]):
    amount = {"race": {"comparisons": [{"measure": "deviance"}], "measures": {}}}

    assert races({"heads": {"value": amount}}).count("\n") == 0
