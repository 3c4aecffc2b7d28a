"""The race on real calls: every learner retrained as time moves on, judged on what came after."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from time import perf_counter

import numpy as np

from features import FeatureMatrix, Past, compute, for_leads
from features.errors import LeakingColumn
from features.kernel import Float64Array, Int64Array
from features.refused import refusal

from .baselines import rivals
from .dataset import examples
from .evaluate import MEASURES, evaluate
from .fit import Choice, Lesson, boosted, chance
from .heads import conversion
from .rival import Rival
from .tracking import Record

WINDOW = 20_000
"""A learner is taught the last so many calls."""
SCORED = 1 / 3
"""The last share of the calls is the race."""
ALLOWED = frozenset({"age", "marital"})
"""Protected, but part of the public benchmark that everyone quotes."""
STRENGTHS, TREES = (0.001, 0.003, 0.01), (20, 60)
"""The settings to choose among, before the race begins."""
FIRST_CHOOSING = 10_000
"""The choosing judges from this call on, as the race does later."""
CHOOSING_EVERY = 1_000
OURS = "leadrank"

Tick = Callable[[], None]


@dataclass(frozen=True)
class Course:
    """The calls of a race in the order of time: what ours sees, what the rivals see, and what came of it."""

    ours: FeatureMatrix
    rivals: FeatureMatrix
    at: Int64Array
    label: Float64Array

    @property
    def start(self) -> int:
        """The first scored row."""
        return round(self.label.size * (1 - SCORED))

    @property
    def first_choosing(self) -> int:
        """The first row that the choosing of settings judges."""
        return min(FIRST_CHOOSING, self.start // 2)


@dataclass(frozen=True)
class Run:
    """One learner's race: its probability of each scored call and the seconds that its fits took."""

    learner: str
    every: int
    chance: Float64Array
    seconds: float
    fits: int


@dataclass(frozen=True)
class RaceReport:
    """All runs with their measures, and the settings chosen beforehand."""

    calls: int
    scored: int
    sold: int
    choice: Choice
    refused: Mapping[str, str]
    """Columns that may not be features, and why."""
    runs: tuple[Run, ...]
    measures: tuple[Mapping[str, float], ...]
    """Of each run, by the keys of `MEASURES`."""

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "calls": self.calls,
            "scored": self.scored,
            "sold": self.sold,
            "window": WINDOW,
            "strength": self.choice.strength,
            "trees": self.choice.trees,
            "refused": dict(self.refused),
            "runs": [
                {
                    "learner": run.learner,
                    "every": run.every,
                    "fits": run.fits,
                    "seconds": round(run.seconds, 2),
                    **measures,
                }
                for run, measures in zip(self.runs, self.measures, strict=True)
            ],
        }


def course(past: Past, until: int) -> Course:
    """The contacts of a past: ours are all features, point in time; the rivals' the leads' own columns."""
    found = examples(past, conversion.HEAD, until)
    features = for_leads(past.leads, ALLOWED)
    matrix = compute(past, found.moments, features)
    own = [place for place, feature in enumerate(features) if feature.name.startswith("attribute_")]
    columns = FeatureMatrix(tuple(features[place] for place in own), matrix.values[:, own])
    return Course(matrix, columns, found.at, found.label)


def refuse(columns: Collection[str]) -> dict[str, str]:
    """Which of the columns may not be features here, and why."""
    reasons = {column: refusal(column, ALLOWED) for column in columns}
    return {column: reason for column, reason in reasons.items() if reason is not None}


def demand(column: str) -> None:
    """`LeakingColumn` if a column may not be a feature."""
    reason = refusal(column, ALLOWED)
    if reason is not None:
        raise LeakingColumn(column=column, reason=reason)


def fits_of(on: Course, every: Sequence[int]) -> int:
    """How many ticks a race gives: one per fit, the choosing included."""
    choosing = len(blocks(on.first_choosing, on.start, CHOOSING_EVERY)) * len(STRENGTHS) * len(TREES)
    return choosing + sum(len(blocks(on.start, on.label.size, k)) for k in every) * (1 + len(rivals()))


def race(
    on: Course, every: Sequence[int], refused: Mapping[str, str], threads: int, tick: Tick = lambda: None
) -> RaceReport:
    """Choose our settings on the calls before the race, then run everyone at each pace of retraining."""
    choice = choose(on, threads, tick)
    runs = [run for pace in every for run in runs_of(on, choice, pace, threads, tick)]
    label = on.label[on.start :]
    measures = tuple(evaluate(label, run.chance) for run in runs)
    return RaceReport(on.label.size, label.size, int(label.sum()), choice, refused, tuple(runs), measures)


def choose(on: Course, threads: int, tick: Tick) -> Choice:
    """The setting with the best AUC on the calls before the race, under the race's own protocol."""
    choices = [Choice(strength, None, trees) for strength, trees in product(STRENGTHS, TREES)]
    first = on.first_choosing
    label = on.label[first : on.start]

    def auc_of(choice: Choice) -> float:
        found = ours(on, choice, first, on.start, CHOOSING_EVERY, threads, tick)
        return MEASURES["auc"].of(label, found.chance)

    return max(choices, key=auc_of)


def runs_of(on: Course, choice: Choice, every: int, threads: int, tick: Tick) -> Iterator[Run]:
    """Our run and the rivals' at one pace."""
    yield ours(on, choice, on.start, on.label.size, every, threads, tick)
    for rival in rivals():
        yield rolled(on, rival, every, threads, tick)


def blocks(first: int, last: int, every: int) -> list[tuple[Int64Array, Int64Array]]:
    """(the window to learn from, the rows to judge) for each retraining."""
    starts = range(first, last, every)
    return [
        (np.arange(max(0, start - WINDOW), start), np.arange(start, min(start + every, last)))
        for start in starts
    ]


def rolled(on: Course, rival: Rival, every: int, threads: int, tick: Tick) -> Run:
    """A rival's run: refitted on each window, its probabilities as they come."""
    found = np.empty(on.label.size - on.start)
    seconds, parts = 0.0, blocks(on.start, on.label.size, every)
    for window, rows in parts:
        begun = perf_counter()
        predict = rival.fit(on.rivals.take(window), on.label[window], threads)
        seconds += perf_counter() - begun
        found[rows - on.start] = predict(on.rivals.take(rows))
        tick()
    return Run(rival.name, every, found, seconds, len(parts))


def ours(on: Course, choice: Choice, first: int, last: int, every: int, threads: int, tick: Tick) -> Run:
    """Our head's run: margin and trees refitted on each window, taken as they are, uncalibrated."""
    kinds = tuple(feature.categorical for feature in on.ours.features)
    taught = Lesson(on.ours.values, kinds, on.at, on.label, np.ones(on.label.size))
    found = np.empty(last - first)
    seconds, parts = 0.0, blocks(first, last, every)
    for window, rows in parts:
        begun = perf_counter()
        margin, booster = boosted(taught.take(window), conversion.HEAD, choice, threads)
        seconds += perf_counter() - begun
        found[rows - first] = chance(margin, booster, on.ours.values[rows])
        tick()
    return Run(OURS, every, found, seconds, len(parts))


def record_of(report: RaceReport, at: int) -> Record:
    """The race as a run for MLflow."""
    metrics = {
        f"{MEASURES[key].title}/{run.learner} every {run.every}".replace("(", "").replace(")", ""): value
        for run, measures in zip(report.runs, report.measures, strict=True)
        for key, value in measures.items()
        if np.isfinite(value)
    }
    parameters = {
        "calls": report.calls,
        "scored": report.scored,
        "window": WINDOW,
        "strength": report.choice.strength,
        "trees": report.choice.trees,
        **{f"refused {column}": reason for column, reason in report.refused.items()},
    }
    note = f"The last {report.scored} of {report.calls} calls in the order of time.\n\n{markdown(report)}"
    return Record(
        "leadrank race",
        f"race over {report.scored} calls",
        at,
        parameters,
        metrics,
        note=note,
        texts={"race.md": note},
    )


def markdown(report: RaceReport) -> str:
    """The table of the race."""
    titles = [measure.short for measure in MEASURES.values()]
    lines = [f"| retrained every | learner | {' | '.join(titles)} |", "|---" * (len(titles) + 2) + "|"]
    for run, measures in zip(report.runs, report.measures, strict=True):
        figures = " | ".join(f"{measures[key]:.4f}" for key in MEASURES)
        lines.append(f"| {run.every} | {run.learner} | {figures} |")
    return "\n".join(lines) + "\n"
