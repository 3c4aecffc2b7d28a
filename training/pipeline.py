"""train(): from the past to a published bundle in one straight line."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter

import numpy as np
from matplotlib.figure import Figure

from features import Feature, FeatureMatrix, Past, compute, for_leads
from features.catalogue import refused
from features.instants import HOUR, render
from features.kernel import Float64Array

from .baselines import rivals
from .bundle import Bundle
from .dashboard import calibration_figure, gain_figure
from .dataset import Examples, HandleSeconds, echoes, examples, handle_seconds
from .errors import NotEnoughCalls
from .evaluate import MEASURES, evaluate
from .fit import Choice, Fitted, Lesson, fit
from .gate import CHAMPION, MARGIN, HeadRace, Opponent, Verdict, compare, markdown, measured, metrics_of
from .head import Head
from .heads import heads
from .leaks import Scan, demand_honest, scan
from .rival import Rival
from .splits import Fold, learnable, time_folds
from .tracking import Record, Tracking

FOLDS, JUDGED, GAP = 4, 0.5, HOUR
"""The later half of the calls is judged in four blocks, each by models of what began an hour earlier."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class HeadReport:
    """How one head was trained and how it did on calls it had not seen."""

    label: str
    examples: int
    marked: int
    judged: int
    choice: Choice
    measures: Mapping[str, float]
    """By the keys of `MEASURES`, over the rows that the folds judged."""
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
    run_id: str = ""
    model_version: str = ""

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "bundle": self.bundle.version,
            "at": render(self.bundle.created_at),
            "model_version": self.model_version,
            "alias": self.alias,
            "passed": self.verdict.passed,
            "reason": self.verdict.reason,
            "run_id": self.run_id,
            "features": len(self.bundle.features),
            "fingerprint": self.bundle.fingerprint,
            "handle_s": asdict(self.bundle.handle),
            "heads": {name: asdict(head) for name, head in self.heads.items()},
            "refused": dict(self.refused),
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
    scan: Scan

    @property
    def chance(self) -> Float64Array:
        """Calibrated, of the rows that the folds judged."""
        return self.fitted.chance

    @property
    def label(self) -> Float64Array:
        """The labels of those rows."""
        return np.asarray(self.examples.label[self.fitted.unseen.rows])


def train(
    past: Past,
    at: int,
    *,
    rng: np.random.Generator,
    tracking: Tracking | None = None,
    allowed: Collection[str] = (),
    suspicious: Collection[str] = (),
    threads: int = 2,
    watch: "Stopwatch | None" = None,
) -> TrainingReport:
    """Train every head on the facts known strictly before `at`; publish the bundle if the gate lets it.

    Features that know too much stop it (`SuspiciousFeatures`) unless they are named `suspicious`.
    """
    watch = watch or Stopwatch(lambda _: None)
    taught = [(head, enough(examples(past, head, at), head)) for head in heads()]
    features = for_leads(past.leads, allowed)
    trained: dict[str, Trained] = {}
    for head, found in taught:
        with watch.stage("computing", f"{head.name} head: features"):
            matrix = compute(past, found.moments, features)
        with watch.stage("leaks", f"{head.name} head: leaks"):
            scanned = scan(matrix, found, np.random.default_rng(head.seed), head.ignores)
            demand_honest(scanned, head.name, suspicious)
        with watch.stage("fitting", f"{head.name} head: trees"):
            trained[head.name] = learn(head, found, matrix, scanned, threads, echoes(features, past.leads))
    with watch.stage("gate"):
        champion = tracking.champion() if tracking else None
        verdict = Verdict({name: judge(past, one, champion, rng, threads) for name, one in trained.items()})
    bundle = bundle_of(trained, handle_seconds(past, at), features, at)
    told = {name: report_of(one, verdict.races[name]) for name, one in trained.items()}
    alias = "champion" if verdict.passed else "challenger"
    report = TrainingReport(bundle, told, verdict, alias, watch.seconds, refused(past.leads, allowed))
    if tracking is None:
        return report
    with watch.stage("MLflow"):
        return track(report, trained, tracking)


def enough(found: Examples, head: Head) -> Examples:
    """The examples, or `NotEnoughCalls` with what there is and what it takes."""
    marked = int(found.label.sum())
    scarce = min(marked, len(found) - marked)
    if len(found) < head.least_calls or scarce < head.least_marked:
        raise NotEnoughCalls(
            head=head.name,
            calls=len(found),
            at_least=head.least_calls,
            **{head.of: marked},
            at_least_of_each_kind=head.least_marked,
        )
    return found


def learn(
    head: Head,
    found: Examples,
    matrix: FeatureMatrix,
    scanned: Scan,
    threads: int,
    pointless: tuple[str, ...] = (),
) -> Trained:
    """Fit and calibrate one head, without the features that are pointless here."""
    lesson = Lesson.of(matrix, found, head.ignores + pointless, head.trusts, head.follows)
    folds = learnable(time_folds(found.at, FOLDS, JUDGED, GAP), found.label)
    fitted = fit(lesson, head, folds, threads)
    return Trained(head, found, matrix, folds, fitted, scanned)


def judge(
    past: Past, one: Trained, champion: Bundle | None, rng: np.random.Generator, threads: int
) -> HeadRace:
    """Race every rival and the champion on the calls of the last fold, which the judged models had not seen.

    The champion is asked only about calls that began after its own training.
    """
    if not one.folds:
        return HeadRace()
    last = one.folds[-1]
    chance = one.chance[one.fitted.unseen.fold == len(one.folds) - 1]
    label = one.examples.label[last.test]
    others = rivalling(rivals(), one, last, threads)
    told, found = measured(label, chance, others), compare(one.head.name, label, chance, others, rng)
    if champion is None:
        return HeadRace(found, told)
    new = one.examples.at[last.test] >= champion.created_at
    moments = one.examples.moments.take(last.test[new])
    theirs = champion.predict(compute(past, moments, champion.features), threads)[one.head.name]
    reigning = [Opponent(CHAMPION, theirs)]
    return HeadRace(found + compare(one.head.name, label[new], chance[new], reigning, rng, MARGIN), told)


def rivalling(asked: Sequence[Rival], one: Trained, fold: Fold, threads: int) -> list[Opponent]:
    """What rivals taught the fold's past say of its calls; they see every feature, the ignored ones too."""
    past, after = one.matrix.take(fold.train), one.matrix.take(fold.test)
    label = one.examples.label[fold.train]
    return [Opponent(rival.name, rival.fit(past, label, threads)(after), rival.chances) for rival in asked]


def bundle_of(
    trained: Mapping[str, Trained], handle: HandleSeconds, features: tuple[Feature, ...], at: int
) -> Bundle:
    """All heads as one version."""
    notes = {
        name: f"the chance that {one.head.label}; needs at least {one.head.least_calls} calls, "
        f"{one.head.least_marked} of each kind"
        for name, one in trained.items()
    }
    facts = {f"{name}_examples": len(one.examples) for name, one in trained.items()}
    models = {name: one.fitted.model for name, one in trained.items()}
    return Bundle("", at, features, models, handle, notes, facts).named()


def report_of(one: Trained, race: HeadRace) -> HeadReport:
    """What people want to know of a head."""
    judged = one.chance.size
    measures = evaluate(one.label, one.chance) if judged else {}
    marked = int(one.examples.label.sum())
    return HeadReport(one.head.label, len(one.examples), marked, judged, one.fitted.choice, measures, race)


def track(report: TrainingReport, trained: Mapping[str, Trained], tracking: Tracking) -> TrainingReport:
    """Leave one run in MLflow and register its bundle."""
    run_id = tracking.record(record_of(report, trained), report.bundle)
    tags = {"gate": "passed" if report.verdict.passed else "refused", "reason": report.verdict.reason}
    version = tracking.register(run_id, report.bundle, report.alias, tags)
    return replace(report, run_id=run_id, model_version=version)


def record_of(report: TrainingReport, trained: Mapping[str, Trained]) -> Record:
    """The run: parameters, figures of merit, plots, the list of features and a card for people."""
    parameters: dict[str, object] = {"features": len(report.bundle.features), "folds": FOLDS, "gap hours": 1}
    metrics: dict[str, float] = {}
    figures: dict[str, Figure] = {}
    for name, head in report.heads.items():
        parameters |= {f"{name}/{key}": value for key, value in asdict(head.choice).items()}
        parameters |= {f"{name}/examples": head.examples, f"{name}/marked": head.marked}
        metrics |= {f"{name}/{MEASURES[key].title}": value for key, value in known(head.measures).items()}
        metrics[f"{name}/Best AUC of one feature alone"] = float(trained[name].scan.auc.max())
        metrics |= metrics_of(name, head.race)
        if head.judged:
            one = trained[name]
            figures[f"plots/{name}_calibration.png"] = calibration_figure(name, one.label, one.chance)
            figures[f"plots/{name}_gain.png"] = gain_figure(name, one.label, one.chance)
    features = "\n".join(map(repr, report.bundle.features)) + "\n"
    scans = {f"leaks/{name}.md": one.scan.table() for name, one in trained.items()}
    nearest = {n: head.race.nearest.sentence for n, head in report.heads.items() if head.race.nearest}
    return Record(
        experiment="leadrank training",
        name=report.bundle.version,
        at=report.bundle.created_at,
        parameters=parameters,
        metrics=metrics,
        curves={f"{name}/Log loss by trees": losses(one) for name, one in trained.items()},
        tags={
            "fingerprint": report.bundle.fingerprint,
            "gate": report.verdict.reason[:500],
            **{f"nearest rival of {name}": sentence for name, sentence in nearest.items()},
        },
        note=card(report),
        figures=figures,
        texts={
            "features.txt": features,
            "card.md": card(report),
            "race.md": "\n".join(markdown(name, head.race) for name, head in report.heads.items()),
            **scans,
        },
    )


def losses(one: Trained) -> dict[int, float]:
    """The folds' mean log loss by number of trees, every tenth."""
    return {step: float(value) for step, value in enumerate(one.fitted.losses) if step % 10 == 0}


def known(measures: Mapping[str, float]) -> dict[str, float]:
    """Those that are numbers."""
    return {key: value for key, value in measures.items() if np.isfinite(value)}


def card(report: TrainingReport) -> str:
    """The model card, in Markdown."""
    lines = [
        f"leadrank bundle {report.bundle.version}: {report.alias}.",
        "",
        f"Gate: {report.verdict.reason}.",
        "",
        "| head | the chance that | examples | marked | AUC | log loss | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, head in report.heads.items():
        figures = [head.measures.get(key, float("nan")) for key in ("auc", "log_loss", "ece")]
        shown = " | ".join(f"{figure:.4f}" for figure in figures)
        lines.append(f"| {name} | {head.label} | {head.examples} | {head.marked} | {shown} |")
    handle = report.bundle.handle
    seconds = (
        f"An agent's seconds: {handle.no_answer:.0f} where nobody answers, {handle.contact:.0f} for a "
        f"conversation, {handle.sale:.0f} for a sale (means, shrunk; the same for every lead)."
    )
    judged = "Figures are of later calls than any the judged model had seen."
    not_these = ", ".join(f"{name} ({why})" for name, why in report.refused.items()) or "none"
    attributes = f"Attributes that may not be features: {not_these}."
    return "\n".join([*lines, "", seconds, "", judged, "", attributes, ""])


@dataclass(frozen=True)
class Stopwatch:
    """Tells each stage as it begins and keeps how long it took, all of a name together."""

    say: Say
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, what: str = "") -> Iterator[None]:
        """Time a stage; `what` tells people more of it."""
        self.say(what or name)
        begun = perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + perf_counter() - begun, 3)
