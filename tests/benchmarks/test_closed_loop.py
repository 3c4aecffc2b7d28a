"""The closed loop: its files are kept, pooling goes by the formulas, and a short one runs to its end."""

import json
from dataclasses import replace

import numpy as np
import pytest

from .closed_loop import Course, play
from .pooled import OURS, RIVALS, estimate, gap_closed, keep, lift, read_kept, read_played, table, worlds_of


def a_file(folder, family: str, seed: int, policy: str, per_hour: float) -> None:
    told = {
        "family": family,
        "seed": seed,
        "policy": policy,
        "days": {"value": [per_hour, 0], "hours": [0.5, 0.5]},
    }
    (folder / f"{family}-{seed}-{policy}.json").write_text(json.dumps(told))


@pytest.fixture
def folder(tmp_path):
    per_hour = dict(zip((*RIVALS, OURS), (100, 200, 240, 150, 300, 500, 360), strict=True))
    for seed in (1, 2):
        for policy, value in per_hour.items():
            a_file(tmp_path, "F0", seed, policy, value + 10 * seed * (policy == OURS))
    a_file(tmp_path, "F1", 1, OURS, 100)
    return tmp_path


def test_only_worlds_that_every_policy_played_are_pooled(folder):
    assert list(worlds_of(read_played(folder))) == [("F0", 1), ("F0", 2)]


def test_the_gap_closed_and_the_lift_are_those_of_the_formulas(folder):
    worlds = worlds_of(read_played(folder))

    assert gap_closed(worlds, OURS) == pytest.approx([270 / 400, 280 / 400])
    assert gap_closed(worlds, "random") == pytest.approx([0, 0])
    assert lift(worlds, "newest") == pytest.approx([370 / 200 - 1, 380 / 200 - 1])
    assert "| all | 0.250 | 0.350 | 0.125 | 0.500 | 0.688 |" in table(worlds, np.random.default_rng(1))


def test_an_interval_draws_worlds_within_their_families():
    """Two families that differ by ten and not inside: no draw mixes them, so nothing varies."""
    found = estimate(np.array([0.0, 0.0, 10.0, 10.0]), ["F0", "F0", "F1", "F1"], np.random.default_rng(1))

    assert (found.value, found.low, found.high) == (5.0, 5.0, 5.0)


def test_what_was_played_is_not_played_again(folder, capsys):
    play(Course(), folder, "F0", 1, (*RIVALS, OURS), threads=1)

    assert not capsys.readouterr().out


def test_a_table_keeps_the_last_that_was_told_of_a_policy_in_a_world(folder, tmp_path):
    table, once = tmp_path / "judged.csv", read_played(folder)
    again = [replace(one, per_hour=one.per_hour + 1) for one in once if one.policy == OURS]

    short = [replace(one, per_hour=1.0, scored=3) for one in once]

    keep(table, [*once, *again, *short])

    kept = read_kept(table)
    assert len(kept) == len(once)
    assert [one for one in kept if one.policy == OURS] == again
    assert read_kept(tmp_path / "none.csv") == []


@pytest.mark.slow
def test_a_short_loop_serves_with_a_champion_of_its_own(tmp_path):
    play(Course(taught=7, scored=1, scale=0.15, agents=2), tmp_path, "F0", 7, (OURS,), threads=1)

    told = json.loads((tmp_path / f"F0-7-{OURS}.json").read_text())
    assert len(told["trainings"]) == 1
    assert (told["violations"], told["leased_twice"], told["degraded_polls"]) == (0, 0, 0)
    assert sum(told["days"]["value"]) > 0
