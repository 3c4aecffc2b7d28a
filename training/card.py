"""The card of a model: what it is, whom it beat, what it learned from, and how to read its run."""

from features.instants import render

from .amounts import AMOUNT_MEASURES
from .gate import TOLD
from .head import Kind
from .honesty import worst
from .report import HeadReport, TrainingReport

JUDGED = "All figures are of later calls than any that the judged model had seen."
FIGURES = ("auc", "log_loss", "ece", "top_half_gain")

HOW_TO_READ = """### How to read this run
- **Model metrics**: how each head fared from one stretch of calls to the next. \
What it says should follow what came true.
- **Artifacts, plots**: *calibration* (does what it says come true), *gain* (what calling the best first \
finds), *influence* (what moves it), *over_time*, *race* (how far it is ahead of each rival), *week* (the \
hours of the lead's own week).
- **Runs inside**: each head with its search, its folds and its last fit.
- AUC: how often a call that came true was ranked above one that did not; 0.5 is no order at all. \
ECE: how far probabilities are off on average. \
Gain: the share of what came true that the better half of the list holds."""
"""Each point is one line: MLflow breaks lines where the text does."""


def card(report: TrainingReport) -> str:
    """Markdown; the verdict comes first, since MLflow folds the rest away."""
    bundle = report.bundle
    parts = [
        f"leadrank bundle {bundle.version} is **{report.alias}**. {_verdict(report)}",
        *(sentence(name, head) for name, head in report.heads.items() if head.judged),
        *([f"Degraded: {report.degraded}."] if report.degraded else []),
        _figures("the chance that", FIGURES, report, "binary"),
        _figures("says", tuple(AMOUNT_MEASURES), report, "amount"),
        *(_honesty(head) for head in report.heads.values() if head.race.honesty),
        f"It knew what was known before {render(bundle.created_at)}. {JUDGED}",
        _seconds(report),
        f"Windows of a week: {bundle.timing.sentence}.",
        f"Attributes that may not be features: {_refused(report)}.",
        HOW_TO_READ,
    ]
    return "\n\n".join(parts)


def sentence(name: str, head: HeadReport) -> str:
    """What a head is good for, in one sentence."""
    if head.kind == "amount":
        said, off = head.measures["said_over_seen"], head.measures["tenths_error"]
        return (
            f"**{name}** (says {head.label}): all it says comes to {said:.0%} of what was seen; by tenths "
            f"its means are off by {off:.0%}."
        )
    gain, off = head.measures["top_half_gain"], head.measures["ece"]
    return (
        f"**{name}** ({head.label}): calling the better half of its list finds {gain:.0%} of what comes "
        f"true; its probabilities are off by {100 * off:.1f} percentage points on average."
    )


def _verdict(report: TrainingReport) -> str:
    lost = "It lost to nobody" if report.verdict.passed else "The gate refused it"
    return f"{lost}: {report.verdict.reason}."


def _figures(says: str, keys: tuple[str, ...], report: TrainingReport, kind: Kind) -> str:
    """The heads of a kind with some of their measures."""
    titles = " | ".join(TOLD[key].title for key in keys)
    lines = [f"| head | {says} | examples | marked | {titles} |", "|---" * (4 + len(keys)) + "|"]
    for name, head in report.heads.items():
        if head.kind == kind:
            shown = " | ".join(f"{head.measures.get(key, float('nan')):.4f}" for key in keys)
            lines.append(f"| {name} | {head.label} | {head.examples} | {head.marked} | {shown} |")
    return "\n".join(lines)


def _honesty(head: HeadReport) -> str:
    """Over all calls, and the segment that is furthest from honest."""
    whole, part = head.race.honesty[0], worst(head.race.honesty)
    told = [whole.sentence, *([f"the worst segment: {part.sentence}"] if part else [])]
    return f"Calibration: {'; '.join(told)}. All segments: `calibration.md`."


def _seconds(report: TrainingReport) -> str:
    handle = report.bundle.handle
    without = "; ".join(f"{name} ({why})" for name, why in report.left_out.items()) or "none"
    return (
        f"An agent's seconds: {handle.no_answer:.0f} where nobody answers, {handle.contact:.0f} for a "
        f"conversation, {handle.sale:.0f} for a sale; a sale brings {report.bundle.deal:.0f} (shrunk means). "
        f"Heads that they stand in for: {without}."
    )


def _refused(report: TrainingReport) -> str:
    return ", ".join(f"{name} ({why})" for name, why in report.refused.items()) or "none"
