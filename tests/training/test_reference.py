"""Reference: shares by bins, kept as text, and how much weeks differ of themselves."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import Past
from features.instants import DAY
from features.leads import Coded
from tests.builders import MONDAY
from training.pipeline import train
from training.reference import (
    MOST_CODES,
    Reference,
    Said,
    counted,
    edges_of,
    said_of,
    shares_of,
    wobble,
)

from .floors import a_floor

NUMBERS = st.lists(st.floats(-100, 100, width=32) | st.just(np.nan), min_size=1, max_size=200)
WEEKS = MONDAY + np.arange(4_000) * (28 * DAY // 4_000)


@given(NUMBERS)
def test_every_value_falls_into_one_bin_and_missing_ones_into_the_last(values):
    column = np.array(values, np.float32)

    counts = counted(column, edges_of(column, categorical=False))

    assert counts.sum() == column.size
    assert counts[-1] == np.isnan(column).sum()


def test_a_number_has_bins_of_about_equally_many():
    column = np.random.default_rng(1).normal(size=10_000)

    counts = counted(column, edges_of(column, categorical=False))

    assert counts.size == 11
    assert counts[:-1] == pytest.approx(1_000, abs=2)


def test_a_category_has_a_bin_for_each_of_its_first_codes_and_one_for_the_others():
    column = np.array([0, 0, 1, 2, *range(30), np.nan], np.float32)

    counts = counted(column, edges_of(column, categorical=True))

    assert counts[:4].tolist() == [3, 2, 2, 1]
    assert counts[MOST_CODES] == 30 - MOST_CODES
    assert counts[-1] == 1


def test_weeks_that_are_alike_have_no_wobble_and_weeks_that_differ_have():
    rng = np.random.default_rng(2)
    alike, week = rng.normal(size=4_000), (WEEKS - WEEKS[0]) // (7 * DAY)
    moved = alike + 0.4 * week

    calm, restless = (wobble(one, WEEKS, edges_of(one, categorical=False)) for one in (alike, moved))

    assert calm.freedom == restless.freedom == 3 * 9
    assert calm.times < 2
    assert restless.times > 10


def test_one_week_alone_tells_nothing_of_its_wobble():
    found = shares_of(np.arange(9.0), MONDAY + np.arange(9) * DAY // 2, categorical=False)

    assert (found.wobble.times, found.wobble.freedom) == (1.0, 0)


def test_a_heads_bins_tell_what_it_said_and_what_came_of_it():
    chance = np.linspace(0.01, 0.99, 1_000)
    label = (np.random.default_rng(3).random(1_000) < chance).astype(float)

    found = said_of(label, chance, WEEKS[:1_000])

    assert len(found.said) == len(found.shown) == 10
    assert found.rate == label.mean()
    assert found.shown == pytest.approx(found.said, abs=0.12)


def test_a_reference_is_text_and_comes_back_the_same():
    column = np.random.default_rng(4).normal(size=500).astype(np.float32)
    shares = shares_of(column, WEEKS[:500], categorical=False)
    before = Reference(500, (shares,), {"answer": Said(0.3, shares, (0.1, 0.5), (0.2, 0.4))}, ("web_form",))

    after = Reference.from_json(json.loads(json.dumps(before.as_json())))

    assert after == before


def test_a_training_leaves_its_reference_in_the_bundle():
    floor = a_floor(900)

    bundle = train(floor.past, floor.until, rng=np.random.default_rng(1), threads=1).bundle

    assert bundle.reference is not None
    assert bundle.reference.rows == 900
    assert len(bundle.reference.columns) == len(bundle.features)
    chances = {name for name, model in bundle.models.items() if model.objective == "binary"}
    assert set(bundle.reference.heads) == chances
    assert bundle.reference.channels == ("web_form", "referral", "bought_list")


def test_a_channel_by_which_leads_come_only_later_is_none_that_the_training_knew():
    floor = a_floor(1_800)
    calls, leads = floor.past.log, floor.past.leads
    at = int(calls.started_at[900])
    later = np.where(calls.started_at < at, leads.coded["channel"].codes, 3)
    channel = Coded((*leads.coded["channel"].levels, "partner"), later)
    past = Past(calls, replace(leads, coded={**leads.coded, "channel": channel}))

    bundle = train(past, at, rng=np.random.default_rng(1), threads=1).bundle

    assert bundle.reference is not None
    assert bundle.reference.channels == ("web_form", "referral", "bought_list")
