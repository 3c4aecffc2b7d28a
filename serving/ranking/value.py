"""What a dial is worth: expected value per second of agent time."""

import numpy as np

from features.kernel import Float64Array


def seconds_of_dial(
    p_answer: Float64Array, p_convert: Float64Array, no_answer_s: float, contact_s: float, sale_s: float
) -> Float64Array:
    """Expected seconds from the dial to the end of wrap-up: unanswered, talked, or sold."""
    talking = (1 - p_convert) * contact_s + p_convert * sale_s
    return p_answer * talking + (1 - p_answer) * no_answer_s


def value_per_second(
    p_answer: Float64Array, p_convert: Float64Array, value: Float64Array, seconds: Float64Array
) -> Float64Array:
    """The greedy index r/s: expected value of the dial over its expected seconds (c-mu rule)."""
    return p_answer * p_convert * value / np.maximum(seconds, 1.0)
