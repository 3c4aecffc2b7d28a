"""A lead's own calls against a slow twin, and what they may not do."""

import numpy as np
import pytest

from features.kernel import Float64Array
from training.calibration import probability
from training.own_calls import LEAST, MOST_CALLS, Calls, kernel_of, own_log_odds, variances

VARIANCE = np.array([0.3, 0.8, 0.2, 0.1])


def some_calls(leads: int = 40, each: int = 6, height: float = 0.0, seed: int = 1) -> Calls:
    """Each lead has an hour of its own about which it answers more often by `height` (in log-odds)."""
    rng = np.random.default_rng(seed)
    lead = np.repeat(np.arange(leads), each)
    hour = rng.integers(0, 6, lead.size) * 24 + rng.integers(8, 21, lead.size)
    own = rng.integers(8, 21, leads)[lead]
    level = np.full(lead.size, -0.5)
    near = np.abs(hour % 24 - own) <= 2
    answered = rng.random(lead.size) < probability(level + height * (near - 0.3))
    return Calls.of(leads, lead, hour, level, answered.astype(np.float64))


def slow_log_odds(calls: Calls, row: int, hour: int) -> float:
    """The posterior mode of one lead at one hour, by Newton's method on the log posterior itself."""
    real = calls.real[row]
    hours, level, answered = calls.hour[row][real], calls.level[row][real], calls.answered[row][real]
    prior = kernel_of(VARIANCE)
    among = prior[np.ix_(hours, hours)] + 1e-9 * np.eye(hours.size)
    mode = np.zeros(hours.size)
    for _ in range(50):
        chance = probability(level + mode)
        slope = answered - chance - np.linalg.solve(among, mode)
        bend = np.diag(chance * (1 - chance)) + np.linalg.inv(among)
        mode = mode + np.linalg.solve(bend, slope)
    return float(prior[hour, hours] @ np.linalg.solve(among, mode))


def test_own_calls_say_what_the_slow_twin_says():
    calls = some_calls()
    row, hour = np.arange(40), np.random.default_rng(2).integers(0, 168, 40)

    told = own_log_odds(calls, VARIANCE, row, hour)

    assert told == pytest.approx(
        [slow_log_odds(calls, int(r), int(h)) for r, h in zip(row, hour, strict=True)], abs=1e-4
    )


def test_a_lead_without_calls_adds_nothing():
    calls = Calls.of(3, np.array([1]), np.array([30]), np.zeros(1), np.ones(1))

    told = own_log_odds(calls, VARIANCE, np.array([0, 1, 2, 9]), np.full(4, 30))

    assert told[[0, 2, 3]].tolist() == [0, 0, 0]
    assert told[1] > 0


def test_the_latest_calls_are_kept():
    answered: Float64Array = (np.arange(MOST_CALLS + 5) >= 5).astype(np.float64)

    calls = Calls.of(1, np.zeros(answered.size, np.int64), np.arange(answered.size), answered, answered)

    assert calls.real.sum() == MOST_CALLS
    assert calls.answered[0, :MOST_CALLS].all()
    assert calls.hour[0, 0] == answered.size - 1


def test_leads_that_do_not_differ_have_no_variance_of_their_hours():
    alike, apart = variances(some_calls(600, 12)), variances(some_calls(600, 12, height=3.0))

    assert alike[1] < 0.05
    assert apart[1] > 0.3
    assert alike.min() >= LEAST
