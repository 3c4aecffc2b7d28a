"""Pooled: what policies brought in many worlds, as shares of the way to the oracle, with paired intervals."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from features.kernel import Float64Array

RIVALS = ("random", "newest", "static_score", "fewest_attempts", "feature_index", "oracle")
OURS = "leadrank"
TIMED = "leadrank-waiting"
"""The same with a campaign's `timing` on."""
DRAWS = 4_000
SCORED = 28
"""Days of a world that are scored, unless somebody wants less: those are kept apart."""
Worlds = Mapping[tuple[str, int], Mapping[str, float]]
"""By (family, seed): value per paid agent-hour of every policy."""


@dataclass(frozen=True)
class Played:
    """One policy in one world."""

    family: str
    seed: int
    policy: str
    per_hour: float
    """Confirmed value per paid agent-hour of its own."""
    broken: int = 0
    """Calls against a rule, leads leased twice and degraded polls; only ours has any to count."""
    scored: int = SCORED
    """Days."""

    @classmethod
    def read(cls, file: Path) -> "Played":
        """What `closed_loop` wrote."""
        told = json.loads(file.read_text())
        days = told["days"]
        broken = sum(told.get(name, 0) for name in _BROKEN)
        per_hour = sum(days["value"]) / sum(days["hours"])
        scored = told.get("scored", SCORED)
        return cls(told["family"], told["seed"], told["policy"], per_hour, broken, scored)


_KEPT = "family", "seed", "policy", "per_hour", "broken"
_BROKEN = "violations", "leased_twice", "degraded_polls"


@dataclass(frozen=True)
class Estimate:
    """A mean over worlds and its 95 % interval: bootstrap of worlds within families, policies paired."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """For people."""
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


def read_played(folder: Path, scored: int = SCORED) -> list[Played]:
    """What was played into a folder, of so many days."""
    found = [Played.read(file) for file in sorted(folder.glob("*.json"))]
    return [one for one in found if one.scored == scored]


def read_kept(file: Path) -> list[Played]:
    """What was kept in a table."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [
            Played(one["family"], int(one["seed"]), one["policy"], float(one["per_hour"]), int(one["broken"]))
            for one in csv.DictReader(lines)
        ]


def keep(file: Path, played: Sequence[Played]) -> None:
    """Write such a table: one row for each policy in each whole world, the last one told of several."""
    rows = {(one.family, one.seed, one.policy): one for one in played if one.scored == SCORED}
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, _KEPT, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(rows[name]) for name in sorted(rows))


def worlds_of(played: Sequence[Played]) -> Worlds:
    """The worlds that every policy has played."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    for one in played:
        found.setdefault((one.family, one.seed), {})[one.policy] = one.per_hour
    return {world: by for world, by in found.items() if {*RIVALS, OURS} <= by.keys()}


def gap_closed(worlds: Worlds, policy: str) -> Float64Array:
    """(J - J_random) / (J_oracle - J_random) of a policy in each world."""
    return np.array(
        [(by[policy] - by["random"]) / (by["oracle"] - by["random"]) for by in worlds.values()], np.float64
    )


def lift(worlds: Worlds, rival: str) -> Float64Array:
    """By how much of a rival's value per agent-hour ours is higher, in each world."""
    return np.array([by[OURS] / by[rival] - 1 for by in worlds.values()], np.float64)


def estimate(figures: Float64Array, families: Sequence[str], rng: Generator) -> Estimate:
    """The mean of a figure of each world; families weigh as they are there."""
    groups = [np.flatnonzero(np.array(families) == name) for name in dict.fromkeys(families)]
    drawn = np.concatenate(
        [group[rng.integers(0, group.size, (DRAWS, group.size))] for group in groups], axis=1
    )
    low, high = np.quantile(figures[drawn].mean(axis=1), [0.025, 0.975])
    return Estimate(float(figures.mean()), float(low), float(high))


def table(worlds: Worlds, rng: Generator) -> str:
    """Markdown: G of every policy by family and over all worlds, and ours against the two old orders."""
    if not worlds:
        return "no world has been played by every policy"
    families = [name for name, _ in worlds]
    policies = (*RIVALS[1:-1], OURS)
    lines = [f"| worlds | {' | '.join(policies)} |", "|---" * (len(policies) + 1) + "|"]
    shares = {policy: gap_closed(worlds, policy) for policy in policies}
    for name in dict.fromkeys(families):
        mine = np.array(families) == name
        means = [f"{shares[policy][mine].mean():.3f}" for policy in policies]
        lines.append(f"| {name}, {mine.sum()} seeds | {' | '.join(means)} |")
    means = [f"{shares[policy].mean():.3f}" for policy in policies]
    lines += [f"| all | {' | '.join(means)} |", ""]
    lines.append(f"G of ours: {estimate(shares[OURS], families, rng)}")
    for rival in ("static_score", "newest"):
        lines.append(f"value per agent-hour over {rival}: {estimate(lift(worlds, rival), families, rng)}")
    return "\n".join(lines)
