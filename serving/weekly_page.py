"""Weekly page: a week as one HTML file for who runs the floor; pictures inside, nothing from elsewhere."""

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, PercentFormatter

from features.instants import render

from .kpi.dashboard import REACHED, RESPONSE
from .kpi.lift import Arm, Attribution
from .kpi.switchback import Switched
from .kpi.trial import Rival
from .weekly import Week

INK, MUTED, BLUE, ORANGE, GREEN, RED = "#1c2430", "#68748a", "#2563a8", "#d9822b", "#2e8b57", "#b8322a"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LOOKS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "leadrank",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": "#c5ccd6",
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}
_STYLE = f"""
body{{font:15px/1.5 "Segoe UI",Helvetica,Arial,sans-serif;color:{INK};background:#f3f5f8;margin:0}}
main{{max-width:1060px;margin:0 auto;padding:28px 20px 48px}}
h1{{font-size:26px;margin:0}} h2{{font-size:17px;margin:0 0 4px}} .sub,.note{{color:{MUTED}}}
.note{{font-size:13px}}
.verdict{{background:#fff;border-left:6px solid var(--tone);border-radius:8px;padding:16px 20px;margin:18px 0;
font-size:18px}} .tiles{{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:12px}}
.tile,.card{{background:#fff;border-radius:8px;padding:14px 18px;box-shadow:0 1px 2px #0001}}
.tile b{{display:block;font-size:25px;font-weight:600}} .cards{{display:grid;gap:14px;margin-top:14px;
grid-template-columns:repeat(auto-fit,minmax(460px,1fr))}} svg{{width:100%;height:auto}}
table{{border-collapse:collapse;width:100%;font-size:14px}} td,th{{padding:5px 8px;text-align:right;
border-bottom:1px solid #e6eaf0}} td:first-child,th:first-child{{text-align:left}}
th{{color:{MUTED};font-weight:500}}
"""
_TILES = (
    ("Call conversion rate", "sales per 100 calls", "{:.2f} %"),
    ("Average call seconds", "average call duration", "{:.0f} s"),
    (RESPONSE, "median wait for the first contact", "{:.0f} min"),
    ("Sales per agent-hour", "sales per agent-hour", "{:.3f}"),
    ("Value per agent-hour", "value per agent-hour", "{:,.1f}"),
    ("Contact rate", "calls that reached a person", "{:.1f} %"),
    ("Abandon rate", "live answers abandoned", "{:.2f} %"),
    ("Calls", "calls", "{:,.0f}"),
)


def page(week: Week) -> str:
    """The whole file."""
    monday = _date(week.monday)
    last = _date(week.days[-1])
    cards = [_lift_card(week), _arms_card(week), _response_card(week), _hours_card(week), _rails_card(week)]
    cards += [_trial_card(week), _turns_card(week), _aim_card(week), _quality_card(week)]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(week.campaign)}, week of {monday}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body><main>
<h1>{escape(week.campaign)}</h1><div class="sub">Week of {monday:%A %d %B %Y}, up to {last:%A %d %B}; models:
{escape(week.models)}</div>
{_verdict(week)}<div class="tiles">{"".join(_tile(week, *tile) for tile in _TILES)}</div>
<p class="note">Sales are net of cancellations. {_ripeness(week)}</p>
<div class="cards">{"".join(cards)}</div></main></body></html>
"""


def _verdict(week: Week) -> str:
    tone, said = _judged(week.arms)
    return f'<div class="verdict" style="--tone:{tone}">{said}</div>'


def _judged(arms: Attribution | None) -> tuple[str, str]:
    """The colour and the sentence of what may be said of the ranking."""
    if arms is None:
        return MUTED, "No holdout is kept: what the ranking brings can't be told."
    if not arms.lifts:
        return MUTED, f"Nothing can be said of the ranking yet: {escape(arms.refusal)}."
    sales = arms.lifts[0]
    figure = f"<b>{sales.relative:+.0%}</b> sales per agent-hour over the holdout since the campaign began"
    band = f"from {max(sales.always.low, -1.0):+.0%} to {sales.always.high:+.0%}"
    if sales.always.low > 0:
        return GREEN, f"The ranking helps: {figure}, surely {band}."
    if sales.always.high < 0:
        return RED, f"The ranking does harm: {figure}, surely {band}."
    return ORANGE, f"Too early to say whether the ranking helps: {figure}, but it may be anything {band}."


def _tile(week: Week, title: str, says: str, form: str) -> str:
    value, was = week.now.get(title), week.before.get(title)
    shown = "&ndash;" if value is None else form.format(value)
    before = "" if was is None else f'<span class="note">week before: {form.format(was)}</span>'
    return f'<div class="tile"><b>{shown}</b>{says}<br>{before}</div>'


def _ripeness(week: Week) -> str:
    if week.ripe == 1:
        return "None can come any more: the figures are final."
    return f"At {render(week.at)} sales of {1 - week.ripe:.0%} of these calls could still come."


def _lift_card(week: Week) -> str:
    if not week.looks:
        return ""
    with mpl.rc_context(_LOOKS):
        figure = Figure(figsize=(6.4, 3.0), layout="constrained")
        axes = figure.add_subplot()
        days = np.array([one.day for one in week.looks], np.int64).astype("datetime64[D]")
        ends = np.array([[one.low, one.high] for one in week.looks])
        middle = [one.lift for one in week.looks]
        axes.fill_between(days, ends[:, 0], ends[:, 1], color=BLUE, alpha=0.16, linewidth=0)
        axes.plot(days, middle, color=BLUE, marker="o", markersize=3)
        axes.axhline(0, color=MUTED, linewidth=1)
        reach = float(np.clip(np.abs(middle).max() * 3, 0.5, 4.0))
        axes.set_ylim(max(-reach, -1.05), reach)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        _few_days(axes, days)
    says = (
        "Sales per agent-hour, model over holdout, from the campaign's begin to each day. "
        "The band may be read every day."
    )
    return _card("Did the ranking help?", says, _svg(figure))


def _arms_card(week: Week) -> str:
    if not week.shares or week.promised is None:
        return ""
    with mpl.rc_context(_LOOKS):
        figure = Figure(figsize=(6.4, 3.0), layout="constrained")
        axes = figure.add_subplot()
        days = np.array(list(week.shares), np.int64).astype("datetime64[D]")
        model = np.array(list(week.shares.values()))
        axes.bar(days, model, color=BLUE, width=0.6, label="model")
        axes.bar(days, 1 - model, bottom=model, color=ORANGE, width=0.6, label="holdout")
        axes.axhline(week.promised, color=INK, linewidth=1, linestyle="--", label="promised")
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
        _few_days(axes, days)
    off = [f"{arm.name} is off its promised share" for arm in week.arms.arms if arm.off] if week.arms else []
    note = "; ".join(off) or "both arms have had their promised share since the campaign began"
    return _card("Shares of agent hours", f"By day. {note[0].upper()}{note[1:]}.", _svg(figure))


def _response_card(week: Week) -> str:
    with mpl.rc_context(_LOOKS):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axes = figure.add_subplot()
        for place, curve in enumerate(week.curves):
            seconds = np.maximum(np.concatenate([[1.0], curve.seconds]), 1.0)
            reached = 1 - np.concatenate([[1.0], curve.waiting])
            style = {"color": INK, "linewidth": 2.2} if place == 0 else {"linewidth": 1.2}
            axes.step(seconds, reached, where="post", label=f"{curve.name} ({curve.leads:,})", **style)
        ticks = {60: "1 min", 300: "5 min", 3600: "1 h", 6 * 3600: "6 h", 86400: "1 d", 7 * 86400: "7 d"}
        axes.set(xscale="log", xlim=(30, 7 * 86400), ylim=(0, 1))
        axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: ticks.get(round(value), "")))
        axes.xaxis.set_minor_locator(FixedLocator([]))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    told = [(title.lower().removeprefix("reached "), week.now.get(title)) for title, _ in REACHED]
    within = ", ".join(f"{value:.0f} % {when}" for when, value in told if value is not None)
    says = f"Share of the week's leads reached after their receipt (Kaplan-Meier): {within or 'no leads'}."
    return _card("How soon were leads reached?", says, _svg(figure))


def _hours_card(week: Week) -> str:
    with mpl.rc_context(_LOOKS):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axes = figure.add_subplot()
        open_ = np.flatnonzero(week.calls.sum(axis=0))
        first, last = (int(open_[0]), int(open_[-1]) + 1) if open_.size else (0, 24)
        rate = np.where(week.calls > 0, week.contacts / np.maximum(week.calls, 1), np.nan)[:, first:last]
        drawn = axes.imshow(rate, cmap="YlGnBu", vmin=0, aspect="auto")
        for row, column in np.argwhere(~np.isnan(rate)).tolist():
            dark = rate[row, column] > 0.6 * np.nanmax(rate)
            told = f"{week.calls[row, first + column]:.0f}"
            axes.text(
                column, row, told, ha="center", va="center", fontsize=6, color="white" if dark else MUTED
            )
        axes.set_yticks(range(7), _DAYS)
        axes.set_xticks(range(last - first), [str(hour) for hour in range(first, last)])
        figure.colorbar(drawn, ax=axes, format=PercentFormatter(1.0, decimals=0))
    says = "Share of calls that reached a person, by hour of the site's clock; the numbers are calls."
    return _card("Which hours reach people?", says, _svg(figure))


def _rails_card(week: Week) -> str:
    if week.arms is None:
        return ""
    arms = week.arms.arms
    rows = [
        ("sales per agent-hour", [_per_hour(arm, "conversions_per_agent_hour", ".3f") for arm in arms]),
        ("value per agent-hour", [_per_hour(arm, "value_per_agent_hour", ",.1f") for arm in arms]),
        ("calls", [f"{arm.attempts:,}" for arm in arms]),
        ("agent hours", [f"{arm.agent_hours:,.1f}" for arm in arms]),
        (
            "abandoned, % of live answers",
            [_or_dash(arm.guardrails["abandon_rate"], "{:.2f}") for arm in arms],
        ),
        (
            "opt-outs per 1,000 contacts",
            [_or_dash(arm.guardrails["opt_outs_per_1000_contacts"], "{:.1f}") for arm in arms],
        ),
        ("mean hours to the first contact", [_hours(arm.guardrails["lead_response_s"]) for arm in arms]),
    ]
    worse = [f"{name.replace('_', ' ')} is worse in the model's arm" for name in week.arms.worse]
    says = f"Since the campaign began. {'; '.join(worse) or 'No guardrail is broken'}."
    sales = week.arms.sales
    account = (
        f"{sales.credited.number:,} sales (gross) credited to decisions, {sales.organic.number:,} organic, "
        f"{sales.outside_window.number:,} outside the window."
    )
    table = _table(["", *(arm.name for arm in arms)], rows)
    return _card("Guardrails and arms", says, f'{table}<p class="note">{account}</p>')


def _trial_card(week: Week) -> str:
    """The experiment's arms, each against the first one."""
    if week.course is None:
        return ""
    trial, rivals = week.course.trial, {one.name: one for one in week.course.trial.rivals}
    rows = [
        (
            arm.name,
            [
                f"{arm.leads:,}",
                f"{arm.share:.0%} ({arm.promised:.0%})",
                _per_hour(arm, "conversions_per_agent_hour", ".3f"),
                _against(rivals.get(arm.name)),
            ],
        )
        for arm in trial.arms
    ]
    says = f"Each arm against {trial.arms[0].name}, by the band that may be read every day."
    heads = ["arm", "leads", "share of hours (promised)", "sales per agent-hour", "lift"]
    return _card(f"Experiment {escape(week.course.experiment.name)}", says, _table(heads, rows))


def _turns_card(week: Week) -> str:
    """The days on which a switchback's rules held, against the others."""
    if week.turns is None:
        return ""
    found = week.turns.account
    rows = [
        (
            arm.name,
            [
                str(days),
                f"{arm.share:.0%}",
                _per_hour(arm, "conversions_per_agent_hour", ".3f"),
                _against(found) if arm is found.arms[1] else "-",
            ],
        )
        for days, arm in zip(found.days, found.arms, strict=True)
    ]
    says = (
        "Days on against days off, the first hour of each left out, by the band that may be read every day."
    )
    heads = ["days", "with calls", "share of hours", "sales per agent-hour", "lift"]
    return _card(f"Switchback {escape(week.turns.switchback.name)}", says, _table(heads, rows))


def _against(rival: Rival | Switched | None) -> str:
    if rival is None:
        return "-"
    if not rival.lifts:
        return rival.refusal
    sales = rival.lifts[0]
    return f"{sales.relative:+.0%} ({max(sales.always.low, -1.0):+.0%} to {sales.always.high:+.0%})"


def _aim_card(week: Week) -> str:
    if week.aim is None:
        return ""
    aim = week.aim
    share = min(aim.sold / aim.target, 1.0)
    bar = (
        f'<div style="background:#e6eaf0;border-radius:6px;height:14px"><div style="width:{share:.0%};'
        f'background:{GREEN if aim.chance >= 0.5 else ORANGE};height:14px;border-radius:6px"></div></div>'
    )
    says = f"{aim.sold:,} of {aim.target:,} sales of the {aim.period}; chance to get there {aim.chance:.0%}."
    return _card("Goal", says, bar)


def _quality_card(week: Week) -> str:
    rows = [
        (one.name, [f"{one.calls:,}", f"{one.late:.1%}", f"{one.unsaid:.1%}"])
        for one in sorted(week.sources, key=lambda one: -one.calls)
    ]
    says = (
        f"By source of leads. {week.quarantined:,} calls of the week (of all campaigns) wait in quarantine "
        "and are not counted."
    )
    heads = ["source", "calls", "told late", "talk unsaid"]
    return _card("Can the figures be trusted?", says, _table(heads, rows))


def _card(title: str, says: str, content: str) -> str:
    return f'<div class="card"><h2>{title}</h2><div class="note">{escape(says)}</div>{content}</div>'


def _table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in heads)
    body = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _per_hour(arm: Arm, kpi: str, form: str) -> str:
    value, interval = arm.per_hour[kpi]
    if value is None:
        return "-"
    ends = "" if interval is None else f" ({interval.low:{form}} to {interval.high:{form}})"
    return f"{value:{form}}{ends}"


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _hours(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 3600:.1f}"


def _few_days(axes: Axes, days: np.typing.NDArray[np.datetime64]) -> None:
    """At most eight days are named."""
    some = days[:: max(1, -(-days.size // 8))]
    named = [f"{day.astype(object):%d %b}" for day in some]
    axes.set_xticks(some, named)


def _svg(figure: Figure) -> str:
    """The picture as text to stand inside a page."""
    written = StringIO()
    with mpl.rc_context(_LOOKS):
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    text = written.getvalue()
    return text[text.index("<svg") :]


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
