"""Leaks: what is known too well is found and named, what is honest passes; planted in small floors."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import Feature, FeatureMatrix, Past, compute, for_leads
from features.calls import Moments
from features.instants import NEVER
from features.leads import AttributeHistory
from features.sources.bank_marketing import ALLOWED, bank_past
from features.statistics.attribute import Attribute
from training.dataset import Examples, examples
from training.errors import SuspiciousFeatures
from training.evaluate import auc
from training.head import Head
from training.heads import answer, conversion, heads
from training.leaks import LEVELS, Scan, area, counts_of, demand_honest, levels_of, scan, share_at_least
from training.pipeline import train

from .floors import Floor, a_floor

FLOOR = a_floor(3_000)


def planted(past: Past, name: str, leads: Sequence[int], values: Sequence[float | str]) -> Past:
    """The past with an attribute that claims to have been known since its leads came in."""
    since = past.leads.created_at[np.asarray(leads, np.int64)]
    history = AttributeHistory.of(len(past.leads), leads, since.tolist(), values)
    return replace(past, leads=replace(past.leads, attributes={**past.leads.attributes, name: history}))


def scanned(past: Past, head: Head, until: int = NEVER) -> Scan:
    found = examples(past, head, until)
    matrix = compute(past, found.moments, for_leads(past.leads, ALLOWED))
    return scan(matrix, found, np.random.default_rng(1), head.ignores)


def talking(floor: Floor) -> Past:
    """The floor with talks of different lengths, longer where it sells."""
    log = floor.past.log
    minutes = np.random.default_rng(2).exponential(60, log.lead.size) * (1 + 2 * log.converted)
    return replace(floor.past, calls=replace(log, talk_s=(log.answered * minutes).astype(np.float32)))


@pytest.mark.parametrize("head", heads(), ids=lambda head: head.name)
@pytest.mark.parametrize("calls", [650, 3_000, 12_000])
def test_an_honest_floor_is_not_suspicious(head, calls):
    """Although `need` is all there is to know of who buys, and `channel` nearly all of who picks up."""
    assert scanned(a_floor(calls).past, head).suspicious == {}


def test_the_length_of_the_call_is_found_under_any_name():
    past = talking(FLOOR)
    leaking = planted(past, "score_b", past.log.lead.tolist(), past.log.talk_s.tolist())

    for head in heads():
        assert list(scanned(past, head).suspicious) == []
        assert "repeats the call's own talk time" in scanned(leaking, head).suspicious["attribute_score_b"]


def test_a_field_that_sales_fill_in_after_contact_is_found_by_where_it_is_missing():
    reached = FLOOR.past.log.lead[FLOOR.past.log.answered].tolist()
    income = np.random.default_rng(3).normal(size=len(reached)).tolist()

    told = scanned(planted(FLOOR.past, "income", reached, income), answer.HEAD)

    assert list(told.suspicious) == ["attribute_income"]
    assert "where it is missing ranks them: AUC 1.000" in told.suspicious["attribute_income"]


def test_an_outcome_booked_inside_the_call_is_found():
    log = FLOOR.past.log
    words = np.where(log.converted, "won", "open").tolist()

    told = scanned(planted(FLOOR.past, "status", log.lead.tolist(), words), conversion.HEAD)

    assert list(told.suspicious) == ["attribute_status"]
    assert "ranks later calls by itself: AUC 1.000" in told.suspicious["attribute_status"]


def test_a_leak_that_few_leads_have_is_found_by_its_sure_value():
    """Every fifth sale was booked before its call: too few for the AUC, but the word never errs."""
    floor = a_floor(24_000)
    sold = floor.past.log.lead[floor.past.log.converted][::5]

    told = scanned(planted(floor.past, "status", sold.tolist(), ["won"] * sold.size), conversion.HEAD)

    assert list(told.suspicious) == ["attribute_status"]
    assert told.suspicious["attribute_status"].startswith("one value bears the mark")


def test_a_field_filled_in_at_random_is_not_suspicious():
    some = np.flatnonzero(np.random.default_rng(4).random(len(FLOOR.past.leads)) < 0.4)

    told = scanned(planted(FLOOR.past, "income", some.tolist(), [1.0] * some.size), answer.HEAD)

    assert told.suspicious == {}


def test_few_sales_make_no_leak_of_chance_and_still_show_one():
    """The least that a training takes is 200 contacts with 20 sales: some seven of them judge."""
    false = found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        label = rng.permutation(np.arange(200) < 20).astype(float)
        told = scan(matrix_of(*rng.normal(size=(60, 200)), label), examples_of(label), rng)
        false += len(told.suspicious.keys() - {told.names[-1]})
        found += told.names[-1] in told.suspicious

    assert false == 0
    assert found >= 15


def test_what_a_head_ignores_is_not_scanned():
    names = scanned(FLOOR.past, conversion.HEAD).names

    assert "floor_sale_rate_1d" in names
    assert not [name for name in names if name.startswith(conversion.HEAD.ignores)]


def test_what_only_tells_good_weeks_from_bad_ones_is_not_suspicious():
    """The floor sells in one week and doesn't in the next; the column says which week it is."""
    week = np.arange(12_000) // 1_000 % 2
    label = (np.random.default_rng(5).random(12_000) < np.where(week, 0.9, 0.02)).astype(float)

    told = scan(matrix_of(week), examples_of(label), np.random.default_rng(1))

    assert auc(label, week.astype(float)) > 0.9
    assert told.auc[0] < 0.6
    assert told.suspicious == {}


def matrix_of(*columns: np.ndarray) -> FeatureMatrix:
    names: tuple[Feature, ...] = tuple(Attribute("x" * place, "x") for place in range(1, len(columns) + 1))
    return FeatureMatrix(names, np.column_stack(columns).astype(np.float32))


def examples_of(label: np.ndarray) -> Examples:
    rows = np.arange(label.size)
    return Examples(Moments(rows, rows, rows), label, np.ones(label.size), np.zeros(label.size, np.float32))


def test_a_training_stops_and_names_each_leak_with_its_figure_and_what_to_do():
    log = FLOOR.past.log
    past = planted(FLOOR.past, "status", log.lead.tolist(), np.where(log.answered, "spoken", "new").tolist())
    past = planted(past, "income", log.lead[log.answered].tolist(), [1.0] * int(log.answered.sum()))

    with pytest.raises(SuspiciousFeatures, match=r"--allow-suspicious.*head=answer") as stopped:
        train(past, FLOOR.until, rng=np.random.default_rng(1), threads=1)

    assert stopped.value.code == "suspicious_features"
    assert set(stopped.value.facts) == {"head", "attribute_status", "attribute_income"}
    assert "AUC 1.000" in str(stopped.value.facts["attribute_status"])


def test_a_suspicious_feature_that_is_let_pass_by_its_name_is_trained_on():
    floor = a_floor(650)
    log = floor.past.log
    past = planted(floor.past, "status", log.lead.tolist(), np.where(log.answered, "spoken", "new").tolist())
    honest = {"attribute_status"}

    report = train(past, floor.until, rng=np.random.default_rng(1), suspicious=honest, threads=1)

    assert report.heads["answer"].measures["auc"] > 0.99


def test_letting_one_pass_does_not_let_another_pass():
    told = Scan(("a", "b"), *(np.full(2, figure) for figure in (0.99, 0.98, 0.5, 0.4, 0.1, 0.0)))

    with pytest.raises(SuspiciousFeatures) as stopped:
        demand_honest(told, "answer", {"a"})

    assert set(stopped.value.facts) == {"head", "b"}
    demand_honest(told, "answer", {"a", "b"})


@given(
    st.lists(st.tuples(st.integers(0, LEVELS - 1), st.booleans(), st.integers(0, 2)), min_size=1, max_size=60)
)
def test_the_area_equals_that_of_all_pairs_of_a_block(calls):
    level, marked, block = (np.array(column) for column in zip(*calls, strict=True))
    counts = counts_of(level, marked, block, 3)
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0]])

    found = area(counts, weights)

    assert found.tolist() == pytest.approx([slow_area(calls, draw) for draw in weights.tolist()])


def slow_area(calls: Sequence[tuple[int, bool, int]], weights: Sequence[float]) -> float:
    """Each marked call of a block against each other one of it."""
    won = pairs = 0.0
    for level, marked, block in calls:
        for other, also, beside in calls:
            if marked and not also and block == beside:
                pairs += weights[block]
                won += weights[block] * ((level > other) + (level == other) / 2)
    return won / pairs if pairs else 0.5


def test_levels_keep_the_order_of_numbers_and_missing_is_the_last():
    values = np.random.default_rng(6).normal(size=900).astype(np.float32)
    values[::9] = np.nan

    level = levels_of(values, 600, categorical=False)

    known = ~np.isnan(values)
    order = np.argsort(values[known])
    assert (np.diff(level[known][order]) >= 0).all()
    assert np.unique(level[known]).size == LEVELS - 1
    assert (level[~known] == LEVELS - 1).all()


def test_levels_of_a_category_are_its_own():
    values = np.array([2, np.nan, 0, 62], np.float32)

    assert levels_of(values, 3, categorical=True).tolist() == [2, LEVELS - 1, 0, 62]


@pytest.mark.parametrize("values", [np.full(30, np.nan), np.zeros(30), np.full(30, np.inf)])
def test_a_column_that_never_changes_tells_nothing(values):
    label = (np.arange(30) % 3 == 0).astype(float)

    told = scan(matrix_of(values), examples_of(label), np.random.default_rng(1))

    assert (told.auc[0], told.missing[0], told.suspicious) == (0.5, 0.5, {})


def test_a_share_is_sure_only_after_many_calls():
    least = share_at_least(np.zeros(3), np.array([0.0, 10.0, 400.0]))

    assert least == pytest.approx([0, 10 / 19, 400 / 409], abs=1e-9)


def test_the_table_lists_the_most_telling_first():
    told = Scan(("a", "b"), np.array([0.6, 0.9]), *(np.array([0.5, 0.88]) for _ in range(5)))

    assert told.table().splitlines()[2].startswith("| b | 0.900 | 0.880 |")
    assert told.table().splitlines()[3] == "| a | 0.600 | 0.500 | 0.500 | 0.500 | 0.500 |  |"


def test_talks_of_one_length_have_no_echo():
    label = (np.random.default_rng(8).random(3_000) < 0.3).astype(float)
    same = replace(examples_of(label), talk_s=np.full(3_000, 40.1, np.float32))

    assert scan(matrix_of(label), same, np.random.default_rng(1)).talk[0] == 0


@pytest.mark.slow
def test_a_million_examples_of_a_hundred_columns_are_scanned_in_seconds():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(1_000_000, 100)).astype(np.float32)
    label = (rng.random(1_000_000) < 0.1).astype(float)
    begun = process_time()

    scan(matrix_of(*values.T), examples_of(label), rng)

    assert process_time() - begun < 20


@pytest.fixture(scope="module")
def bank() -> Past:
    path = os.environ.get("LEADRANK_BANK_DATA")
    if path is None:
        pytest.skip("LEADRANK_BANK_DATA names no bank-additional.zip")
    return bank_past(Path(path))


def test_the_honest_columns_of_real_calls_pass(bank):
    told = scanned(bank, conversion.HEAD)

    assert told.suspicious == {}
    assert told.auc.max() < 0.7


def test_the_duration_of_real_calls_is_found_under_any_name(bank):
    """Its AUC (.75) is no better than an honest score's may be: that it repeats the talk time betrays it."""
    leads, seconds = bank.log.lead.tolist(), bank.log.talk_s.tolist()

    told = scanned(planted(bank, "score", leads, seconds), conversion.HEAD)

    assert list(told.suspicious) == ["attribute_score"]


def test_the_outcome_of_real_calls_is_found(bank):
    words = np.where(bank.log.converted, "A", "B").tolist()

    told = scanned(planted(bank, "class", bank.log.lead.tolist(), words), conversion.HEAD)

    assert list(told.suspicious) == ["attribute_class"]
