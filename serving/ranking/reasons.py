"""Reasons: the few features that moved a lead's odds most, the rest as one sum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.kernel import Float32Array, Float64Array

MOST = 8


@dataclass(frozen=True)
class Reason:
    """One feature's share of a lead's log-odds; `other` gathers the rest and has no value."""

    feature: str
    value: float | None
    effect: float


def strongest(
    names: Sequence[str], values: Float32Array, effects: Float64Array, most: int = MOST
) -> tuple[Reason, ...]:
    """At most `most` reasons of one lead, strongest first; the effects sum to those given."""
    order = np.argsort(-np.abs(effects), kind="stable")
    shown = order[: most - 1] if order.size > most else order
    reasons = [Reason(names[j], _plain(values[j]), float(effects[j])) for j in shown if effects[j] != 0]
    rest = float(effects[order[shown.size :]].sum())
    return (
        (*reasons, Reason("other", None, rest)) if order.size > shown.size and rest != 0 else tuple(reasons)
    )


def _plain(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)
