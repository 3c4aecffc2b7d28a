"""The journal: what a training leaves in MLflow for people: runs, figures, tables, a card."""

from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np
from matplotlib.figure import Figure

from .bundle import Bundle
from .dashboard import calibration_figure, gain_figure
from .evaluate import MEASURES
from .gate import markdown, metrics_of
from .report import Trained, TrainingReport
from .tracking import CHAMPION, Record, Tracking


def track(report: TrainingReport, trained: Mapping[str, Trained], tracking: Tracking) -> TrainingReport:
    """Leave one run in MLflow and register its bundle."""
    run_id = tracking.record(record_of(report, trained), report.bundle)
    tags = {"gate": "passed" if report.verdict.passed else "refused", "reason": report.verdict.reason}
    version = tracking.register(run_id, report.bundle, report.alias, tags)
    if report.stand_in is not None:
        _register_stand_in(report.stand_in, version, tracking)
    return replace(report, run_id=run_id, model_version=version)


def _register_stand_in(bundle: Bundle, refused: str, tracking: Tracking) -> None:
    """A run of its own for what serves until a bundle passes the gate."""
    note = f"In the place of version {refused}: {bundle.degraded}."
    run_id = tracking.record(
        Record("leadrank training", bundle.version, bundle.created_at, note=note), bundle
    )
    tracking.register(run_id, bundle, CHAMPION, {"gate": "stands in", "reason": bundle.degraded})


def record_of(report: TrainingReport, trained: Mapping[str, Trained]) -> Record:
    """The run: parameters, figures of merit, plots, the list of features and a card for people."""
    folds = max((len(one.folds) for one in trained.values()), default=0)
    parameters: dict[str, object] = {"features": len(report.bundle.features), "folds": folds}
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
        *([f"Degraded: {report.degraded}.", ""] if report.degraded else []),
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
