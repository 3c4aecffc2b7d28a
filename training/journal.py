"""The journal: what a training leaves in MLflow for people: runs, figures, tables, a card."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
from matplotlib.figure import Figure

from features.kernel import Float64Array

from .bundle import Bundle
from .by_day import of_training
from .card import card
from .dashboard import (
    calibration_figure,
    gain_figure,
    honesty_figure,
    influence_figure,
    over_time_figure,
    race_figure,
    tenths_figure,
    week_figure,
    windows_figure,
)
from .drift_figure import PLOT, drift_figure
from .gate import ORDERS, TOLD, WORDS, HeadRace, markdown, measures_of
from .honesty import markdown as honesty_table
from .honesty import worst
from .influence import Influence, influence
from .lineage import datasets_of
from .report import Trained, TrainingReport
from .stages import EXPERIMENT, head_run
from .timeline import by_stretch
from .tracking import CHAMPION, Curve, DataUsed, Record, Table, Tracking
from .views import over_time, page_of

WEEK_HOUR = "local_hour_of_week"


def track(report: TrainingReport, trained: Mapping[str, Trained], tracking: Tracking) -> TrainingReport:
    """Leave one run in MLflow, with runs for its stages inside, and register its bundle."""
    used = {name: datasets_of(name, one, report.bundle.created_at) for name, one in trained.items()}
    run_id = tracking.record(record_of(report, trained, used), report.bundle)
    told = {"gate": "passed" if report.verdict.passed else "refused", "reason": report.verdict.reason}
    taught = {f"taught on {data[0].name}": data[0].digest for data in used.values()}
    version = tracking.register(run_id, report.bundle, report.alias, {**told, **taught})
    if report.stand_in is not None:
        _register_stand_in(report.stand_in, version, tracking)
    return replace(report, run_id=run_id, model_version=version)


def _register_stand_in(bundle: Bundle, refused: str, tracking: Tracking) -> None:
    """A run of its own for what serves until a bundle passes the gate."""
    note = f"In the place of version {refused}: {bundle.degraded}."
    run_id = tracking.record(Record(EXPERIMENT, bundle.version, bundle.created_at, note=note), bundle)
    tracking.register(run_id, bundle, CHAMPION, {"gate": "stands in", "reason": bundle.degraded})


def record_of(
    report: TrainingReport, trained: Mapping[str, Trained], used: Mapping[str, Sequence[DataUsed]]
) -> Record:
    """The run: a card, what matters of every head over time, plots and tables; its stages are runs inside."""
    moves = {name: influence(one) for name, one in trained.items()}
    folds = max((len(one.folds) for one in trained.values()), default=0)
    nearest = {n: head.race.nearest.sentence for n, head in report.heads.items() if head.race.nearest}
    at, metrics, curves = report.bundle.created_at, metrics_of(report, trained), curves_of(trained)
    return Record(
        EXPERIMENT,
        name=report.bundle.version,
        at=at,
        seconds=sum(report.seconds.values()),
        parameters={"features": len(report.bundle.features), "folds": folds, **parameters_of(report)},
        metrics=metrics,
        curves=curves,
        tags={
            "bundle": report.bundle.version,
            "became": report.alias,
            "fingerprint": report.bundle.fingerprint,
            "gate": report.verdict.reason[:500],
            **{f"nearest rival of {name}": sentence for name, sentence in nearest.items()},
        },
        note=card(report),
        figures=figures_of(report, trained, moves),
        texts=texts_of(report, trained),
        tables={f"race/{name}.json": table(head.race) for name, head in report.heads.items()},
        datasets=[data for one in used.values() for data in one],
        page=page_of(list(report.heads), [*metrics, *curves]),
        stages=[
            head_run(name, trained[name], head, moves[name], used[name], at)
            for name, head in report.heads.items()
        ],
    )


def parameters_of(report: TrainingReport) -> dict[str, object]:
    """How each head was fitted, and on how much."""
    found: dict[str, object] = {}
    for name, head in report.heads.items():
        found |= {f"{name}/{key}": value for key, value in asdict(head.choice).items()}
        found |= {f"{name}/examples": head.examples, f"{name}/marked": head.marked}
    return found


def metrics_of(report: TrainingReport, trained: Mapping[str, Trained]) -> dict[str, float]:
    """Each head's figures of merit."""
    found: dict[str, float] = {}
    for name, head in report.heads.items():
        found |= {f"{name}/{TOLD[key].title}": value for key, value in known(head.measures).items()}
        if (scanned := trained[name].scan) is not None:
            found[f"{name}/Best AUC of one feature alone"] = float(scanned.auc.max())
        if segment := worst(head.race.honesty):
            found[f"{name}/Calibration error ECE of the worst segment"] = segment.ece
        if nearest := head.race.nearest:
            found[f"{name}/Ahead of the nearest rival in {WORDS[nearest.measure]}"] = nearest.ahead
    return found


def curves_of(trained: Mapping[str, Trained]) -> dict[str, Curve]:
    """Each head from one stretch of calls to the next."""
    return {
        over_time(name, title): curve
        for name, one in trained.items()
        if one.chance.size
        for title, curve in by_stretch(one).curves().items()
    }


def figures_of(
    report: TrainingReport, trained: Mapping[str, Trained], moves: Mapping[str, Influence]
) -> dict[str, Figure]:
    """The plots of every head that has judged calls."""
    found = {
        "plots/windows.png": windows_figure(report.bundle.timing, report.bundle.features),
        PLOT: drift_figure(of_training(trained, report.bundle.reference)),
    }
    for name, one in trained.items():
        if not one.chance.size:
            continue
        moved = influence_figure(name, moves[name], np.random.default_rng(one.head.seed))
        if one.head.objective == "amount":
            found[f"plots/{name}_influence.png"] = moved
            found[f"plots/{name}_tenths.png"] = tenths_figure(name, one.label, one.chance)
            continue
        plots = {
            "calibration": calibration_figure(name, one.label, one.chance),
            "gain": gain_figure(name, one.label, one.chance),
            "influence": moved,
            "over_time": over_time_figure(name, by_stretch(one)),
            "race": race_figure(name, report.heads[name].race.comparisons),
            "segments": honesty_figure(name, report.heads[name].race.honesty),
        }
        if one.head.per == "calls":
            plots["week"] = week_figure(name, week_hours(one), one.label, one.chance)
        found |= {f"plots/{name}_{title}.png": figure for title, figure in plots.items()}
    return found


def week_hours(one: Trained) -> Float64Array:
    """The hour of the lead's own week of each judged call."""
    column = one.matrix.values[:, one.matrix.names.index(WEEK_HOUR)]
    return column[one.fitted.unseen.rows].astype(np.float64)


def texts_of(report: TrainingReport, trained: Mapping[str, Trained]) -> dict[str, str]:
    """The pages of the run."""
    return {
        "features.txt": "\n".join(map(repr, report.bundle.features)) + "\n",
        "card.md": card(report),
        "calibration.md": honesty_table([one for head in report.heads.values() for one in head.race.honesty]),
        "race.md": "\n".join(markdown(name, head.race) for name, head in report.heads.items()),
        **{f"leaks/{name}.md": one.scan.table() for name, one in trained.items() if one.scan is not None},
    }


def table(race: HeadRace) -> Table:
    """Everyone's figures, and how far the head is ahead; blank where a learner has no such figure."""
    columns = measures_of(race)
    ahead = {one.against: one for one in race.comparisons if one.measure in ORDERS}
    rows = [
        [
            name,
            *(round(measures[key], 4) if key in measures else None for key in columns),
            *((round(one.difference, 4), round(one.low, 4), round(one.high, 4)) if one else (None,) * 3),
        ]
        for name, measures in race.measures.items()
        for one in [ahead.get(name)]
    ]
    titles = [measure.title for measure in columns.values()]
    order = WORDS[next(iter(columns))]
    return Table(["learner", *titles, f"ours less its {order}", "at least", "at most"], rows)


def known(measures: Mapping[str, float]) -> dict[str, float]:
    """Those that are numbers."""
    return {key: value for key, value in measures.items() if np.isfinite(value)}
