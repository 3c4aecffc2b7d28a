"""Report: what a training made of each head, how it did, and what became of the bundle."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from features import FeatureMatrix
from features.instants import render
from features.kernel import Float64Array, Int64Array
from features.leads import Coded

from .amounts import evaluate_amounts
from .bundle import Bundle
from .dataset import Examples
from .evaluate import evaluate
from .fit import Choice, Fitted
from .gate import HeadRace, Verdict
from .head import Head, Kind
from .leaks import Scan
from .reference import RECENT, Reference, said_of, shares_of
from .splits import Fold


@dataclass(frozen=True)
class HeadReport:
    """How one head was trained and how it did on calls it had not seen."""

    label: str
    kind: Kind
    examples: int
    marked: int
    """How many bear the mark; of amounts all."""
    judged: int
    choice: Choice
    measures: Mapping[str, float]
    """By the keys of `MEASURES` or `AMOUNT_MEASURES`, over the rows that the folds judged."""
    race: HeadRace


@dataclass(frozen=True)
class TrainingReport:
    """What a training made and what became of it; `model_version` and `run_id` are empty without tracking."""

    bundle: Bundle
    heads: Mapping[str, HeadReport]
    verdict: Verdict
    alias: str
    """`champion` if the gate let it pass, else `challenger`."""
    seconds: Mapping[str, float]
    """How long each stage took: reading where the caller timed it, computing, leaks, fitting, gate ..."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the leads that may not be features, each with the reason."""
    stand_in: Bundle | None = None
    """What becomes champion in the refused bundle's place where no other reigns."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Heads that the bundle does without, each with the reason: means stand in for them."""
    run_id: str = ""
    model_version: str = ""

    @property
    def degraded(self) -> str:
        """Why what this training made champion is less than it should be; empty where nothing is wrong."""
        made = self.stand_in or (self.bundle if self.verdict.passed else None)
        return made.degraded if made else ""

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "bundle": self.bundle.version,
            "at": render(self.bundle.created_at),
            "model_version": self.model_version,
            "alias": self.alias,
            "passed": self.verdict.passed,
            "reason": self.verdict.reason,
            "degraded": self.degraded,
            "run_id": self.run_id,
            "features": len(self.bundle.features),
            "fingerprint": self.bundle.fingerprint,
            "handle_s": asdict(self.bundle.handle),
            "heads": {name: asdict(head) for name, head in self.heads.items()},
            "refused": dict(self.refused),
            "left_out": dict(self.left_out),
            "windows": self.bundle.timing.sentence,
            "seconds": dict(self.seconds),
        }


@dataclass(frozen=True)
class Trained:
    """One head's way through the line."""

    head: Head
    examples: Examples
    matrix: FeatureMatrix
    folds: tuple[Fold, ...]
    fitted: Fitted
    scan: Scan | None = None

    @property
    def chance(self) -> Float64Array:
        """Calibrated probabilities or amounts of the rows that the folds judged."""
        return self.fitted.chance

    def marked(self, rows: Int64Array | slice = slice(None)) -> int:
        """How many of the examples bear the mark; of amounts all."""
        label = self.examples.label[rows]
        return int(label.size if self.head.objective == "amount" else label.sum())

    @property
    def label(self) -> Float64Array:
        """The labels of those rows."""
        return np.asarray(self.examples.label[self.fitted.unseen.rows])


def reference_of(trained: Mapping[str, Trained], channel: Coded) -> Reference | None:
    """How attempts looked lately, no agent chosen; what heads said of calls that they had not seen.

    `channel` is that of every lead there is: those of leads that no attempt taught of stay unknown.
    """
    asked = next((one for one in trained.values() if one.head.per == "calls" and len(one.examples)), None)
    if asked is None:
        return None
    rows = np.flatnonzero(asked.examples.at >= asked.examples.at[-1] - RECENT)
    at, values = asked.examples.at[rows], asked.matrix.values[rows]
    columns = tuple(
        shares_of(values[:, place], at, feature.categorical)
        for place, feature in enumerate(asked.matrix.features)
    )
    chances = {name: one for name, one in trained.items() if one.head.objective == "binary"}
    judged = {name: one for name, one in chances.items() if one.chance.size}
    heads = {
        name: said_of(one.label, one.chance, one.examples.at[one.fitted.unseen.rows])
        for name, one in judged.items()
    }
    taught = set(channel.codes[asked.examples.moments.lead].tolist())
    channels = tuple(word for code, word in enumerate(channel.levels) if code in taught)
    return Reference(rows.size, columns, heads, channels)


def report_of(one: Trained, race: HeadRace) -> HeadReport:
    """What people want to know of a head."""
    judged = one.chance.size
    kind, examples = one.head.objective, len(one.examples)
    measure = evaluate_amounts if kind == "amount" else evaluate
    measures = measure(one.label, one.chance) if judged else {}
    return HeadReport(one.head.label, kind, examples, one.marked(), judged, one.fitted.choice, measures, race)
