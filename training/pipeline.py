"""train(): from the past to a published bundle in one straight line."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from features import Feature, FeatureMatrix, Past, compute, for_leads
from features.catalogue import refused
from features.instants import HOUR

from .baselines import rivals
from .bundle import Bundle, Model
from .dataset import Examples, HandleSeconds, echoes, examples, handle_seconds
from .errors import NotEnoughCalls
from .fit import fit
from .gate import CHAMPION, MARGIN, HeadRace, Opponent, Verdict, compare, measured
from .head import Head
from .heads import heads
from .honesty import judged
from .journal import track
from .leaks import Scan, demand_honest, scan
from .lesson import Lesson
from .reference import Reference
from .report import Trained, TrainingReport, reference_of, report_of
from .rival import Rival
from .segments import LEAST_CALLS, segment_model
from .splits import Fold, learnable, time_folds
from .stand_in import stand_in
from .tracking import Tracking

FOLDS, JUDGED, GAP = 4, 0.5, HOUR
"""The later half of the calls is judged in four blocks, each by models of what began an hour earlier."""

Say = Callable[[str], None]


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

    Features that know too much stop it (`SuspiciousFeatures`) unless they are named `suspicious`. A head with
    too few examples answers by shrunken segment rates, and the bundle says that it is `degraded`.
    """
    watch = watch or Stopwatch(lambda _: None)
    taught = [(head, examples(past, head, at)) for head in heads()]
    scarce = scarcity(taught)
    features = for_leads(past.leads, allowed)
    trained: dict[str, Trained] = {}
    spare: dict[str, Model] = {}
    for head, found in taught:
        with watch.stage("computing", f"{head.name} head: features"):
            matrix = compute(past, found.moments, features)
        if head.name in scarce:
            spare[head.name] = segment_model(matrix, found.label, head)
            continue
        with watch.stage("leaks", f"{head.name} head: leaks"):
            scanned = scan(matrix, found, np.random.default_rng(head.seed), head.ignores)
            demand_honest(scanned, head.name, suspicious)
        with watch.stage("fitting", f"{head.name} head: trees"):
            trained[head.name] = learn(head, found, matrix, scanned, threads, echoes(features, past.leads))
    with watch.stage("gate"):
        champion = tracking.champion() if tracking else None
        races = {name: judge(past, one, champion, rng, threads) for name, one in trained.items()}
        seen = reference_of(trained, past.leads.coded["channel"].levels)
        bundle = bundle_of(trained, spare, handle_seconds(past, at), features, at, scarce, seen)
        verdict = verdict_on(bundle, champion, races)
        kept = verdict.passed or not (champion is None or champion.degraded)
        instead = None if kept else stand_in(bundle, trained, verdict, threads)
    told = {name: report_of(one, verdict.races[name]) for name, one in trained.items()}
    not_these = refused(past.leads, allowed)
    report = TrainingReport(bundle, told, verdict, verdict.alias, watch.seconds, not_these, instead)
    if tracking is None:
        return report
    with watch.stage("MLflow"):
        return track(report, trained, tracking)


def scarcity(taught: Sequence[tuple[Head, Examples]]) -> dict[str, str]:
    """The heads that can't be taught, with what there is and what it takes.

    `NotEnoughCalls` where the calls don't suffice for rates of segments either.
    """
    calls = max(len(found) for _, found in taught)
    if calls < LEAST_CALLS:
        raise NotEnoughCalls(calls=calls, at_least=LEAST_CALLS)
    return {head.name: lack for head, found in taught if (lack := lacking(found, head))}


def lacking(found: Examples, head: Head) -> str:
    """What a head lacks, for people; empty where it lacks nothing."""
    marked = int(found.label.sum())
    if len(found) >= head.least_calls and head.least_marked <= marked <= len(found) - head.least_marked:
        return ""
    return (
        f"{len(found)} examples, {marked} {head.of}, where {head.least_calls} and "
        f"{head.least_marked} of each kind are needed"
    )


def verdict_on(bundle: Bundle, champion: Bundle | None, races: Mapping[str, HeadRace]) -> Verdict:
    """The gate's word: whoever reigns in its own right is followed by its like alone, and no dearer one."""
    if champion is None or champion.degraded:
        return Verdict(races)
    veto = f"{bundle.degraded}: the champion stays" if bundle.degraded else ""
    return Verdict(races, (bundle.work, champion.work), veto)


def learn(
    head: Head,
    found: Examples,
    matrix: FeatureMatrix,
    scanned: Scan,
    threads: int,
    pointless: tuple[str, ...] = (),
) -> Trained:
    """Fit and calibrate one head, without the features that are pointless here."""
    lesson = Lesson.for_head(head, matrix, found, pointless)
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
    honesty = judged(one.head.name, one.label, one.chance, one.matrix.take(one.fitted.unseen.rows))
    if champion is None:
        return HeadRace(found, told, honesty)
    new = one.examples.at[last.test] >= champion.created_at
    moments = one.examples.moments.take(last.test[new])
    theirs = champion.predict(compute(past, moments, champion.features), threads)[one.head.name]
    reigning = [Opponent(CHAMPION, theirs)]
    against = compare(one.head.name, label[new], chance[new], reigning, rng, MARGIN)
    return HeadRace(found + against, told, honesty)


def rivalling(asked: Sequence[Rival], one: Trained, fold: Fold, threads: int) -> list[Opponent]:
    """What rivals taught the fold's past say of its calls; they see every feature, the ignored ones too."""
    past, after = one.matrix.take(fold.train), one.matrix.take(fold.test)
    label = one.examples.label[fold.train]
    return [Opponent(rival.name, rival.fit(past, label, threads)(after), rival.chances) for rival in asked]


def bundle_of(
    trained: Mapping[str, Trained],
    spare: Mapping[str, Model],
    handle: HandleSeconds,
    features: tuple[Feature, ...],
    at: int,
    scarce: Mapping[str, str],
    reference: Reference | None,
) -> Bundle:
    """All heads as one version; `spare` ones stand in for those that could not be taught."""
    notes = {
        head.name: f"the chance that {head.label}; needs at least {head.least_calls} calls, "
        f"{head.least_marked} of each kind"
        for head in heads()
    }
    facts: dict[str, float | int | str] = {
        f"{name}_examples": len(one.examples) for name, one in trained.items()
    }
    if scarce:
        lacks = "; ".join(f"{name} has {lack}" for name, lack in scarce.items())
        facts["degraded"] = f"too few calls to learn from, so rates of segments serve: {lacks}"
    models = {name: one.fitted.model for name, one in trained.items()} | dict(spare)
    return Bundle("", at, features, models, handle, notes, facts, reference).named()


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
