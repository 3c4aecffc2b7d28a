"""The race on real calls: every learner retrained as time moves on, judged on what came after."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from time import perf_counter

import numpy as np

from features import FeatureMatrix, Past, compute, for_leads
from features.errors import LeakingColumn
from features.kernel import Float64Array, Int64Array
from features.refused import refusal

from .baselines import rivals
from .dataset import Examples, echoes, examples
from .duel import Duel, duel
from .evaluate import MEASURES, evaluate, evaluate_order
from .fit import Choice, boosted, chance
from .heads import conversion
from .lesson import Lesson
from .rival import Rival
from .tracking import Record

WINDOW = 20_000
"""A learner is taught the last so many calls."""
SCORED = 1 / 3
"""The last share of the calls is the race."""
FROZEN = 0.2
"""The last share of the calls, scored by models of all calls before it that are never retrained."""
NEVER_AGAIN = 0
"""The pace of who is never retrained."""
SEED = 7
"""Of the bootstrap."""
ALLOWED = frozenset({"age", "marital"})
"""Protected, but part of the public benchmark that everyone quotes."""
STRENGTHS, TREES = (0.003, 0.01), (20, 60)
"""The settings to choose among, before the race begins."""
FIRST_CHOOSING = 10_000
"""The choosing judges from this call on, as the race does later."""
CHOOSING_EVERY = 1_000
OURS = "leadrank"

Tick = Callable[[], None]
Parts = list[tuple[Int64Array, Int64Array]]
"""(the window to learn from, the rows to judge) of each retraining."""


@dataclass(frozen=True)
class Course:
    """The calls of a race in the order of time: what ours sees, what the rivals see, and what came of it."""

    ours: FeatureMatrix
    rivals: FeatureMatrix
    found: Examples
    pointless: tuple[str, ...] = ()
    """Our features that say nothing here."""

    @property
    def label(self) -> Float64Array:
        """What came of each call."""
        return self.found.label

    def shown(self, rival: Rival) -> FeatureMatrix:
        """What a rival sees: the leads' own columns, or the catalogue where it names what it goes by."""
        return self.ours if rival.reads else self.rivals

    @property
    def lesson(self) -> Lesson:
        """What our head is taught, as in a training."""
        return Lesson.for_head(conversion.HEAD, self.ours, self.found, self.pointless)

    @property
    def start(self) -> int:
        """The first scored row."""
        return round(self.label.size * (1 - SCORED))

    @property
    def first_choosing(self) -> int:
        """The first row that the choosing of settings judges."""
        return min(FIRST_CHOOSING, self.start // 2)

    @property
    def frozen(self) -> int:
        """The first row that models judge which are never retrained."""
        return round(self.label.size * (1 - FROZEN))

    def parts(self, every: int) -> Parts:
        """What to learn from and what to judge, at a pace of retraining."""
        if every == NEVER_AGAIN:
            return [(np.arange(self.frozen), np.arange(self.frozen, self.label.size))]
        return blocks(self.start, self.label.size, every)


@dataclass(frozen=True)
class Run:
    """One learner's race: its probability or key of each scored call, the seconds that its fits took."""

    learner: str
    every: int
    chance: Float64Array
    seconds: float
    fits: int
    chances: bool = True
    """Whether they are probabilities; else they only order."""

    def measured(self, label: Float64Array) -> dict[str, float]:
        """The measures by key, NaN where they need probabilities and there are none."""
        judge = evaluate if self.chances else evaluate_order
        return judge(label[-self.chance.size :], self.chance)


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
    duels: tuple[Duel | None, ...]
    """Of our run at the same pace with each; none with itself."""

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
                    **{key: value for key, value in measures.items() if np.isfinite(value)},
                    **({} if one is None else {"ahead_by": one.ahead, "standard_error": one.error}),
                }
                for run, measures, one in zip(self.runs, self.measures, self.duels, strict=True)
            ],
        }


def course(past: Past, until: int) -> Course:
    """The contacts of a past: ours are all features, point in time; the rivals' the leads' own columns."""
    found = examples(past, conversion.HEAD, until)
    features = for_leads(past.leads, ALLOWED)
    matrix = compute(past, found.moments, features)
    own = [place for place, feature in enumerate(features) if feature.name.startswith("attribute_")]
    columns = FeatureMatrix(tuple(features[place] for place in own), matrix.values[:, own])
    return Course(matrix, columns, found, echoes(features, past.leads))


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
    return choosing + sum(len(on.parts(pace)) for pace in (*every, NEVER_AGAIN)) * (1 + len(rivals()))


def race(
    on: Course, every: Sequence[int], refused: Mapping[str, str], threads: int, tick: Tick = lambda: None
) -> RaceReport:
    """Choose our settings on the calls before the race, then run everyone at each pace of retraining."""
    choice = choose(on, threads, tick)
    runs = [run for pace in (*every, NEVER_AGAIN) for run in runs_of(on, choice, pace, threads, tick)]
    measures = tuple(run.measured(on.label) for run in runs)
    label = on.label[on.start :]
    told = tuple(duels(on, runs))
    return RaceReport(
        on.label.size, label.size, int(label.sum()), choice, refused, tuple(runs), measures, told
    )


def duels(on: Course, runs: Sequence[Run]) -> Iterator[Duel | None]:
    """How far ours is ahead of each run at its own pace."""
    own = {run.every: run.chance for run in runs if run.learner == OURS}
    for run in runs:
        label = on.label[-run.chance.size :]
        rng = np.random.default_rng(SEED)
        yield None if run.learner == OURS else duel(label, own[run.every], run.chance, rng)


def choose(on: Course, threads: int, tick: Tick) -> Choice:
    """The setting that ranks best among calls of one time, before the race, under its protocol."""
    choices = [Choice(strength, None, trees) for strength, trees in product(STRENGTHS, TREES)]
    parts, label = blocks(on.first_choosing, on.start, CHOOSING_EVERY), on.label[on.first_choosing : on.start]

    def worth(choice: Choice) -> float:
        found = ours(on, choice, parts, CHOOSING_EVERY, threads, tick)
        return MEASURES["auc_at_a_time"].of(label, found.chance)

    return max(choices, key=worth)


def runs_of(on: Course, choice: Choice, every: int, threads: int, tick: Tick) -> Iterator[Run]:
    """Our run and the rivals' at one pace."""
    yield ours(on, choice, on.parts(every), every, threads, tick)
    for rival in rivals():
        yield rolled(on, rival, every, threads, tick)


def blocks(first: int, last: int, every: int) -> Parts:
    """The parts of a race from a row to another that retrains every so many calls."""
    starts = range(first, last, every)
    return [
        (np.arange(max(0, start - WINDOW), start), np.arange(start, min(start + every, last)))
        for start in starts
    ]


def rolled(on: Course, rival: Rival, every: int, threads: int, tick: Tick) -> Run:
    """A rival's run: refitted on each window, its figures as they come."""
    seen = on.shown(rival)

    def fitted(window: Int64Array) -> Callable[[Int64Array], Float64Array]:
        predict = rival.fit(seen.take(window), on.label[window], threads)
        return lambda rows: predict(seen.take(rows))

    return replace(ran(rival.name, every, on.parts(every), fitted, tick), chances=rival.chances)


def ours(on: Course, choice: Choice, parts: Parts, every: int, threads: int, tick: Tick) -> Run:
    """Our head's run: margin and trees refitted on each window, taken as they are, uncalibrated."""
    taught = on.lesson

    def fitted(window: Int64Array) -> Callable[[Int64Array], Float64Array]:
        margin, booster = boosted(taught.take(window), conversion.HEAD, choice, threads)
        return lambda rows: chance(margin, booster, taught.values[rows])

    return ran(OURS, every, parts, fitted, tick)


def ran(
    learner: str,
    every: int,
    parts: Parts,
    fitted: Callable[[Int64Array], Callable[[Int64Array], Float64Array]],
    tick: Tick,
) -> Run:
    """A run over the parts, with the seconds that its fits took."""
    found: list[Float64Array] = []
    seconds = 0.0
    for window, rows in parts:
        begun = perf_counter()
        predict = fitted(window)
        seconds += perf_counter() - begun
        found.append(predict(rows))
        tick()
    return Run(learner, every, np.concatenate(found), seconds, len(parts))


def record_of(report: RaceReport, at: int) -> Record:
    """The race as a run for MLflow."""
    metrics = {
        f"{MEASURES[key].title}/{run.learner} {paced(run.every)}".replace("(", "").replace(")", ""): value
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
        parameters=parameters,
        metrics=metrics,
        note=note,
        texts={"race.md": note},
    )


def paced(every: int) -> str:
    """How often a learner is retrained, for people."""
    return "never" if every == NEVER_AGAIN else f"every {every}"


def markdown(report: RaceReport) -> str:
    """The table of the race."""
    titles = [*(measure.short for measure in MEASURES.values()), "we are ahead by"]
    lines = [f"| retrained | learner | {' | '.join(titles)} |", "|---" * (len(titles) + 2) + "|"]
    for run, measures, one in zip(report.runs, report.measures, report.duels, strict=True):
        figures = [shown(measures[key], 4) for key in MEASURES]
        lines.append(f"| {paced(run.every)} | {run.learner} | {' | '.join(figures)} | {lead(one)} |")
    return "\n".join(lines) + "\n"


def shown(figure: float, digits: int) -> str:
    """A figure for people; blank where there is none."""
    return f"{figure:.{digits}f}" if np.isfinite(figure) else ""


def lead(one: Duel | None) -> str:
    """How far we are ahead, and its standard error."""
    return "" if one is None else f"{one.ahead:+.4f} ± {one.error:.4f}"
