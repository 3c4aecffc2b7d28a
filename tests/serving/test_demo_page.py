"""The demo's page: the race of its training, told from a real report."""

import json

import numpy as np
import pytest

from serving.contest import Course
from serving.demo import Outcome
from serving.demo_page import races, table
from serving.kpi.comparison import Days
from serving.simulation import Watch
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


@pytest.mark.parametrize(
    ("objective", "header", "best"), [("value", "value/h", "30"), ("conversions", "sales/h", "3.00")]
)
def test_the_table_compares_by_what_the_queue_was_ranked_for(objective: str, header: str, best: str):
    names = ("random", "newest", "fewest_attempts", "static_score", "leadrank", "holdout")
    days = {name: some_days(1.0, 10.0) for name in names}
    days |= {"oracle": some_days(2.0, 30.0), "oracle_sales": some_days(3.0, 20.0)}

    shown = table(Outcome(Course(objective=objective), days, Watch(), {}, {}, "key", 0, "lead"))

    assert shown.columns[2].header == header
    assert [str(cell).split()[0] for cell in shown.columns[2].cells][-1] == best


def some_days(sales: float, value: float) -> Days:
    """Six alike days of one paid hour."""
    return Days(np.ones(6), np.full(6, sales), np.full(6, value), np.full(6, 20.0))
