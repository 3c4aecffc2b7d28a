"""Trial: one setting of a head that was tried on the folds, and what it was worth there."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """Each becomes a run inside the search's run in MLflow."""

    settings: Mapping[str, float | int | str | None]
    loss: float
    """Mean loss of the rows that the folds judged."""
    seconds: float | None = None
    """What it took, where that was measured."""
