"""LeadTable: words as codes, and attributes with the instants since which they are known."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import LeadTable
from features.leads import FIELDS, AttributeHistory, Coded

words = st.lists(st.sampled_from(["red", "green", "blue", "", None]), max_size=12)
told = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 5),
        st.one_of(st.sampled_from(["red", "blue"]), st.floats(-9, 9), st.integers(-9, 9)),
    ),
    max_size=15,
)


@settings(deadline=None)
@given(words=words, first=st.sampled_from([(), ("blue",), ("blue", "violet")]))
def test_words_are_read_back_from_their_codes(words: list[str | None], first: tuple[str, ...]):
    coded = Coded.of(words, first)

    assert [coded.levels[code] if code >= 0 else None for code in coded.codes] == words
    assert coded.levels[: len(first)] == first
    assert len(set(coded.levels)) == len(coded.levels)


@settings(deadline=None)
@given(words=words, levels=st.permutations(["red", "green", "violet"]))
def test_recoding_finds_each_level_among_others(words: list[str | None], levels: list[str]):
    coded = Coded.of(words)

    place = coded.recode(levels)

    expected = [levels.index(level) if level in levels else -1 for level in coded.levels]
    assert place.tolist() == expected


@settings(deadline=None)
@given(told=told)
def test_a_history_keeps_every_value_by_lead_and_time(told: list[tuple[int, int, float | str]]):
    history = AttributeHistory.of(
        4, [lead for lead, _, _ in told], [at for _, at, _ in told], [v for *_, v in told]
    )

    ours = [
        [
            (int(history.known_at[row]), history.levels[code] if code >= 0 else float(history.number[row]))
            for row in range(history.starts[lead], history.starts[lead + 1])
            for code in [int(history.code[row])]
        ]
        for lead in range(4)
    ]

    assert ours == [
        sorted([(at, value) for owner, at, value in told if owner == lead], key=lambda pair: pair[0])
        for lead in range(4)
    ]


def test_a_word_is_no_number_and_a_number_no_word():
    history = AttributeHistory.of(1, [0, 0], [1, 2], ["red", 7])

    assert np.isnan(history.number[0])
    assert history.number[1] == 7
    assert history.code.tolist() == [0, -1]


def test_of_two_values_told_at_once_the_one_named_last_is_the_later():
    history = AttributeHistory.of(1, [0, 0], [1, 1], [1.0, 2.0])

    assert history.number.tolist() == [1, 2]


def test_an_empty_table_has_all_fields_and_no_leads():
    table = LeadTable.empty()

    assert len(table) == 0
    assert set(table.coded) == set(FIELDS)
    assert table.attributes == {}
