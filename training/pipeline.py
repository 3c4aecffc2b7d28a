"""train(): from the past to a published bundle in one straight line."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from features import Feature, FeatureMatrix, Past, compute, for_leads
from features.catalogue import refused
from features.handed import Handed
from features.instants import HOUR

from .amounts import the_mean
from .baselines import rivals
from .bundle import Bundle, Model
from .dataset import Examples, echoes, examples, handle_seconds, mean_deal
from .errors import NotEnoughCalls
from .fit import fit
from .gate import (
    CHAMPION,
    MARGIN,
    HeadRace,
    Opponent,
    Verdict,
    compare,
    compare_amounts,
    measured,
    measured_amounts,
)
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
from .timing import learn_timing
from .tracking import Tracking
from .trial import Trial
from .windows import Timing, untimed

FOLDS, JUDGED, GAP = 4, 0.5, HOUR
"""The later half of the calls is judged in four blocks, each by models of what began an hour earlier."""

SETTINGS = " settings"
"""Behind a head's name in a bundle's facts: what a search found for it."""

Say = Callable[[str], None]
Tune = Callable[[Head, Lesson, Sequence[Fold]], tuple[Head, tuple[Trial, ...]]]
"""A head with better settings for its lesson, judged on the folds, and what was tried."""


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
    tune: Tune | None = None,
    handed: Handed | None = None,
) -> TrainingReport:
    """Train every head on the facts known strictly before `at`; publish the bundle if the gate lets it.

    Features that know too much stop it (`SuspiciousFeatures`) unless they are named `suspicious`. A head with
    too few examples answers by shrunken segment rates, and the bundle says that it is `degraded`. Heads begin
    with the settings that the champion's search found, if there was one, and keep them unless they are tuned.
    """
    watch = watch or Stopwatch(lambda _: None)
    champion = tracking.champion() if tracking else None
    report, trained = prepare(
        past,
        at,
        rng=rng,
        champion=champion,
        allowed=allowed,
        suspicious=suspicious,
        threads=threads,
        watch=watch,
        tune=tune,
        handed=handed,
    )
    if tracking is None:
        return report
    with watch.stage("MLflow"):
        return track(report, trained, tracking)


def prepare(
    past: Past,
    at: int,
    *,
    rng: np.random.Generator,
    champion: Bundle | None,
    watch: "Stopwatch",
    allowed: Collection[str] = (),
    suspicious: Collection[str] = (),
    threads: int = 2,
    tune: Tune | None = None,
    handed: Handed | None = None,
) -> tuple[TrainingReport, dict[str, Trained]]:
    """A training but for its publishing: the report with bundle and verdict, and each head trained."""
    taught = [(tuned(head, champion), examples(past, head, at, handed)) for head in heads()]
    scarce, left_out = scarcity(taught)
    features = for_leads(past.leads, allowed)
    kept = [(head, found) for head, found in taught if head.name not in left_out]
    trained, spare = teach(past, kept, scarce, features, suspicious, threads, watch, tune)
    with watch.stage("windows", "windows of a lead's week"):
        timing = timing_of(trained)
    with watch.stage("gate"):
        races = {name: judge(past, one, champion, rng, threads) for name, one in trained.items()}
        left_out |= {name: lost for name, one in trained.items() if (lost := spared(one, races[name]))}
        trained = {name: one for name, one in trained.items() if name not in left_out}
        races = {name: races[name] for name in trained}
        seen = reference_of(trained, past.leads.coded["channel"])
        bundle = bundle_of(trained, spare, past, features, at, scarce, seen, timing)
        verdict = verdict_on(bundle, champion, races)
        stays = verdict.passed or not (champion is None or champion.degraded)
        instead = None if stays else stand_in(bundle, trained, verdict, threads)
    told = {name: report_of(one, verdict.races[name]) for name, one in trained.items()}
    not_these = refused(past.leads, allowed)
    report = TrainingReport(bundle, told, verdict, verdict.alias, watch.seconds, not_these, instead, left_out)
    return report, trained


def teach(
    past: Past,
    taught: Sequence[tuple[Head, Examples]],
    scarce: Mapping[str, str],
    features: tuple[Feature, ...],
    suspicious: Collection[str],
    threads: int,
    watch: "Stopwatch",
    tune: Tune | None,
) -> tuple[dict[str, Trained], dict[str, Model]]:
    """Fit every head; rates of segments for those of which there is too little."""
    trained: dict[str, Trained] = {}
    spare: dict[str, Model] = {}
    for head, found in taught:
        with watch.stage("computing", f"{head.name} head: features"):
            matrix = compute(past, found.moments, features)
        if head.name in scarce:
            spare[head.name] = segment_model(matrix, found.label, head)
            continue
        with watch.stage("leaks", f"{head.name} head: leaks"):
            scanned = honest(matrix, found, head, suspicious) if head.needed else None
        with watch.stage("fitting", f"{head.name} head: trees"):
            pointless = echoes(features, past.leads)
            trained[head.name] = learn(head, found, matrix, scanned, threads, pointless, tune)
    return trained, spare


def timing_of(trained: Mapping[str, Trained]) -> Timing:
    """What the answer head's calls tell of hours; nothing where that head couldn't be taught."""
    if "answer" not in trained:
        return untimed()
    one = trained["answer"]
    return learn_timing(one.matrix, one.examples, one.head, one.fitted.choice.strength)


def scarcity(taught: Sequence[tuple[Head, Examples]]) -> tuple[dict[str, str], dict[str, str]]:
    """The heads that can't be taught, with what there is and what it takes: the needed ones, and the others.

    `NotEnoughCalls` where the calls don't suffice for rates of segments either.
    """
    calls = max(len(found) for _, found in taught)
    if calls < LEAST_CALLS:
        raise NotEnoughCalls(calls=calls, at_least=LEAST_CALLS)
    lacks = [(head, lack) for head, found in taught if (lack := lacking(found, head))]
    return (
        {head.name: lack for head, lack in lacks if head.needed},
        {head.name: lack for head, lack in lacks if not head.needed},
    )


def lacking(found: Examples, head: Head) -> str:
    """What a head lacks, for people; empty where it lacks nothing."""
    if head.objective == "amount":
        few = len(found) < head.least_calls
        return f"{len(found)} examples, where {head.least_calls} are needed" if few else ""
    marked = int(found.label.sum())
    if len(found) >= head.least_calls and head.least_marked <= marked <= len(found) - head.least_marked:
        return ""
    return (
        f"{len(found)} examples, {marked} {head.of}, where {head.least_calls} and "
        f"{head.least_marked} of each kind are needed"
    )


def spared(one: Trained, race: HeadRace) -> str:
    """Why a bundle does without a head that lost its race, if it can; else nothing.

    An amount must come out ahead of the mean: what is no better is only dearer.
    """
    if one.head.needed:
        return ""
    lost = [found.sentence for found in race.lost] + [found.sentence for found in race.broken]
    behind = one.head.objective == "amount" and race.nearest is not None and race.nearest.ahead <= 0
    return "; ".join(lost) or (f"no better: {race.nearest.sentence}" if behind and race.nearest else "")


def honest(matrix: FeatureMatrix, found: Examples, head: Head, suspicious: Collection[str]) -> Scan:
    """The scan of a head's features, `SuspiciousFeatures` if one knows too much."""
    scanned = scan(matrix, found, np.random.default_rng(head.seed), head.ignores)
    demand_honest(scanned, head.name, suspicious)
    return scanned


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
    scanned: Scan | None,
    threads: int,
    pointless: tuple[str, ...] = (),
    tune: Tune | None = None,
) -> Trained:
    """Tune, fit and calibrate one head, without the features that are pointless here."""
    lesson = Lesson.for_head(head, matrix, found, pointless)
    folds = learnable(time_folds(found.at, FOLDS, JUDGED, GAP), found.label)
    best, trials = (head, ()) if tune is None else tune(head, lesson, folds)
    fitted = fit(lesson, best, folds, threads)
    return Trained(best, found, matrix, folds, replace(fitted, trials=trials + fitted.trials), scanned)


def tuned(head: Head, champion: Bundle | None) -> Head:
    """The head with the settings of the champion's search."""
    told = "{}" if champion is None else str(champion.facts.get(f"{head.name}{SETTINGS}", "{}"))
    return head.tuned(json.loads(told))


def learned(by: Mapping[str, Head]) -> dict[str, str]:
    """The settings of each head that a search changed, as facts of its bundle."""
    untouched = {head.name: head.settings for head in heads()}
    return {
        f"{name}{SETTINGS}": json.dumps(head.settings)
        for name, head in by.items()
        if head.settings != untouched[name]
    }


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
    amounts = one.head.objective == "amount"
    contest, measure = (compare_amounts, measured_amounts) if amounts else (compare, measured)
    others = rivalling((the_mean(one.head.anchor),) if amounts else rivals(), one, last, threads)
    told, found = measure(label, chance, others), contest(one.head.name, label, chance, others, rng)
    seen = one.matrix.take(one.fitted.unseen.rows)
    honesty = () if amounts else judged(one.head.name, one.label, one.chance, seen)
    if champion is None or one.head.name not in champion.models:
        return HeadRace(found, told, honesty)
    new = one.examples.at[last.test] >= champion.created_at
    moments = one.examples.moments.take(last.test[new])
    theirs = champion.predict(compute(past, moments, champion.features), threads)[one.head.name]
    reigning = [Opponent(CHAMPION, theirs)]
    against = contest(one.head.name, label[new], chance[new], reigning, rng, MARGIN)
    return HeadRace(found + against, told, honesty)


def rivalling(asked: Sequence[Rival], one: Trained, fold: Fold, threads: int) -> list[Opponent]:
    """What rivals taught the fold's past say of its calls.

    They see every feature, the ignored ones too, but none that a head doesn't ask by its very meaning.
    """
    places = [place for place, name in enumerate(one.matrix.names) if name.startswith(one.head.asks or "")]
    features = tuple(one.matrix.features[place] for place in places)
    seen = FeatureMatrix(features, one.matrix.values[:, places])
    past, after = seen.take(fold.train), seen.take(fold.test)
    label = one.examples.label[fold.train]
    return [Opponent(rival.name, rival.fit(past, label, threads)(after), rival.chances) for rival in asked]


def bundle_of(
    trained: Mapping[str, Trained],
    spare: Mapping[str, Model],
    past: Past,
    features: tuple[Feature, ...],
    at: int,
    scarce: Mapping[str, str],
    reference: Reference | None,
    timing: Timing,
) -> Bundle:
    """All heads as one version; `spare` ones, or means, stand in for those that could not be taught."""
    notes = {head.name: note_of(head) for head in heads()}
    facts: dict[str, float | int | str] = {
        f"{name}_examples": len(one.examples) for name, one in trained.items()
    }
    facts |= learned({name: one.head for name, one in trained.items()})
    if scarce:
        lacks = "; ".join(f"{name} has {lack}" for name, lack in scarce.items())
        facts["degraded"] = f"too few calls to learn from, so rates of segments serve: {lacks}"
    models = {name: one.fitted.model for name, one in trained.items()} | dict(spare)
    means = handle_seconds(past, at), mean_deal(past, at)
    return Bundle("", at, features, models, *means, notes, facts, reference, timing).named()


def note_of(head: Head) -> str:
    """What a head's figure means and what it takes, for people."""
    if head.objective == "amount":
        return f"{head.label}; needs at least {head.least_calls} calls"
    least = f"{head.least_calls} calls, {head.least_marked} of each kind"
    return f"the chance that {head.label}; needs at least {least}"


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
