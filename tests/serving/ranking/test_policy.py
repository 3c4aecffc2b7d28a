"""Arms: their shares, and whose leads are whose."""

from dataclasses import asdict, replace
from math import ceil

import numpy as np
import pytest

from serving.ranking.arms import HOLDOUT, MODEL, dealt, places
from serving.ranking.policy import Arm, Experiment, Policy

LEADS = [f"lead-{n}" for n in range(20_000)]
HEAT = Experiment("heat", (Arm("cool", 0.5, temperature=0.05), Arm("warm", 0.3), Arm("old", 0.2, "newest")))


def arms_of(policy: Policy) -> np.ndarray:
    return dealt(policy, lambda experiment: places(b"salt", experiment, LEADS))


def test_without_an_experiment_there_are_the_model_and_the_holdout():
    policy = Policy(holdout=0.2, temperature=0.3, baseline_order="oldest")

    assert policy.arms == (Arm("model", 0.8, temperature=0.3), Arm("holdout", 0.2, "oldest"))
    assert policy.drawn == (MODEL,)


def test_an_experiments_arms_share_what_the_holdout_leaves_under_names_of_their_own():
    policy = Policy(holdout=0.2, experiment=HEAT)

    assert [arm.name for arm in policy.arms] == ["heat:cool", "holdout", "heat:warm", "heat:old"]
    assert [arm.share for arm in policy.arms] == pytest.approx([0.4, 0.2, 0.24, 0.16])
    assert policy.drawn == (0, 2)


def test_each_arm_is_dealt_its_share_of_the_leads():
    found = np.bincount(arms_of(Policy(holdout=0.2, experiment=HEAT)), minlength=4) / len(LEADS)

    assert found.tolist() == pytest.approx([0.4, 0.2, 0.24, 0.16], abs=0.01)


def test_no_lead_leaves_the_holdout_for_an_experiment():
    plain, tried = arms_of(Policy(holdout=0.2)), arms_of(Policy(holdout=0.2, experiment=HEAT))

    assert np.array_equal(plain == HOLDOUT, tried == HOLDOUT)


def test_another_experiment_deals_its_leads_anew():
    one, other = (arms_of(Policy(experiment=replace(HEAT, name=name))) for name in ("heat", "cold"))

    free = one != HOLDOUT
    assert np.mean(other[free & (one == 0)] == 0) == pytest.approx(np.mean(other[free] == 0), abs=0.02)


def test_what_is_written_of_a_policy_is_read_back():
    tried = Policy(holdout=0.2, experiment=HEAT)

    assert Policy.read(asdict(tried)) == tried
    assert (
        Policy.read({name: said for name, said in asdict(Policy()).items() if name != "experiment"})
        == Policy()
    )


@pytest.mark.parametrize("n", [1, 3, 10, 100, 500])
def test_a_small_arm_draws_no_deeper_than_a_large_one(n: int):
    tried = Policy(holdout=0.3, experiment=Experiment("e", (Arm("large", 0.9), Arm("small", 0.1))))

    assert [tried.asked(n, number) for number in tried.drawn] == [ceil(n * 0.9), ceil(n / 10)]
    assert replace(tried, experiment=Experiment("e", (Arm("all", 1.0),))).asked(n, MODEL) == n
    assert Policy(holdout=1.0).asked(n, MODEL) == n
