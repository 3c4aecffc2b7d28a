"""The benchmarks' own harness: what it times, how it pairs, what it writes."""

import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.harness import Figure, peak_memory, race, record, seconds, summary

pytest_plugins = ["pytester"]

FIGURE = Figure("batch scoring", "LightGBM native", 3.0, 1.5, 1.0, 2.0, 9, "µs")


class Ticking:
    """A clock that moves only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def __call__(self) -> float:
        return self.now

    def work(self, who: str, takes: float) -> None:
        self.now += takes
        self.order.append(who)


def test_a_race_says_how_many_times_better_ours_is():
    clock = Ticking()

    figure = race(
        "sum", lambda: clock.work("ours", 0.5), lambda: clock.work("rival", 2.0), against="slow", clock=clock
    )

    assert (figure.ratio, figure.median, figure.unit, figure.n) == (4.0, 500.0, "ms", 9)


def test_both_sides_take_turns_and_neither_is_always_first():
    clock = Ticking()

    race(
        "x",
        lambda: clock.work("ours", 1),
        lambda: clock.work("rival", 1),
        against="y",
        rounds=2,
        clock=clock,
    )

    assert clock.order == ["ours", "rival", "ours", "rival", "rival", "ours"]


def test_the_first_round_is_not_counted():
    clock, cold = Ticking(), count()

    figure = race(
        "x",
        lambda: clock.work("ours", 100 if next(cold) == 0 else 1),
        lambda: clock.work("rival", 1),
        against="y",
        unit="s",
        clock=clock,
    )

    assert (figure.ratio, figure.max) == (1.0, 1.0)


def test_the_ratio_pairs_each_round_so_a_slow_spell_hits_both_sides():
    clock, spell = Ticking(), iter([1, 1, 1, 1, 50, 50, 50, 50])

    figure = race(
        "x",
        lambda: clock.work("ours", next(spell)),
        lambda: clock.work("rival", 2 * next(spell)),
        against="y",
        rounds=3,
        clock=clock,
    )

    assert figure.ratio == 2.0


def test_a_piece_of_work_can_be_the_unit():
    clock = Ticking()

    figure = race(
        "x",
        lambda: clock.work("ours", 1),
        lambda: clock.work("rival", 1),
        against="y",
        unit="µs",
        per=1000,
        clock=clock,
    )

    assert figure.median == pytest.approx(1000.0)


def test_cpu_time_leaves_waiting_out():
    import time

    assert seconds(lambda: time.sleep(0.05)) < 0.04


def test_peak_memory_sees_what_was_freed_again():
    megabytes = peak_memory(lambda: np.ones(8_000_000).sum())

    assert 55 < megabytes < 90


def test_each_figure_is_one_record_with_the_agreed_fields(tmp_path: Path):
    (path,) = record([FIGURE], tmp_path / "bench")

    assert path.name == "batch-scoring--lightgbm-native.json"
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "name": "batch scoring",
        "rival": "LightGBM native",
        "ratio": 3.0,
        "median": 1.5,
        "min": 1.0,
        "max": 2.0,
        "n": 9,
        "unit": "µs",
    }


def test_a_summary_takes_values_measured_by_other_means():
    figure = summary("AUC", "logistic", 1.02, [0.7, 0.8, 0.75], "AUC")

    assert (figure.median, figure.min, figure.max, figure.n) == (0.75, 0.7, 0.8, 3)


def test_benchmarks_stay_out_of_the_tests_and_print_a_table_when_asked_for(pytester: pytest.Pytester):
    here = Path(__file__).parent
    pytester.makeini(
        "[pytest]\npython_files = bench_*.py\npython_functions = bench_*\nmarkers = benchmark: x\n"
    )
    pytester.makeconftest((here / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(
        bench_it="from tests.benchmarks.harness import Figure\n"
        "def bench_it(): return Figure('ours', 'theirs', 2.5, 1, 1, 1, 1, 's')\n"
    )

    unasked = pytester.runpytest_inprocess("-m", "not benchmark")
    asked = pytester.runpytest_inprocess("-m", "benchmark")

    unasked.assert_outcomes(deselected=1)
    asked.assert_outcomes(passed=1)
    assert "2.50" in asked.stdout.str()
    assert (pytester.path / "var" / "bench" / "ours--theirs.json").exists()
