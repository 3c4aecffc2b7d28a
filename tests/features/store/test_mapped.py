"""Mapped: what was written is read, bit by bit, by as many as like; damage is noticed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as given_arrays

from features.store.mapped import ALIGNED, read, write

SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

shapes = given_arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=5)
kinds = st.sampled_from([np.bool_, np.int8, np.uint8, np.int32, np.int64, np.float32, np.float64])
arrays = kinds.flatmap(lambda kind: given_arrays.arrays(kind, shapes))


@SETTINGS
@given(told=st.dictionaries(st.text(min_size=1, max_size=4), arrays, max_size=5))
def test_any_arrays_are_read_as_they_were_written(tmp_path: Path, told):
    write(told, tmp_path / "a.map")

    found = read(tmp_path / "a.map")

    assert list(found) == list(told)
    for name, array in told.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
        assert found[name].ctypes.data % ALIGNED == 0 or not array.size
        assert found[name].flags.writeable


def test_who_writes_on_what_is_mapped_writes_on_a_copy_of_its_own(tmp_path: Path):
    write({"a": np.arange(3)}, tmp_path / "a.map")
    mine, yours = read(tmp_path / "a.map"), read(tmp_path / "a.map")

    mine["a"][0] = 7

    assert yours["a"].tolist() == [0, 1, 2]
    assert read(tmp_path / "a.map")["a"].tolist() == [0, 1, 2]


def test_who_has_mapped_a_file_keeps_it_when_another_takes_its_place(tmp_path: Path):
    write({"a": np.zeros(4096)}, tmp_path / "a.map")
    before = read(tmp_path / "a.map")

    write({"a": np.ones(4096)}, tmp_path / "a.map")

    assert (before["a"].sum(), read(tmp_path / "a.map")["a"].sum()) == (0, 4096)
    assert [path.name for path in tmp_path.iterdir()] == ["a.map"]


def test_a_file_that_lacks_its_end_or_has_another_byte_anywhere_is_refused(tmp_path: Path):
    path = tmp_path / "a.map"
    write({"a": np.arange(20), "b": np.arange(7, dtype=np.uint8)}, path)
    whole = path.read_bytes()
    written = [place for place in range(len(whole)) if not _is_gap(whole, place)]

    for place in written:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises((ValueError, OSError)):
            read(path)
    for size in (0, 8, 16, 40, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises((ValueError, OSError)):
            read(path)


def _is_gap(whole: bytes, place: int) -> bool:
    """Whether a byte only fills up to where an array begins."""
    end = 16 + int(np.frombuffer(whole[:8], np.int64)[0])
    first = end + -end % ALIGNED
    last = first + 160
    return end <= place < first or last <= place < last + -last % ALIGNED
