"""The compiled truth equals the equations written out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import DAY, HOUR, MINUTE, NEVER
from features.synthetic.parameters import drifted, family
from features.synthetic.truth import know_all, know_coefficients, p_answer, p_convert, skill_of, truth_of
from features.synthetic.world import make_world

from . import reference

WORLD = make_world(drifted(family("F2", scale=0.01, agents=4, days=10), "price_shock", 3), seed=8)
TRUTH = truth_of(WORLD)

leads = st.integers(0, len(WORLD.leads) - 1)
ages = st.integers(0, 8 * DAY)


@settings(deadline=None)
@given(
    lead=leads, age=ages, attempts=st.integers(0, 10), since=st.integers(0, DAY), promised=st.integers(0, DAY)
)
def test_the_chance_of_an_answer_equals_its_equation(lead, age, attempts, since, promised):
    at = int(WORLD.leads.arrived[lead]) + age
    promise = NEVER if promised > 2 * HOUR else at + promised - HOUR

    chance = p_answer(TRUTH, lead, attempts, at - since, promise, at)

    assert chance == pytest.approx(
        reference.p_answer(WORLD, lead, attempts, at - since, promise, at), abs=1e-12
    )


@settings(deadline=None)
@given(lead=leads, age=ages, agent=st.integers(0, 3), script=st.integers(0, 2), kept=st.booleans())
def test_the_chance_of_a_sale_equals_its_equation(lead, age, agent, script, kept):
    at = int(WORLD.leads.arrived[lead]) + age

    chance = p_convert(TRUTH, lead, agent, script, at, kept, 120)

    assert chance == pytest.approx(reference.p_convert(WORLD, lead, agent, script, at, kept, 120), abs=1e-12)


def columns(at):
    n = len(WORLD.leads)
    rows = np.flatnonzero(WORLD.leads.arrived <= at)
    return rows, np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n, NEVER)


def test_the_pass_over_all_leads_says_what_the_single_questions_say():
    at = WORLD.day(2) + 11 * HOUR
    rows, attempts, last, promised = columns(at)
    help_ = np.array([skill_of(TRUTH, 1, s, 30) + WORLD.parameters.scripts[1][s] for s in range(4)])
    out = np.empty((rows.size, 2))

    know_all(TRUTH, rows, attempts, last, promised, help_, at, out)

    for i, lead in enumerate(rows.tolist()):
        sale = 0.0 if WORLD.leads.wrong[lead] else p_convert(TRUTH, lead, 1, 1, at, False, 30)
        assert out[i] == pytest.approx([p_answer(TRUTH, lead, 0, 0, NEVER, at), sale], abs=1e-12)


def test_the_coefficients_give_the_truth_on_average():
    """Averaged over leads, the feature index's chances are nearly the true ones."""
    world = make_world(family("F0", scale=1, days=3), seed=4)
    truth, at, n = truth_of(world), world.day(1) + 17 * HOUR + 30 * MINUTE, len(world.leads)
    rows = np.flatnonzero(world.leads.arrived <= at)
    blank = np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n, NEVER)
    true, guess = np.empty((rows.size, 2)), np.empty((rows.size, 2))

    know_all(truth, rows, *blank, np.zeros(4), at, true)
    know_coefficients(truth, rows, *blank, np.zeros(4), at, guess)

    assert guess[:, 0].mean() == pytest.approx(true[:, 0].mean(), rel=0.03)
    assert guess[:, 1].mean() == pytest.approx(true[:, 1].mean(), rel=0.05)


def test_a_hot_web_lead_answers_with_the_specified_odds():
    """The multiplier of the odds at 1 min, 5 min, 30 min, 1 h, 2 h: 2.85, 2.36, 1.28, 1.06, 1.00."""
    lead = int(np.flatnonzero((WORLD.leads.channel == 0) & ~WORLD.leads.dead)[0])
    hour_start = WORLD.leads.arrived[lead]
    cold = TRUTH._replace(hot=np.zeros_like(TRUTH.hot))

    def odds(truth, at):
        chance = p_answer(truth, lead, 0, 0, NEVER, at)
        return chance / (1 - chance)

    moments = [int(hour_start) + m * MINUTE for m in (1, 5, 30, 60, 120)]
    assert [odds(TRUTH, at) / odds(cold, at) for at in moments] == pytest.approx(
        [2.85, 2.36, 1.28, 1.06, 1.0], abs=0.006
    )
