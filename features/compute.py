"""compute(past, moments, features): the one way to features, in training and in serving."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from .calls import COLUMNS, CallLog, Moments
from .catalogue import for_leads
from .instants import MINUTE, NEVER
from .kernel import Float32Array, Int64Array, plain
from .leads import FIELDS, AttributeHistory, Coded, LeadTable
from .past import Feature, Past
from .statistics import kinds
from .sweep import ActorSweep, sweeps_of


@dataclass(frozen=True)
class FeatureMatrix:
    """What was known at each moment: float32 values of shape (moments, features), NaN where nothing was."""

    features: tuple[Feature, ...]
    values: Float32Array

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [feature.name for feature in self.features]

    @property
    def fingerprint(self) -> str:
        """Names what the columns mean: equal fingerprints, equal definitions."""
        return fingerprint(self.features)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def take(self, rows: Int64Array) -> "FeatureMatrix":
        """The matrix of some rows, in the order given."""
        return FeatureMatrix(self.features, self.values[rows])


def compute(past: Past, moments: Moments, features: Sequence[Feature], threads: int = 1) -> FeatureMatrix:
    """Answer every feature at every moment from the facts known strictly before it.

    Features of one actor are read in one sweep over its tape; `threads` sweeps run side by side.
    """
    values = np.empty((len(moments), len(features)), np.float32)
    asked = Moments(plain(moments.lead), plain(moments.agent), plain(moments.at))
    sweeps = [partial(one, past, asked, values) for one in sweeps_of(features)]
    if threads == 1:
        for sweep in sweeps:
            sweep()
    else:
        follow_all(past, features)
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(sweep) for sweep in sweeps]:
                done.result()
    return FeatureMatrix(tuple(features), values)


def follow_all(past: Past, features: Sequence[Feature]) -> None:
    """Bring all that several threads would share up to the past."""
    if len(past.facts) and past.tapes is not None:
        for sweep in sweeps_of(features):
            if isinstance(sweep, ActorSweep):
                sweep.follow(past)


def warm_up() -> None:
    """Compile every loop, or load it from numba's cache: ask the whole catalogue about a lead."""
    nobody, nothing = np.zeros(1, np.int64), np.full(1, -1)
    leads = LeadTable(
        ("nobody",),
        nobody,
        np.zeros(1),
        {name: Coded((), nothing) for name in FIELDS},
        {"nothing": AttributeHistory.of(1, [0], [0], [0.0])},
    )
    features, twice = for_leads(leads), np.zeros(2, np.int64)
    before = Past(_calls(1), leads, tapes={})
    compute(before, Moments(twice, twice - 1, np.array([9, 1])), features)
    after = Past(_calls(2), leads, tapes=before.tapes)
    compute(after, Moments.at_once(np.zeros(300, np.int64), 9), features)


def _calls(count: int) -> CallLog:
    """Calls of one agent to one lead that nobody took, each told two minutes late."""
    row, at = np.zeros(count, np.int64), np.arange(count)
    log = CallLog(**{name: np.zeros(count, kind) for name, kind in COLUMNS.items()})
    return replace(log, lead=row, agent=row, ended_at=at, known_at=at + 2 * MINUTE, disposed_at=row + NEVER)


def fingerprint(features: Sequence[Feature]) -> str:
    """SHA-256 over the features' `repr`: a changed window, prior or level changes it."""
    return hashlib.sha256("\n".join(map(repr, features)).encode()).hexdigest()


def to_specs(features: Sequence[Feature]) -> list[dict[str, object]]:
    """The features as plain JSON values; `from_specs` reads them back equal."""
    return [{"kind": type(feature).__name__, **asdict(feature)} for feature in features]  # type: ignore[call-overload]


def from_specs(specs: Sequence[dict[str, object]]) -> tuple[Feature, ...]:
    """The features that `to_specs` wrote; lists become tuples again."""
    known = kinds()
    return tuple(
        known[str(spec["kind"])](
            **{k: tuple(v) if isinstance(v, list) else v for k, v in spec.items() if k != "kind"}
        )
        for spec in specs
    )
