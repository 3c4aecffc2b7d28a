"""Packed: numbers come back bit by bit, and what releases before wrote is read."""

import zlib

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from serving.packed import packed, unpacked

floats = arrays(np.float64, array_shapes(max_dims=1, min_side=0, max_side=20))
wholes = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)


@given(one=floats, other=wholes, small=st.lists(st.integers(-5, 2**31 - 1), max_size=9))
def test_arrays_come_back_bit_by_bit_wherever_they_stand(one: np.ndarray, other: list[int], small: list[int]):
    told = {"a": one, "b": [{"c": (1, np.array(other, np.int64))}, "word"], "d": np.array(small, np.int64)}

    found = unpacked(packed(told))

    assert np.array(found["a"], np.float64).tobytes() == one.tobytes()
    assert found["b"] == [{"c": [1, other]}, "word"]
    assert found["d"] == small


def test_what_releases_before_wrote_is_read():
    before = {"policy": {"name": "ä"}, "score": [0.1, None]}

    assert unpacked(zlib.compress(orjson.dumps(before), level=1)) == before


def test_numbers_that_are_random_take_no_more_room_than_compressed_json():
    told = {"score": np.random.default_rng(1).uniform(size=500)}

    written = zlib.compress(orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY), level=1)

    assert len(packed(told)) < len(written)


@pytest.mark.parametrize("odd", [object(), np.float64(1.5), np.ones((2, 3))])
def test_what_would_come_back_as_something_else_is_refused(odd: object):
    with pytest.raises(TypeError):
        packed({"a": odd})
