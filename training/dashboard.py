"""The figures of a training: is it honest, what does its order gain, how does it fare, what moves it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from features import Feature
from features.kernel import Float64Array

from .amounts import TENTHS
from .evaluate import bins_of, top_half_gain
from .gate import Comparison
from .honesty import Honesty
from .influence import Influence
from .timeline import Timeline
from .windows import Timing

MOST_SEGMENTS = 20


def drawn_within(width: float, height: float, left: float, right: float) -> Figure:
    """An empty figure in inches with fixed edges: to have them worked out costs as much as drawing."""
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(left=left, right=right, bottom=0.5 / height, top=1 - 0.32 / height, hspace=0.28)
    return figure


def calibration_figure(head: str, label: Float64Array, chance: Float64Array) -> Figure:
    """Mean probability against share marked, in bins of equally many calls, with 95 % intervals."""
    figure = drawn_within(6.4, 4.4, left=0.11, right=0.97)
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
        title=f"{head}: does what it says come true?",
    )
    axes.legend(frameon=False)
    return figure


def gain_figure(head: str, label: Float64Array, chance: Float64Array) -> Figure:
    """Share of the marked calls held by the best share of the list, with the half-list marked."""
    figure = drawn_within(6.4, 4.4, left=0.11, right=0.97)
    axes = figure.add_subplot()
    order = np.argsort(-chance, kind="stable")
    found = np.concatenate([[0.0], np.cumsum(label[order])]) / max(label.sum(), 1.0)
    half = top_half_gain(label, chance)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="random order")
    axes.plot(np.linspace(0, 1, found.size), found, color="tab:blue", label="in the order of the model")
    axes.axvline(0.5, color="0.6", linestyle=":")
    axes.plot(0.5, half, "o", color="tab:blue")
    axes.annotate(f"the better half finds {half:.0%}", (0.5, half), xytext=(0.53, half - 0.09))
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="share of the list called",
        ylabel="share of the marked calls found",
        title=f"{head}: what calling the best first finds",
    )
    axes.legend(frameon=False, loc="lower right")
    return figure


def over_time_figure(head: str, timeline: Timeline) -> Figure:
    """What was said and what came true from one stretch of calls to the next, and how well it was ordered."""
    figure = drawn_within(8.0, 4.8, left=0.09, right=0.98)
    levels, order = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    days = timeline.at.astype("datetime64[us]")
    ends = np.array(
        [_wilson(r * n, n) for r, n in zip(timeline.came_true, timeline.calls.tolist(), strict=True)]
    )
    levels.fill_between(days, ends[:, 0], ends[:, 1], color="tab:orange", alpha=0.2, linewidth=0)
    levels.plot(days, timeline.came_true, "o-", color="tab:orange", markersize=3, label="came true")
    levels.plot(days, timeline.said, "o-", color="tab:blue", markersize=3, label="said beforehand")
    levels.set(
        ylim=(0, None), ylabel="share of calls", title=f"{head}: from one stretch of calls to the next"
    )
    levels.legend(frameon=False, loc="best", ncols=2)
    order.axhline(0.5, color="0.6", linewidth=1, linestyle=":")
    order.plot(days, timeline.measures["auc"], "o-", color="tab:green", markersize=3)
    order.set(ylabel="AUC (0.5: no order)")
    order.tick_params(axis="x", labelrotation=20)
    return figure


def race_figure(head: str, comparisons: Sequence[Comparison]) -> Figure:
    """How far the head is ahead of each rival in AUC, with the interval that the gate looks at."""
    shown = sorted((one for one in comparisons if one.measure == "auc"), key=lambda one: one.difference)
    figure = drawn_within(7.2, 1.3 + 0.34 * len(shown), left=0.26, right=0.97)
    axes = figure.add_subplot()
    rows = np.arange(len(shown))
    for row, one in zip(rows, shown, strict=True):
        colour = "tab:red" if one.high < 0 else "tab:green" if one.low > 0 else "0.45"
        axes.plot([one.low, one.high], [row, row], color=colour, linewidth=2)
        axes.plot(one.difference, row, "o", color=colour, markersize=6)
    axes.axvline(0, color="0.3", linewidth=1)
    axes.set_yticks(rows, [one.against for one in shown])
    axes.set(
        xlabel="AUC less the rival's (green: surely ahead, grey: a tie)",
        title=f"{head}: is it ahead of its rivals on the latest calls?",
    )
    return figure


def honesty_figure(head: str, found: Sequence[Honesty]) -> Figure:
    """The calibration error of each segment, what chance explains of it, and what the gate lets pass."""
    shown = sorted(found, key=lambda one: one.at_most - one.ece)[:MOST_SEGMENTS][::-1]
    figure = drawn_within(7.2, 1.3 + 0.3 * len(shown), left=0.33, right=0.97)
    axes = figure.add_subplot()
    for row, one in enumerate(shown):
        axes.plot([0, one.by_chance], [row, row], color="0.75", linewidth=8, solid_capstyle="butt")
        axes.plot(one.at_most, row, "|", color="tab:red", markersize=14)
        axes.plot(one.ece, row, "o", color="tab:red" if one.broken else "tab:blue", markersize=6)
    axes.set_yticks(range(len(shown)), [f"{one.segment} ({one.calls})" for one in shown], fontsize=8)
    axes.set(
        xlim=(0, None),
        xlabel="calibration error ECE (grey: by chance, red mark: the gate's limit)",
        title=f"{head}: is it honest of each segment?",
    )
    return figure


def week_figure(
    head: str, week_hour: Float64Array, label: Float64Array, chance: Float64Array, least: int = 5
) -> Figure:
    """Share marked and mean probability by the hour of the lead's own week; hours of few calls stay blank."""
    figure = drawn_within(9.0, 5.0, left=0.06, right=1.06)
    panels = figure.subplots(2, 1, sharex=True)
    known = ~np.isnan(week_hour)
    hour = week_hour[known].astype(np.int64)
    calls = np.bincount(hour, minlength=168).astype(np.float64)
    calls[calls < least] = np.nan
    means = [np.bincount(hour, of[known], 168) / calls for of in (label, chance)]
    top = float(np.nanmax(means, initial=0.01))
    for panel, mean, title in zip(panels, means, ("came true", "said beforehand"), strict=True):
        drawn = panel.imshow(mean.reshape(7, 24), cmap="viridis", vmin=0, vmax=top, aspect="auto")
        panel.set_yticks(range(7), ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
        panel.set_title(f"{head}: share of calls, {title}", fontsize=10)
    panels[-1].set_xticks(range(0, 24, 2))
    panels[-1].set_xlabel("hour of the lead's own day")
    figure.colorbar(drawn, ax=panels, format=PercentFormatter(1.0, decimals=0))
    return figure


def windows_figure(timing: Timing, features: Sequence[Feature], most: int = 6) -> Figure:
    """The hours of the week for everybody and for groups of leads; those hardly ever tried stay blank."""
    named = {feature.name: feature for feature in features}
    groups = [_group_name(named[field.feature], g) for field in timing.fields for g in range(field.size)]
    shown = [timing.table[0], *(timing.table[0] + own for own in timing.table[1:])][:most]
    figure = drawn_within(9.0, 0.6 + 1.3 * len(shown), left=0.06, right=1.06)
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    top = max(float(np.abs(np.array(shown)[:, timing.tried]).max(initial=0.1)), 0.1)
    for panel, curve, title in zip(panels, shown, ("everybody", *groups), strict=False):
        week = np.where(timing.tried, curve, np.nan).reshape(7, 24)
        drawn = panel.imshow(week, cmap="coolwarm", vmin=-top, vmax=top, aspect="auto")
        panel.set_yticks(range(7), ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), fontsize=6)
        panel.set_title(f"log-odds of an answer by hour: {title}", fontsize=9)
    panels[-1].set_xticks(range(0, 24, 2))
    figure.colorbar(drawn, ax=list(panels))
    return figure


def _group_name(feature: Feature, group: int) -> str:
    """The word of a category's group, or the number of another one's."""
    levels: Sequence[str] = getattr(feature, "levels", ())
    return f"{feature.name} {levels[group] if group < len(levels) else group}"


def influence_figure(head: str, found: Influence, rng: np.random.Generator, most: int = 12) -> Figure:
    """A dot per call and group of features: how much the group moved the call's log-odds (a SHAP summary)."""
    shown = list(range(min(most, len(found.groups))))[::-1]
    figure = drawn_within(8.6, 1.4 + 0.36 * len(shown), left=0.33, right=1.0)
    axes = figure.add_subplot()
    effects, height = found.effects[:, shown].ravel(), found.height[:, shown].ravel()
    row = np.tile(np.arange(float(len(shown))), found.effects.shape[0]) + rng.uniform(-0.3, 0.3, effects.size)
    known = ~np.isnan(height)
    axes.scatter(effects[~known], row[~known], s=4, color="0.7", linewidths=0)
    dots = axes.scatter(
        effects[known], row[known], c=height[known], s=4, cmap="coolwarm", vmin=0, vmax=1, linewidths=0
    )
    axes.axvline(0, color="0.3", linewidth=1)
    axes.set_yticks(
        range(len(shown)), [f"{found.groups[g].title}\n{found.leading[g]}" for g in shown], fontsize=7
    )
    axes.set(
        xlabel="effect on the log-odds of a call: left lowers, right raises", title=f"{head}: what moves it"
    )
    if shown:
        bar = figure.colorbar(dots, ax=axes, ticks=[0, 1], aspect=30)
        bar.ax.set_yticklabels(["low", "high"])
        bar.set_label("the named feature's value")
    return figure


def tenths_figure(head: str, label: Float64Array, said: Float64Array) -> Figure:
    """Mean amount said against mean amount seen, by tenths in the order of what was said."""
    figure = drawn_within(6.4, 4.6, left=0.14, right=0.97)
    axes = figure.add_subplot()
    rows = bins_of(said, TENTHS)
    told = np.array([said[r].mean() for r in rows])
    seen = np.array([np.exp(label[r]).mean() for r in rows])
    error = np.array([np.exp(label[r]).std() / np.sqrt(r.size) for r in rows])
    top = 1.05 * max(float(told.max()), float((seen + 2 * error).max()))
    axes.plot([0, top], [0, top], color="0.6", linewidth=1, label="honest")
    axes.errorbar(told, seen, 2 * error, fmt="o", color="tab:blue", label="judged calls, a tenth each")
    axes.set(xlabel="mean said beforehand", ylabel="mean seen", title=f"{head}: does what it says come true?")
    axes.legend(frameon=False, loc="upper left")
    return figure


def _wilson(marked: float, calls: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927)."""
    z = 1.959964
    middle = (marked + z**2 / 2) / (calls + z**2)
    reach = z * np.sqrt(marked * (calls - marked) / calls + z**2 / 4) / (calls + z**2)
    return float(middle - reach), float(middle + reach)
