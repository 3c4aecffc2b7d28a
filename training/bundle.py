"""Bundle: all that serving needs of a training, as text: features, models, calibration, seconds per call."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from features import Feature, FeatureMatrix
from features.compute import fingerprint, from_specs, to_specs
from features.instants import DAY, SECOND, parse, render, to_datetime
from features.kernel import Float32Array, Float64Array

from . import margin as margins
from . import scorer as scorers
from .calibration import Calibration, probability
from .dataset import HandleSeconds
from .errors import BrokenBundle, StaleBundle
from .head import Kind
from .margin import Margin
from .objective import OBJECTIVES
from .reference import Json, Reference
from .scorer import Native, Own, scorer_of
from .windows import Timing, a_day_later, margin_from_json, margin_told, untimed

FORMAT = 2


@dataclass(frozen=True)
class Model:
    """One head: trees (LightGBM text, empty for none) that correct a margin, then calibration."""

    trees: str
    margin: Margin
    calibration: Calibration
    objective: Kind = "binary"

    @cached_property
    def scorer(self) -> Own | Native | None:
        """Who reads the trees; None where there are none."""
        return scorer_of(self.trees) if self.trees else None

    @property
    def work(self) -> float:
        """Look-ups per scored row."""
        leaves = [int(count) for count in re.findall(r"^num_leaves=(\d+)", self.trees, re.MULTILINE)]
        told = sum(bool(curve.values.any() or curve.missing) for curve in self.margin.curves)
        return float(told + np.log2(leaves).sum())

    def score(self, values: Float32Array, threads: int) -> Float64Array:
        """Log-odds, or the logarithm of an amount, before calibration."""
        score = self.margin.apply(values)
        return score if self.scorer is None else score + self.scorer.score(values, threads)

    def tell(self, values: Float32Array, threads: int) -> Float64Array:
        """The calibrated probability or amount of each row."""
        return self.honest(self.score(values, threads))

    def honest(self, score: Float64Array) -> Float64Array:
        """The calibrated probability or amount of each score."""
        return OBJECTIVES[self.objective].scale(self.calibration.line(score))

    def explain(self, values: Float32Array, threads: int) -> tuple[float, Float64Array]:
        """Base and what each feature adds: they sum to `score` (trees by their exact Shapley values)."""
        shares = self.margin.shares(values)
        if self.scorer is None or not values.shape[0]:
            return self.margin.base, shares
        base, told = self.scorer.shares(values, threads)
        return self.margin.base + base, shares + told


@dataclass(frozen=True)
class Scores:
    """What a bundle says of each row: an honest probability or amount per head, and what follows."""

    by_head: Mapping[str, Float64Array]
    handle_s: Float64Array
    """Seconds of an agent that the attempt is expected to take."""
    sale_value: Float64Array
    """What a sale is expected to bring."""

    def __getitem__(self, head: str) -> Float64Array:
        return self.by_head[head]

    @property
    def answer(self) -> Float64Array:
        """A human picks up."""
        return self.by_head["answer"]

    @property
    def conversion(self) -> Float64Array:
        """It sells, given that a human picked up."""
        return self.by_head["conversion"]


@dataclass(frozen=True)
class Bundle:
    """A version of the models and everything they need; equal bytes on disk, equal answers."""

    version: str
    created_at: int
    """The training knew the facts known strictly before this instant."""
    features: tuple[Feature, ...]
    models: Mapping[str, Model]
    handle: HandleSeconds
    deal: float = 1.0
    """What a sale brings on average: told of leads of unknown worth while no head says more."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """For people: what each head means, and the least calls it needs."""
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    """How it was trained."""
    reference: Reference | None = None
    """What its training saw, to compare a later day with; None where nothing was learned."""
    timing: Timing = field(default_factory=untimed)
    """At which hours of their weeks leads answer."""

    @cached_property
    def fingerprint(self) -> str:
        """The definitions of the features it was trained on."""
        return fingerprint(self.features)

    @property
    def degraded(self) -> str:
        """Why it is less than heads that passed the gate; empty where it is not."""
        return str(self.facts.get("degraded", ""))

    @property
    def work(self) -> float:
        """Look-ups per scored row: one per curve that says something, and each tree's depth were it even."""
        return sum(model.work for model in self.models.values())

    def predict(self, matrix: FeatureMatrix, threads: int = 2) -> Scores:
        """Every head's figure for each row; `StaleBundle` for a matrix of other features.

        A head that isn't in the bundle leaves what it would have told to the means.
        """
        self._check(matrix)
        told = {name: model.tell(matrix.values, threads) for name, model in self.models.items()}
        seconds = self.handle.expected(told["answer"], told["conversion"], told.get("handle_time", 1.0))
        return Scores(told, seconds, told["value"] if "value" in told else self._said(matrix))

    def _said(self, matrix: FeatureMatrix) -> Float64Array:
        """What leads are said to be worth, the mean deal where nobody says."""
        if "lead_value" not in matrix.names:
            return np.full(len(matrix), self.deal)
        said = matrix.values[:, matrix.names.index("lead_value")].astype(np.float64)
        return np.where(np.isnan(said), self.deal, said)

    def fading(self, matrix: FeatureMatrix, threads: int = 2) -> Float64Array:
        """How fast each lead's worth fades in the coming day, per second; 0 where no head tells."""
        self._check(matrix)
        if "decay" not in self.models:
            return np.zeros(len(matrix))
        tell = self.models["decay"].tell
        now, then = (np.maximum(tell(of, threads), 1e-12) for of in (matrix.values, a_day_later(matrix)))
        return np.asarray(np.maximum(np.log(now / then), 0.0) / (DAY / SECOND))

    def explain(self, matrix: FeatureMatrix, head: str, threads: int = 2) -> tuple[float, Float64Array]:
        """Base and contributions (rows, features): their sum is the score before calibration."""
        self._check(matrix)
        return self.models[head].explain(matrix.values, threads)

    def chance_before_calibration(self, matrix: FeatureMatrix, head: str, threads: int = 2) -> Float64Array:
        """The head's probability before calibration: what `explain` sums to."""
        self._check(matrix)
        return probability(self.models[head].score(matrix.values, threads))

    def named(self) -> "Bundle":
        """The same with its version: the instant, and a digest of what it says."""
        digest = hashlib.sha256(_text(replace(self, version="")).encode())
        for name in sorted(self.models):
            digest.update(self.models[name].trees.encode())
        stamp = to_datetime(self.created_at).strftime("%Y%m%dT%H%M%SZ")
        return replace(self, version=f"{stamp}-{digest.hexdigest()[:8]}")

    def save(self, folder: Path) -> None:
        """Write `bundle.json` and one `<head>.lgb.txt` per head with trees."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, model in self.models.items():
            if model.trees:
                (folder / f"{name}.lgb.txt").write_text(model.trees, encoding="utf-8")
        (folder / "bundle.json").write_text(_text(self), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read what `save` wrote; `BrokenBundle` if it isn't there whole."""
        try:
            told = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
            found = _bundle(told, folder)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise BrokenBundle(folder=folder, problem=problem) from problem
        if found.fingerprint != told["fingerprint"]:
            raise BrokenBundle(folder=folder, problem="its features mean something else in this release")
        return found

    def _check(self, matrix: FeatureMatrix) -> None:
        if matrix.features is not self.features and matrix.fingerprint != self.fingerprint:
            raise StaleBundle(trained_on=self.fingerprint, computed=matrix.fingerprint)


def warm_up() -> None:
    """Compile every loop that a bundle scores by, or load it from numba's cache."""
    margins.warm_up()
    scorers.warm_up()


def _text(bundle: Bundle) -> str:
    told = {
        "format": FORMAT,
        "version": bundle.version,
        "created_at": render(bundle.created_at),
        "fingerprint": bundle.fingerprint,
        "handle_s": asdict(bundle.handle),
        "deal": bundle.deal,
        "notes": dict(bundle.notes),
        "facts": dict(bundle.facts),
        "reference": bundle.reference.as_json() if bundle.reference else None,
        "timing": bundle.timing.as_json(),
        "features": to_specs(bundle.features),
        "heads": {name: _told(model) for name, model in bundle.models.items()},
    }
    return json.dumps(told, indent=1, sort_keys=True, allow_nan=False)


def _told(model: Model) -> dict[str, object]:
    return {
        "objective": model.objective,
        "trees": bool(model.trees),
        **margin_told(model.margin),
        "calibration": {
            "score": model.calibration.score.tolist(),
            "honest": model.calibration.honest.tolist(),
        },
    }


def _bundle(told: dict[str, Json], folder: Path) -> Bundle:
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']}, this release reads {FORMAT}")
    return Bundle(
        version=told["version"],
        created_at=parse(told["created_at"]),
        features=from_specs(told["features"]),
        models={name: _model(head, folder / f"{name}.lgb.txt") for name, head in told["heads"].items()},
        handle=HandleSeconds(**told["handle_s"]),
        deal=told["deal"],
        notes=told["notes"],
        facts=told["facts"],
        reference=Reference.from_json(told["reference"]) if told.get("reference") else None,
        timing=Timing.from_json(told["timing"]) if "timing" in told else untimed(),
    )


def _model(told: dict[str, Json], trees: Path) -> Model:
    return Model(
        trees.read_text(encoding="utf-8") if told["trees"] else "",
        margin_from_json(told),
        Calibration(np.array(told["calibration"]["score"]), np.array(told["calibration"]["honest"])),
        told["objective"],
    )
