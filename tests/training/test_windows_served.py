"""A training whose calls prove windows, and what a service makes of its bundle."""

import time
from functools import lru_cache
from pathlib import Path

import numpy as np

from features import Moments, compute
from features.instants import HOUR
from serving.models import Models
from serving.rule import Caps
from tests.serving.rules.people import a_new_yorker, standing_of
from training.bundle import Bundle
from training.dashboard import windows_figure
from training.pipeline import train

from .rhythms import Rhythms, rhythms


@lru_cache(maxsize=1)
def trained() -> tuple[Rhythms, Bundle]:
    """Nothing was sold on that floor, so rates of segments stand in for who buys."""
    floor = rhythms("kind", 5)
    return floor, train(floor.past, floor.until, rng=np.random.default_rng(1), threads=1).bundle


def test_a_training_keeps_the_windows_that_its_calls_prove(tmp_path: Path):
    _, bundle = trained()

    bundle.save(tmp_path)

    assert Bundle.load(tmp_path).timing.kinds == bundle.timing.kinds
    assert bundle.timing.kinds.proven
    assert bundle.timing.sentence == "best hours differ by channel"


def test_leased_leads_are_told_their_best_windows_within_the_rules():
    floor, bundle = trained()
    rows = np.arange(100)
    models = Models("sqlite:////nowhere/mlflow.db", Path("/nowhere"), _bundle=bundle)
    standing = standing_of([a_new_yorker()] * rows.size, Caps(), floor.until)

    saw = compute(floor.past, Moments.at_once(rows, floor.until), bundle.features)
    _, told = models.remarks(floor.past, rows, saw, standing, floor.until)

    given = [window for window in told if window is not None]
    assert len(given) > 90
    for window in given:
        assert floor.until <= window.start < window.end <= floor.until + 169 * HOUR
        assert window.interval.low < window.p_answer < window.interval.high
        assert window.evidence in ("strong", "moderate", "weak")


def test_windows_of_a_hundred_leads_take_little_time():
    floor, bundle = trained()
    rows, asked = np.arange(100), floor.now()
    bundle.timing.weeks(floor.past, asked.take(rows), rows, floor.until)

    begun = time.process_time()
    bundle.timing.weeks(floor.past, asked.take(rows), rows, floor.until).interval()

    assert time.process_time() - begun < 0.5


def test_the_figure_has_a_panel_for_everybody_and_each_group():
    _, bundle = trained()

    figure = windows_figure(bundle.timing, bundle.features)

    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].endswith("everybody")
    assert "channel " in titles[1]
