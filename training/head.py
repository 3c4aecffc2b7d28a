"""Head: what one model of the bundle predicts, of which calls, and how carefully it is fitted."""

from dataclasses import dataclass
from typing import Literal

from features.instants import DAY

Per = Literal["calls", "answered"]
"""Which calls are examples: all attempts, or those a human answered and an agent took."""


@dataclass(frozen=True)
class Head:
    """A probability: how often the calls `per` bear the mark `of`; all fields are plain values."""

    name: str
    of: Literal["answered", "converted"]
    per: Per
    label: str
    """What the probability means, in one sentence for people."""
    least_calls: int
    """Fewer examples than this are refused: `NotEnoughCalls`."""
    least_marked: int
    """So are fewer examples with the mark, or fewer without."""
    knows_agent: bool = False
    """Features may see the call's agent: only where every example has one, or its absence tells the label."""
    ignores: tuple[str, ...] = ()
    """Features whose names begin so are never asked: the trade knows that they say nothing of this mark."""
    trusts: tuple[str, ...] = ("channel", "lead_age", "age_of_")
    """Features whose names begin so are shrunk little: the trade knows that they say much of any mark."""
    follows: tuple[str, ...] = ()
    """Rates whose names begin so are the floor's own level of the mark: the margin follows their log-odds
    along a straight line, also beyond what was seen, and no tree reads them."""
    rises: tuple[str, ...] = ()
    """Features whose names begin so never speak against the mark: the trade knows that more is better."""
    falls: tuple[str, ...] = ()
    """Features whose names begin so never speak for it: the trade knows that more is worse."""
    objective: Literal["binary"] = "binary"
    strengths: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1)
    """Prior variances of the linear margin to choose among; smaller is smoother."""
    half_lives: tuple[int | None, ...] = (None, 21 * DAY, 7 * DAY)
    """After how long an example's weight halves, to choose among; None: all weigh the same."""
    most_trees: int = 100
    learning_rate: float = 0.06
    leaves: int = 12
    least_in_leaf: int = 40
    shrinkage: float = 20.0
    """L2 penalty on the leaves."""
    columns_per_tree: float = 0.6
    seed: int = 7
    seeds: int = 3
    """Trees are grown with so many seeds, from `seed` on, and their log-odds averaged."""
