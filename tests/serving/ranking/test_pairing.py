"""Leads and ready agents: the pairing that is worth most, nobody with more than their share."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from serving.ranking.pairing import pair

worths = st.tuples(st.integers(0, 5), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-9, 9).map(float))
)


@given(worth=worths)
def test_no_other_pairing_within_everybodys_share_is_worth_more(worth):
    """The slow way tries all."""
    leads, agents = worth.shape
    most = -(-leads // agents)
    rows = np.arange(leads)

    found = pair(worth)

    assert np.bincount(found, minlength=agents).max(initial=0) <= most
    tried = [np.array(one, np.int64) for one in product(range(agents), repeat=leads)]
    fair = [one for one in tried if np.bincount(one, minlength=agents).max(initial=0) <= most]
    assert worth[rows, found].sum() == max(worth[rows, one].sum() for one in fair)


def test_an_agent_who_is_better_with_everybody_still_gets_only_a_share():
    worth = np.array([[9.0, 1.0], [8.0, 1.0], [7.0, 6.5], [6.0, 0.0]])

    assert pair(worth).tolist() == [0, 0, 1, 1]
