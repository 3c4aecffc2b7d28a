"""The coins are those of the published vectors and of the twin in whole numbers."""

from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.synthetic.chance import normal, uniform

from . import reference


@pytest.mark.parametrize(
    ("where", "coin"),
    [
        ((1, 0, 0, 1), 0.3524768824656184),
        ((1, 42, 3, 2), 0.41177863039652135),
        ((20260101, 123456, 7, 4), 0.12576080734261524),
    ],
)
def test_coins_equal_the_test_vectors(where, coin):
    assert uniform(*where) == coin


whole = st.integers(0, 2**40)


@settings(deadline=None)
@given(seed=whole, i=whole, n=st.integers(0, 50), k=st.integers(0, 50))
def test_coins_equal_their_twin(seed, i, n, k):
    assert uniform(seed, i, n, k) == reference.uniform(seed, i, n, k)


@settings(deadline=None)
@given(u=st.floats(1e-15, 1 - 1e-15))
def test_normal_is_the_quantile_of_the_standard_normal(u):
    assert normal(u) == pytest.approx(NormalDist().inv_cdf(u), abs=1e-8)
