"""Growing columns and codes: what was put in is what comes out, in its order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.columns import Codes, Columns, Records

numbers = st.lists(st.integers(-(2**62), 2**62), max_size=200)


@given(batches=st.lists(numbers, max_size=6))
def test_columns_hold_all_batches_one_after_the_other(batches):
    columns = Columns({"whole": np.int64, "flag": np.bool_})

    for batch in batches:
        columns.append(whole=batch, flag=[number > 0 for number in batch])

    everything = [number for batch in batches for number in batch]
    assert columns["whole"].tolist() == everything
    assert columns["flag"].tolist() == [number > 0 for number in everything]
    assert len(columns) == len(everything)


@given(before=numbers, after=numbers, odd=st.booleans())
def test_kept_rows_stay_in_order_and_more_may_follow(before, after, odd):
    columns = Columns({"whole": np.int64})
    columns.append(whole=before)

    columns.keep(columns["whole"] % 2 == odd)
    columns.append(whole=after)

    assert columns["whole"].tolist() == [number for number in before if number % 2 == odd] + after


def test_a_column_can_be_written_in_place():
    columns = Columns({"whole": np.int64})
    columns.append(whole=[1, 2, 3])

    columns["whole"][1] = 7

    assert columns["whole"].tolist() == [1, 7, 3]


def test_a_column_left_out_is_an_error():
    with pytest.raises(KeyError):
        Columns({"a": np.int64, "b": np.int64}).append(a=[1])


@given(words=st.lists(st.none() | st.sampled_from("abcde"), max_size=20))
def test_codes_number_words_in_order_of_appearance(words):
    codes = Codes()

    given_codes = codes.all_of(words)

    appeared = list(dict.fromkeys(word for word in words if word is not None))
    assert codes.levels == tuple(appeared)
    assert given_codes == [-1 if word is None else appeared.index(word) for word in words]
    assert [codes.word(code) for code in given_codes if code >= 0] == [w for w in words if w is not None]
    assert (codes.known("z"), len(codes)) == (-1, len(appeared))


def test_records_keep_what_was_written_as_they_grow():
    found = Records(("first", "second"))
    found.extend(3, (7, -1))
    found["second"][1] = 5

    found.extend(1000, (8, -2))
    found.extend(2, (9, -3))

    assert found["first"].tolist() == [7] * 3 + [8] * 997
    assert found["second"].tolist() == [-1, 5, -1] + [-2] * 997
    assert len(found) == 1000
