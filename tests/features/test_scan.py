"""Scans over long histories: what is carried from moment to moment says what each moment says by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Feature, Moments, Past, compute, for_leads
from features.facts import BIT, Facts
from features.instants import HOUR, MINUTE, NEVER
from features.statistics.delay import Delay
from features.statistics.distinct import Distinct
from features.statistics.extreme import Max
from features.statistics.rhythm import Rhythm
from features.statistics.streak import Run, Streak
from tests.benchmarks.windows_log import as_leads, as_log, generated
from tests.builders import MONDAY, a_lead, a_lead_table, moments
from tests.features import reference

SCANS: tuple[Feature, ...] = (
    *(Max(f"longest_{hours}h", "lead", hours * HOUR, "talk_s") for hours in (3, 24)),
    Max("longest_ever", "everyone", NEVER, "talk_s"),
    Max("moods_12h", "lead", 12 * HOUR, "sentiment"),
    *(Distinct(f"{word}s_6h", "lead", 6 * HOUR, word) for word in ("agent", "week_hour", "line")),
    Distinct("agents_ever", "lead", NEVER, "agent"),
    Distinct("days_of_answers", "everyone", 40 * HOUR, "day", per="answered"),
    Rhythm("hourly", prior=(0.3, 2)),
    Delay("wait"),
    Delay("wait_for_answer", of="answered"),
    Streak("since_answer", by="lead"),
    Streak("since_sale", by="everyone", of="converted"),
    Run("no_answers", by="lead", of="no_answer"),
    Run("answers", by="everyone", of="answered"),
)

BITS = tuple(
    sum(BIT[mark] for mark in marks)
    for marks in (
        ("calls",),
        ("calls", "no_answer"),
        ("calls", "answered"),
        ("told", "converted"),
        ("touches",),
    )
)


@st.composite
def histories(draw: st.DrawFn) -> Past:
    """Two leads' facts of a few days, on a grid of hours: ties, gaps, late ones, and some taken back.

    Now and then it is the taking back that is seen first.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, late, taken_back = draw(st.integers(1, 60)), draw(st.floats(0, 0.5)), draw(st.floats(0, 0.5))
    time = MONDAY + np.sort(rng.integers(0, draw(st.sampled_from([8, 40, 100])), size)) * HOUR
    delay = rng.choice(np.array([1, MINUTE, HOUR, 5 * HOUR, 30 * HOUR]), size) * (rng.random(size) < late)
    rows = np.concatenate((np.arange(size), np.flatnonzero(rng.random(size) < taken_back)))
    again = rng.integers(-2, 12, rows.size) * HOUR * (np.arange(rows.size) >= size)
    lead, agent, bits = rng.integers(0, 2, size), rng.integers(-1, 3, size), rng.choice(np.array(BITS), size)
    talk_s, sentiment = rng.choice([0.0, 10.0, 20.0, 30.0], size), rng.choice([-0.5, 0.25, 0.5], size)
    line, nothing = rng.integers(-1, 300, size), np.full(size, -1)
    words = {"line": line, "script": nothing, "promise": nothing}
    facts = Facts(
        lead[rows], agent[rows], time[rows], np.maximum((time + delay)[rows] + again, time[rows]), bits[rows],
        np.where(np.arange(rows.size) < size, 1, -1).astype(np.int8),
        {"talk_s": talk_s[rows], "sentiment": sentiment[rows]},
        {name: column[rows] for name, column in words.items()},
    )  # fmt: skip
    table = a_lead_table(a_lead(created_at=MONDAY, zone="Europe/Berlin"), a_lead(created_at=MONDAY + HOUR))
    return Past(CallLog.empty(), table, facts)


def every_hour(*leads: int) -> list[tuple[int, int, int]]:
    """Each hour of a few days, to the instant and a microsecond later."""
    return [(lead, -1, MONDAY + h * HOUR + more) for h in range(-1, 150) for more in (0, 1) for lead in leads]


@settings(deadline=None, max_examples=100)
@given(past=histories(), chosen=st.sets(st.integers(0, 603), min_size=1, max_size=40))
def test_many_moments_of_a_lead_say_what_each_says_by_itself(past: Past, chosen: set[int]):
    questions = every_hour(0, 1)

    together = compute(past, moments(*questions), SCANS).values
    alone = [compute(past, moments(questions[row]), SCANS).values[0] for row in sorted(chosen)]

    assert together[sorted(chosen)].tobytes() == np.array(alone).tobytes()


@pytest.mark.parametrize("feature", SCANS, ids=lambda feature: feature.name)
@settings(deadline=None, max_examples=25)
@given(past=histories(), chosen=st.sets(st.integers(0, 603), min_size=1, max_size=12))
def test_a_scan_of_a_long_history_is_its_slow_twin(feature: Feature, past: Past, chosen: set[int]):
    questions = [every_hour(0, 1)[row] for row in sorted(chosen)]

    ours = compute(past, moments(*questions), [feature]).values[:, 0]

    np.testing.assert_allclose(ours, reference.column(past, feature, questions), rtol=1e-6)


def test_thousands_of_leads_are_answered_alike_at_once_and_a_few_at_a_time():
    log, leads = as_log(generated(30_000, 20_000)), as_leads(20_000)
    asked = Moments.at_once(np.arange(-1, 20_000), int(log.ended_at[-1]) + 1)
    lines = for_leads(leads)

    kept = compute(Past(log, leads, None, {}), asked, lines).values
    passing = compute(Past(log, leads), asked, lines).values

    assert kept.tobytes() == passing.tobytes()
