"""The figures of a training: are its probabilities honest, and what does a list in its order gain."""

import numpy as np
from matplotlib.figure import Figure

from features.kernel import Float64Array

from .evaluate import bins_of, top_half_gain

_SIZE = (6.4, 4.4)


def calibration_figure(head: str, label: Float64Array, chance: Float64Array) -> Figure:
    """Mean probability against share marked, in bins of equally many calls, with 95 % intervals."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    rows = bins_of(chance)
    said = np.array([chance[r].mean() for r in rows])
    ends = np.array([_wilson(label[r].sum(), r.size) for r in rows])
    shown = np.array([label[r].mean() for r in rows])
    top = 1.05 * max(float(said.max()), float(ends.max()))
    axes.plot([0, top], [0, top], color="0.6", linewidth=1, label="honest")
    axes.vlines(said, ends[:, 0], ends[:, 1], color="tab:blue", alpha=0.5)
    axes.plot(said, shown, "o-", color="tab:blue", markersize=4, label="calls, out of time")
    axes.set(
        xlim=(0, top),
        ylim=(0, top),
        xlabel="probability said",
        ylabel="share that came true",
        title=f"{head}: calibration",
    )
    axes.legend(frameon=False)
    return figure


def gain_figure(head: str, label: Float64Array, chance: Float64Array) -> Figure:
    """Share of the marked calls held by the best share of the list, with the half-list marked."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    order = np.argsort(-chance, kind="stable")
    found = np.concatenate([[0.0], np.cumsum(label[order])]) / max(label.sum(), 1.0)
    half = top_half_gain(label, chance)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="random order")
    axes.plot(np.linspace(0, 1, found.size), found, color="tab:blue", label="in the order of the model")
    axes.axvline(0.5, color="0.6", linestyle=":")
    axes.annotate(f"half the list: {half:.0%}", (0.5, half), xytext=(0.53, half - 0.09))
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="share of the list called",
        ylabel="share of the marked calls found",
        title=f"{head}: gain",
    )
    axes.legend(frameon=False, loc="lower right")
    return figure


def _wilson(marked: float, calls: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927)."""
    z = 1.959964
    middle = (marked + z**2 / 2) / (calls + z**2)
    reach = z * np.sqrt(marked * (calls - marked) / calls + z**2 / 4) / (calls + z**2)
    return float(middle - reach), float(middle + reach)
