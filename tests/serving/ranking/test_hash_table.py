"""HashTable: what a dictionary would say of names in order of appearance."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.ranking.hash_table import FEWEST, UNKNOWN, HashTable

places, words = st.integers(0, 2**15 - 1), st.integers(0, 2**32 - 1)
names = st.builds(lambda place, word: place << 32 | word, places, words)


@given(told=st.lists(st.lists(names, max_size=20), max_size=10), asked=st.lists(names, max_size=20))
def test_names_are_numbered_as_a_dictionary_would(told, asked):
    numbering, obvious = HashTable(), dict[int, int]()

    for some in told:
        new = [name for name in dict.fromkeys(some) if name not in obvious]
        numbering.add(np.array(new, np.int64))
        obvious |= {name: len(obvious) + i for i, name in enumerate(new)}

    everybody = [*obvious, *asked, -1]
    found = numbering.of(np.array(everybody, np.int64))
    assert found.tolist() == [obvious.get(name, UNKNOWN) for name in everybody]
    assert len(numbering) == len(obvious)


def test_many_names_that_look_alike_are_all_found_and_half_of_the_table_stays_empty():
    """Whole numbers as the bits of their values: the low half of each is the same."""
    values = np.arange(3 * FEWEST).astype(np.float32).view(np.uint32).astype(np.int64)
    numbering = HashTable()

    for first in range(0, values.size, 100):
        numbering.add(values[first : first + 100])

    assert numbering.of(values).tolist() == [*range(values.size)]
    assert numbering._slots.size >= 2 * values.size
