"""Head: what one model of the bundle predicts, of which calls, and how carefully it is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from features.instants import DAY

SETTINGS = ("learning_rate", "leaves", "least_in_leaf", "shrinkage", "columns_per_tree")
"""The fields of a head that a search may change; the rest is chosen in each fit, or known to the trade."""

THE_LEAD = (
    *("lead_value", "lead_age", "age_of_", "campaign", "channel", "source", "country", "region", "list"),
    "attribute_",
)
"""How the names of features begin that tell of the lead itself, and of no call."""
RATES_BY_FIELD = ("campaign_", "channel_", "source_", "region_", "list_")
"""How those begin that say what became of leads of the same field: `THE_LEAD` begins them as well."""

TRUST = 6.0
"""Factor on the prior sd of the features that a head trusts: shrunk 36 times less than the others."""

Per = Literal["calls", "answered", "sold", "periods"]
"""Which calls are examples: all attempts, those a human answered and an agent took, those that sold, or the
first attempt of each period of a lead's life."""
Kind = Literal["binary", "amount"]
"""A probability of a mark, or a positive amount, learned by its logarithm."""


@dataclass(frozen=True)
class Head:
    """A probability: how often the calls `per` bear the mark `of`; or an amount: how much `of` they bring.

    All fields are plain values.
    """

    name: str
    of: Literal["answered", "converted", "pace", "value"]
    per: Per
    label: str
    """What the figure means, in one sentence for people."""
    least_calls: int
    """Fewer examples than this are refused: `NotEnoughCalls`."""
    least_marked: int = 0
    """So are fewer examples with the mark, or fewer without."""
    objective: Kind = "binary"
    needed: bool = True
    """Whether no bundle does without it; else it is left out if calls are too few or it loses its race."""
    anchor: str = ""
    """The feature whose logarithm an amount starts from: it is that much until examples say otherwise."""
    knows_agent: bool = False
    """Features may see the call's agent: only where every example has one, or its absence tells the label."""
    asks: tuple[str, ...] = ()
    """Only features whose names begin so are asked; none: all."""
    ignores: tuple[str, ...] = ()
    """Features whose names begin so are never asked: the trade knows that they say nothing of this mark."""
    trusts: tuple[str, ...] = ("channel", "lead_age", "age_of_")
    """Features whose names begin so are shrunk little: the trade knows that they say much of any mark."""
    trust: float = TRUST
    """The factor on their prior sd."""
    follows: tuple[str, ...] = ()
    """Rates whose names begin so are the floor's own level of the mark: the margin follows their log-odds
    along a straight line, also beyond what was seen, and no tree reads them."""
    rises: tuple[str, ...] = ()
    """Features whose names begin so never speak against the mark: the trade knows that more is better."""
    falls: tuple[str, ...] = ()
    """Features whose names begin so never speak for it: the trade knows that more is worse."""
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
    """Trees are grown with so many seeds, from `seed` on, and their scores averaged."""

    def hears(self, feature: str) -> bool:
        """Whether a feature of that name is asked."""
        asked = not self.asks or feature.startswith(self.asks)
        return asked and not (self.ignores and feature.startswith(self.ignores))

    @property
    def settings(self) -> dict[str, float | int]:
        """What a search may change, as it is."""
        return {name: getattr(self, name) for name in SETTINGS}

    def tuned(self, settings: Mapping[str, float | int | str | None]) -> "Head":
        """The same with other ones."""
        return replace(self, **settings)  # type: ignore[arg-type]
