"""Waiting: what a dial now is worth beyond what its agent's time costs and what a better hour would bring."""

import numpy as np

from features.kernel import BoolArray, Float64Array, kernel

SKIPPED = 0.6
"""A dial worth less than this share of what its time costs isn't made now: its better hours say nothing."""

SLOWLY = 0.05
"""How far the price of time goes at once towards the index of the last lead handed out."""


@kernel
def index_of(
    dial: Float64Array,
    idle_s: float,
    answer: Float64Array,
    faded: Float64Array,
    again: BoolArray,
    price: float,
    out: Float64Array,
) -> None:
    """Fill `out` with each lead's index: its value per second, less the price, less what waiting is worth.

    `dial`: (leads, 3) chance of an answer now, value of an answer, its seconds; `idle_s`: of no answer.
    By lead and window: `answer` its chance then (negative: no such window), `faded` what is left of
    the value, `again` whether a dial now that nobody answers leaves it. An answer now uses up the best
    window, no answer what the lead can't have any more.
    """
    for i in range(out.size):
        now, value, talk_s = dial[i, 0], dial[i, 1], dial[i, 2]
        seconds = now * talk_s + (1 - now) * idle_s
        best, left = 0.0, 0.0
        for w in range(answer.shape[1]):
            then = answer[i, w]
            if then < 0:
                continue
            worth = then * value - price * (then * talk_s + (1 - then) * idle_s)
            worth = faded[i, w] * max(worth, 0.0)
            best = max(best, worth)
            if again[i, w]:
                left = max(left, worth)
        waited = now * best + (1 - now) * (best - left)
        out[i] = (now * value - price * seconds - waited) / seconds


def dearer(price: float, index: float) -> float:
    """The price of a second after a poll whose last lead had that index, price left in; 0: none yet."""
    return max(price + SLOWLY * (index - price) if price else index, 0.0)


def warm_up() -> None:
    """Compile the loop, or load it from numba's cache."""
    none, windows = np.zeros(0), np.zeros((0, 1))
    index_of(np.zeros((0, 3)), 0.0, windows, windows, np.zeros((0, 1), np.bool_), 0.0, none)
