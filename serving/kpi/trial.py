"""Trial: the account of an experiment: what each of its arms cost and brought, each against the first one."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.kernel import Float64Array

from .balance import Mismatch, sample_ratio
from .cells import Cells
from .lift import ALPHA, BASE, Arm, Foreseen, Lift, Side, arm_of, broken, foreseen_of, lifts_of, refusal_of


@dataclass(frozen=True)
class Before:
    """What a campaign did in the time before an experiment that its length is planned by."""

    leads: int
    """Received."""
    net: float
    """Sales."""


@dataclass(frozen=True)
class Dealt:
    """The leads that an experiment was dealt, beside the holdout's."""

    share: Mapping[str, float]
    """By arm, under the names that decisions have: of the leads that the holdout doesn't keep."""
    leads: Mapping[str, int]
    """Received while it ran; those of the holdout too."""
    waited: Mapping[str, Float64Array]
    """Seconds to the first contact of those that had one, by arm."""
    holdout: float
    """Its share of all leads."""


@dataclass(frozen=True)
class Rival:
    """An arm against the first one; bands hold for all such comparisons together."""

    name: str
    lifts: tuple[Lift, ...]
    refusal: str
    """Why there are no lifts; empty where there are."""
    worse: tuple[str, ...]
    """Guardrails that the arm has broken: worse than the first one's, however often one looks."""
    foreseen: Foreseen | None
    """What four weeks can show, by the leads before it began; None where nothing was sold then."""


@dataclass(frozen=True)
class Trial:
    """The account of an experiment."""

    arms: tuple[Arm, ...]
    """Shares are among themselves."""
    mismatch: Mismatch
    """Of the leads dealt, the holdout's among them, against the promised shares."""
    rivals: tuple[Rival, ...]
    """All arms but the first."""


def tried(cells: Cells, dealt: Dealt, before: Before) -> Trial:
    """Draw up an experiment's arms; its names are its own, so `cells` may hold other attempts beside."""
    sides = [Side(cells, name) for name in dealt.share]
    hours = sum(side.hours for side in sides)
    arms = [
        arm_of(side, dealt.leads[side.name], dealt.share[side.name], hours, dealt.waited[side.name])
        for side in sides
    ]
    free = 1 - dealt.holdout
    promised = {name: free * share for name, share in dealt.share.items()} | {BASE: dealt.holdout}
    mismatch = sample_ratio([dealt.leads[name] for name in promised], list(promised.values()))
    alpha = ALPHA / (len(sides) - 1)
    rivals = [
        _against(sides[0], side, mismatch, alpha, _planned(dealt, side.name, before, alpha))
        for side in sides[1:]
    ]
    return Trial(tuple(arms), mismatch, tuple(rivals))


def _against(first: Side, other: Side, mismatch: Mismatch, alpha: float, foreseen: Foreseen | None) -> Rival:
    why = refusal_of((other, first), mismatch)
    lifts = () if why else lifts_of(first, other, alpha)
    return Rival(other.name, lifts, why, broken(first, other, alpha), foreseen)


def _planned(dealt: Dealt, name: str, before: Before, alpha: float) -> Foreseen | None:
    """By as many leads as came before: those of the first arm and of the other one."""
    first = next(iter(dealt.share))
    both = dealt.share[first] + dealt.share[name]
    leads = round(before.leads * (1 - dealt.holdout) * both)
    return foreseen_of(before.net / max(before.leads, 1), leads, dealt.share[first] / both, alpha)
