"""Stages: the runs inside a training's run: each head, in it its search, its folds and its last fit."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from .gate import TOLD, metrics_of
from .influence import Influence
from .report import HeadReport, Trained
from .timeline import by_fold, by_stretch
from .tracking import Curve, DataUsed, Record, Table
from .trial import Trial

EXPERIMENT = "leadrank training"
MOST_TRIALS = 20
"""So many of the best trials that were searched for become runs; the search's table has all."""


def head_run(
    name: str, one: Trained, told: HeadReport, moves: Influence, used: Sequence[DataUsed], at: int
) -> Record:
    """A head with its stages inside."""
    measures = {TOLD[key].title: value for key, value in told.measures.items() if np.isfinite(value)}
    says = "The chance that" if told.kind == "binary" else "It says"
    return Record(
        EXPERIMENT,
        name,
        at,
        parameters={"examples": told.examples, "marked": told.marked, "judged": told.judged},
        metrics=measures,
        curves=by_stretch(one).curves() if told.judged else {},
        tags={"head": name},
        note=f"{says} {told.label}. Inside: what was tried, how each fold did, the last fit.",
        datasets=used,
        stages=(_search(name, one, at), _folds(name, one, told, at), _final(name, one, moves, at)),
    )


def _search(name: str, one: Trained, at: int) -> Record:
    """What was tried on the folds: a run per trial of a search that was asked for, and the best so far."""
    trials = one.fitted.trials
    loss = np.array([trial.loss for trial in trials])
    searched = [place for place, trial in enumerate(trials) if trial.seconds is not None]
    best = sorted(searched, key=lambda place: trials[place].loss)[:MOST_TRIALS]
    return Record(
        EXPERIMENT,
        f"{name}: search",
        at,
        parameters={"trials": len(trials)},
        curves={
            "Loss by trial": Curve(loss),
            "Loss of the best so far": Curve(np.minimum.accumulate(loss)),
        }
        if trials
        else {},
        tags={"head": name, "stage": "search"},
        note="Each setting is judged by models of calls that began before those that judge it.",
        tables={"trials.json": _table(trials)} if trials else {},
        stages=[_trial(name, place, trials[place], at) for place in best],
    )


def _trial(name: str, place: int, trial: Trial, at: int) -> Record:
    seconds = {} if trial.seconds is None else {"Seconds": trial.seconds}
    return Record(
        EXPERIMENT,
        f"{name}: trial {place + 1}",
        at,
        parameters=trial.settings,
        metrics={"Loss": trial.loss, **seconds},
        tags={"head": name, "stage": "trial"},
    )


def _table(trials: Sequence[Trial]) -> Table:
    names = list(dict.fromkeys(key for trial in trials for key in trial.settings))
    rows = [
        [place + 1, *(trial.settings.get(key) for key in names), trial.loss]
        for place, trial in enumerate(trials)
    ]
    return Table(["trial", *names, "loss"], rows)


def _folds(name: str, one: Trained, told: HeadReport, at: int) -> Record:
    """Each fold in the order of time, what a tree more was worth in all of them, and the race on the last."""
    curves = by_fold(one).curves() if one.folds else {}
    return Record(
        EXPERIMENT,
        f"{name}: folds",
        at,
        parameters={"folds": len(one.folds)}
        | {f"taught in fold {k}": f.train.size for k, f in enumerate(one.folds)},
        metrics=metrics_of(name, told.race),
        curves={
            **{f"By fold/{title}": curve for title, curve in curves.items()},
            "By tree/Loss": Curve(one.fitted.losses),
        },
        tags={"head": name, "stage": "folds"},
        note="Folds follow each other in time: each is judged by models of what began an hour before it.",
    )


def _final(name: str, one: Trained, moves: Influence, at: int) -> Record:
    """The fit of all examples that the bundle holds, and what moves it."""
    rows = [
        [group.title, float(strength), leading]
        for group, strength, leading in zip(moves.groups, moves.strength, moves.leading, strict=True)
    ]
    return Record(
        EXPERIMENT,
        f"{name}: final",
        at,
        parameters={
            **asdict(one.fitted.choice),
            "examples": len(one.examples),
            "features": len(one.matrix.features),
        },
        tags={"head": name, "stage": "final"},
        note="Fitted on all examples with the settings that the folds chose.",
        tables={"what_moves_it.json": Table(["group", "mean effect on its score", "led by"], rows)},
    )
