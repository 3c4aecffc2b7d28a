"""The worth of a dial."""

import numpy as np
import pytest

from serving.ranking.value import seconds_of_dial, value_per_second


def test_the_greedy_index_is_the_worked_check_of_the_specification():
    p_answer, p_convert, value = np.array([0.2]), np.array([0.05]), np.array([400.0])

    seconds = seconds_of_dial(p_answer, p_convert, no_answer_s=26, contact_s=300, sale_s=300)
    index = value_per_second(p_answer, p_convert, value, seconds)

    assert seconds[0] == pytest.approx(80.8)
    assert index[0] == pytest.approx(0.04950495, abs=1e-8)


def test_a_sale_takes_its_own_time():
    seconds = seconds_of_dial(np.array([1.0]), np.array([1.0]), no_answer_s=26, contact_s=255, sale_s=620)

    assert seconds[0] == 620
