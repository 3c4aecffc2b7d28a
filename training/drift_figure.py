"""The picture of a drift: which features fall otherwise, and how each head kept its promises, day by day."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from features.groups import group_of

from .by_day import ByDay, Fallen, HeadDays
from .drift import SMALL

PLOT = "plots/drift.png"
NAMED = 5
"""So many features are drawn in colour and told in words."""
LEAST_PSI = 0.003
LEAST_INFORMATION = 1.0
"""A day whose sum of p (1 - p) is less says nothing of promises."""


def drift_figure(found: ByDay) -> Figure:
    """PSI by feature on top; below, a column a head: what came true, what was missed, how chances fell."""
    heads = max(len(found.heads), 1)
    figure = Figure(figsize=(max(8.6, 4.3 * heads), 11.5))
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.04, top=0.96, hspace=0.3, wspace=0.2)
    grid = figure.add_gridspec(5, heads, height_ratios=(3, 1, 2, 2, 2))
    _features(figure.add_subplot(grid[0, :]), found)
    for column, (name, head) in enumerate(found.heads.items()):
        for row, drawn in enumerate((_rates, _missed, _scores), 2):
            drawn(figure.add_subplot(grid[row, column]), name, head)
    for axes in figure.axes:
        _calendar(axes)
    return figure


def words_of(one: Fallen) -> str:
    """A feature for people: what it is about, and its name."""
    return f"{group_of(one.feature.name).title} ({one.feature.name})"


def headline(found: ByDay) -> str:
    """What the picture says of features, in a sentence."""
    if not found.nearest:
        return f"Too few leads to compare features with {found.against}"
    beyond = [one for one in found.nearest if one.nearness > 1]
    if not beyond:
        return f"No feature falls otherwise than in {found.against} by more than its noise"
    others = f", and {len(beyond) - 1} more" if len(beyond) > 1 else ""
    return f"Beyond its noise, against {found.against}: {words_of(beyond[0])}{others}"


def _features(axes: Axes, found: ByDay) -> None:
    """A line a feature; a dot where a week's PSI is beyond its limit; those nearest to theirs in words."""
    axes.set_title(headline(found), fontsize=10)
    axes.set(ylabel="PSI of the week until the day", yscale="log", ylim=(LEAST_PSI, 1))
    axes.axhline(SMALL, color="0.6", linewidth=1, linestyle=":")
    for one in found.nearest[NAMED:]:
        axes.plot(one.day, one.psi, color="0.85", linewidth=0.8)
    named = found.nearest[:NAMED]
    for one, colour in zip(named, colormaps["tab10"](np.arange(len(named))), strict=True):
        beyond = one.psi > one.limit
        told = f"{words_of(one)}: {one.psi[-1]:.2f}, limit {one.limit[-1]:.2f}"
        axes.plot(one.day, one.psi, color=colour, linewidth=1.6, label=told)
        axes.plot(one.day[beyond], one.psi[beyond], "o", color=colour, markersize=4)
    if named:
        axes.set_ylim(LEAST_PSI, 2 * max(0.5, *(float(one.psi.max()) for one in found.nearest)))
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(0, -0.08),
            ncols=1 + (len(found.heads) > 2),
            frameon=False,
            fontsize=8,
            title="nearest to their limits (dots: beyond)",
        )


def _rates(axes: Axes, name: str, head: HeadDays) -> None:
    days = head.days
    axes.set_title(f"{name}: share of calls", fontsize=10)
    for values, colour, title in (
        (days.marked, "tab:orange", "came true"),
        (days.expected, "tab:blue", "promised"),
    ):
        axes.plot(days.day, values / days.calls, "o-", color=colour, markersize=3, label=title)
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(frameon=False, fontsize=8, ncols=2)


def _missed(axes: Axes, name: str, head: HeadDays) -> None:
    days = head.days.take(head.days.information >= LEAST_INFORMATION)
    axes.set_title(f"{name}: came true less promised, log-odds", fontsize=10)
    axes.axhline(0, color="0.6", linewidth=1)
    axes.errorbar(
        days.day, days.missed, 2 / np.sqrt(days.information), fmt="o", color="tab:blue", markersize=3
    )


def _scores(axes: Axes, name: str, head: HeadDays) -> None:
    """Bands of the training's bins, each a tenth of its chances: unequal ones are a shift."""
    axes.set_title(f"{name}: chances in the training's tenths", fontsize=10)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if head.scored.size:
        bands = head.bins[:, :-1].T
        colours = colormaps["coolwarm"](np.linspace(0.05, 0.95, len(bands)))
        axes.stackplot(head.scored, bands, colors=colours, step="mid", linewidth=0)


def _calendar(axes: Axes, most: int = 6) -> None:
    """Days since 1970-01-01 as dates, no more than fit."""
    first, last = (round(end) for end in axes.get_xlim())
    ticks = np.arange(first, last + 1, max(1, -(-(last - first) // most)))
    axes.set_xticks(ticks, [f"{day.item():%d %b}" for day in ticks.astype("datetime64[D]")])
    axes.tick_params(labelsize=8)
