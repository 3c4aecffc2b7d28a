"""The rivals of the feature races give the same cells, ours among them: else a race compares nothing."""

import os

import numpy as np
import pytest

from features.instants import HOUR
from features.kernel import Float32Array
from tests.benchmarks.bench_windows import RIVALS, Rival, ours, scatter
from tests.benchmarks.harness import alone, cpu_of
from tests.benchmarks.windows_log import Events, as_leads, as_log, generated
from tests.benchmarks.windows_rivals import COLUMNS, HALF, HALF_LIFE, PRIOR, WINDOWS, assert_same

EVENTS = generated(20_000, leads=2_000, agents=20)
FEW = generated(600, leads=40, agents=4)


def the_obvious_way(events: Events) -> Float32Array:
    """Every call looks at every other."""
    halves = [
        [*_sums(events, who, row), _last(events, who, row)]
        for row in range(len(events))
        for who in (events.lead, events.agent)
    ]
    return np.array(halves, np.float32).reshape(len(events), len(COLUMNS))


def _sums(events: Events, who: np.ndarray, row: int) -> list[float]:
    found = []
    for within in WINDOWS:
        since, at = events.at[row] - within, events.at[row]
        seen = (who == who[row]) & (since <= events.at) & (events.at < at)
        found += [
            seen.sum(),
            *(mark[seen].sum() for mark in (events.answered, events.converted, events.talk_s)),
        ]
    return found


def _last(events: Events, who: np.ndarray, row: int) -> float:
    earlier = (who == who[row]) & (events.at < events.at[row])
    ages = events.at[row] - events.at[earlier]
    if who is events.lead:
        return ages.min() / HOUR if ages.size else np.nan
    weight = 0.5 ** (ages / HALF_LIFE)
    sold = float(weight @ events.converted[earlier])
    return (sold + PRIOR[0] * PRIOR[1]) / (float(weight.sum()) + PRIOR[1])


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_a_rival_says_what_every_call_sees_of_all_others(rival: Rival):
    assert_same(the_obvious_way(FEW), rival.work(FEW))


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_ours_and_a_rival_agree_on_every_cell(rival: Rival):
    found = ours(as_log(EVENTS), as_leads(2_000))

    assert_same(found, rival.work(EVENTS))


def test_the_log_has_calls_that_end_in_the_same_second_for_a_lead_and_for_an_agent():
    tied = np.diff(EVENTS.at) == 0

    assert np.all(np.diff(EVENTS.at) >= 0)
    assert np.sum(tied & (np.diff(EVENTS.lead) == 0)) > 200
    assert np.sum(tied & (np.diff(EVENTS.agent) == 0)) > 200


def test_cells_that_differ_in_one_digit_are_noticed():
    matrix = the_obvious_way(FEW)
    other = matrix.copy()
    other[7, COLUMNS.index("agent_talk_s_30d")] += 1

    with pytest.raises(AssertionError, match="agent_talk_s_30d"):
        assert_same(matrix, other)


def test_the_scatter_puts_both_halves_where_they_belong():
    matrix = np.arange(3 * len(COLUMNS), dtype=np.float32).reshape(3, -1)
    by_lead, by_agent, out = np.array([2, 0, 1]), np.array([1, 2, 0]), np.zeros_like(matrix)

    scatter(matrix[by_lead, :HALF].copy(), by_lead, matrix[by_agent, HALF:].copy(), by_agent, out)

    assert out.tolist() == matrix.tolist()


def test_work_alone_has_one_thread():
    assert alone(os.getenv, "POLARS_MAX_THREADS") == "1"


def test_the_cpu_of_a_command_leaves_waiting_out():
    assert cpu_of(["sleep", "0.1"]) < 0.09
