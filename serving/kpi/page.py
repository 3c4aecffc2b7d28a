"""The KPIs for people: a page of definitions, and a report as a table."""

from collections.abc import Sequence

from rich.table import Table

from .adjusted import Adjusted
from .lift import Arm, Attribution, Foreseen, Lift
from .measures import CONVERSIONS, DEFINITION_VERSION, MEASURES, Measure, Share, Wait
from .report import DIMENSIONS, KpiReport, KpiRow
from .switchback import Switched
from .trial import Trial

_HEAD = f"""# KPIs

Written by `leadrank docs` from `serving/kpi/measures.py`; change the lines there, not here.
Definition version {DEFINITION_VERSION}.

An **attempt** is a dial started. A **contact** is a live human on the line for 10 seconds or more; a
**right-party contact** is one by its disposition. A **conversion** is a campaign's goal, once per lead and
goal: a disposition that sells, or a conversion recorded within the campaign's horizon after the lead's last
attempt. **Net** leaves out what was cancelled and, where the campaign asks for confirmation, what nobody
confirmed yet; **gross** stands beside it. An **agent hour** is an hour of agents' calls: from dial to the end
of wrap where agents dial (power, preview), talk, hold and wrap where a dialer does (predictive).

Rates are in percent. Nothing to divide by is null, never 0. A row is *immature* while conversions of its
attempts can still come. `policy` is the arm of the decision an attempt carried out: the one it echoes,
however old, else the lead's last of the half hour before. Hours, weekdays and the days of agent-days are
those of the campaign's own zone. `shift` is what the call names, else the campaign's
shift in which it started. A sale is credited over the lead's whole history, whatever stretch or campaign is
asked for: the sales of days sum to those of the month, those of campaigns to those of all. It counts for the
campaign whose attempt earned it, and one that no attempt can claim for the campaign that the lead stood in
when it bought, wherever the lead moved later. A lead received counts for the campaign that received it.
`lead_response_time` comes with Kaplan-Meier medians by the wall
clock and by the campaign's `business_hours`: leads still waiting are censored, one reached before its receipt
is invalid; its `policy` is that of the decision which the first call echoes.

`data_quality` stands beside every KPI: `missing` and `late` (told more than a day after the call) among the
attempts, `quarantined` among the calls told and `duplicate` among their tellings. Those two are of all
campaigns; grouped by `event_source`, who told of the call, they are each source's own. What a share could
be at least and at most if the calls in quarantine counted is told in `detail`.

`occupancy` comes of `agent.state`: a state lasts until the agent's next one, `break` and `off` are left out,
and so is one of which nobody said within 12 hours that it ended (`missing`). A campaign's are those of the
agents who called for it, for whomever they worked. States know no lead: by `channel`, `source`, `script` or
`policy` they are unknown.

Groups: {", ".join(f"`{name}`" for name in DIMENSIONS)}.
"""

_COLUMNS = "| KPI | what it says | formula | unit | interval |\n|---|---|---|---|---|\n"


def page() -> str:
    """The whole page in Markdown."""
    return f"{_HEAD}\n{_COLUMNS}{''.join(map(_line, MEASURES))}"


def definitions() -> Table:
    """The definitions for a terminal."""
    table = Table("KPI", "unit", "says")
    for measure in MEASURES:
        table.add_row(measure.kpi, measure.unit, measure.says)
    return table


def as_table(report: KpiReport) -> Table:
    """A report for a terminal, one row per group."""
    measure = report.measure
    words = list(report.rows[0].group) if report.rows else []
    level = next((row.interval.level for row in report.rows if row.interval), 0.95)
    table = Table(*words, f"{measure.kpi} ({measure.unit})", f"{level:.0%} interval", "n", "beside")
    for row in report.rows:
        group = ["-" if word is None else word for word in row.group.values()]
        table.add_row(*group, _figure(row.value), _ends(row), str(row.n), _beside(measure, row))
    return table


def arms_table(arms: Sequence[Arm]) -> Table:
    """Arms for a terminal."""
    heads = ("arm", "leads", "attempts", "agent hours", "share (promised)", "sales net (gross)", "value")
    table = Table(*heads, "sales/h", "value/h")
    for arm in arms:
        table.add_row(
            arm.name,
            f"{arm.leads:,}",
            f"{arm.attempts:,}",
            f"{arm.agent_hours:,.1f}",
            f"{arm.share:.1%} ({arm.promised:.1%})",
            f"{arm.net:,.0f} ({arm.gross:,.0f})",
            f"{arm.net_value:,.0f}",
            *(_figure(value) for value, _ in arm.per_hour.values()),
        )
    return table


def lift_lines(found: Attribution) -> list[str]:
    """What may be said of the model's arm, one sentence a line."""
    no = [f"No lift yet: {found.refusal}."]
    said = no if found.refusal else [line for lift in found.lifts for line in _lift_lines(lift)]
    said += _off(found.arms)
    said += [
        f"Guardrail broken: {name.replace('_', ' ')} is worse than in the holdout." for name in found.worse
    ]
    if (seen := found.foreseen) is not None:
        said.append(_foreseen_line(seen))
    sales = found.sales
    credited = f"{sales.credited.number:,} to decisions, {sales.organic.number:,} organic"
    return [*said, f"Sales, gross: {credited}, {sales.outside_window.number:,} outside the window."]


def trial_lines(name: str, trial: Trial) -> list[str]:
    """What may be said of an experiment's arms, one sentence a line."""
    first = trial.arms[0].name
    said = [f"Experiment {name}: each arm against {first}; bands hold for all comparisons together."]
    for one in trial.rivals:
        no = [f"No lift yet: {one.refusal}."]
        told = no if one.refusal else [line for lift in one.lifts for line in _lift_lines(lift, first)]
        said += [f"{one.name}: {line}" for line in told]
        said += [f"{one.name}: {rail.replace('_', ' ')} is worse than in {first}." for rail in one.worse]
        if one.foreseen is not None:
            said.append(f"{one.name}: four weeks as before it: {_foreseen_line(one.foreseen)}")
    return said + [
        f"Arm {arm.name} is off its promised share of agent hours." for arm in trial.arms if arm.off
    ]


def switchback_lines(name: str, found: Switched) -> list[str]:
    """What may be said of the days that were on, one sentence a line."""
    off, on = found.days
    said = [f"Switchback {name}: {on} days on against {off} days off, the first hour of each left out."]
    no = [f"No lift yet: {found.refusal}."]
    lifts = [_lift_line(lift, "the days off", "days") for lift in found.lifts]
    said += no if found.refusal else lifts
    said += [f"{rail.replace('_', ' ')} is worse on the days on." for rail in found.worse]
    if (seen := found.foreseen) is not None:
        said.append(
            f"{seen.days} days like those before it can show a lift of {seen.once:.0%} at one look and "
            f"{seen.always:.0%} however often one looks (four times in five)."
        )
    return [said[0], *(f"{name}: {line}" for line in said[1:])]


def _off(arms: Sequence[Arm]) -> list[str]:
    return [f"Arm {arm.name} is off its promised share of agent hours." for arm in arms if arm.off]


def _foreseen_line(seen: Foreseen) -> str:
    return (
        f"{seen.leads:,} leads of whom {seen.rate:.1%} buy can show a lift of {seen.once:.0%} at one "
        f"look and {seen.always:.0%} however often one looks (four times in five)."
    )


def _lift_lines(lift: Lift, over: str = "the holdout") -> list[str]:
    return [_lift_line(lift, over), *(_adjusted_line(lift, one) for one in lift.adjusted)]


def _adjusted_line(lift: Lift, one: Adjusted) -> str:
    ends = f"{one.interval.low:+.0%} to {one.interval.high:+.0%}"
    always = f"{one.always.low:+.0%} to {one.always.high:+.0%}"
    how = {"cuped": "CUPED", "lin": "Lin's regression"}[one.how]
    figure = f"  {how} on the agents' earlier days: {one.relative:+.0%} ({ends} at one look, {always} always)"
    return f"{figure}; {one.variance_left:.0%} of the variance of {lift.kpi.replace('_', ' ')} is left"


def _lift_line(lift: Lift, over: str, units: str = "agent-days") -> str:
    ends = f"{lift.interval.low:+.0%} to {lift.interval.high:+.0%}"
    always = f"{lift.always.low:+.0%} to {lift.always.high:+.0%}"
    seen = f"{lift.agent_days:,} {units} find {lift.detectable:.0%} four times in five"
    figure = f"{lift.kpi.replace('_', ' ')}: {lift.relative:+.0%} over {over}"
    return f"{figure} ({ends} at one look, {always} however often one looks; {seen})"


def _line(measure: Measure) -> str:
    factor = f" × {measure.scale:g}" if measure.scale != 1 else ""
    formula = f"{measure.of} / {measure.per}{factor}"
    drawn = "Wilson" if isinstance(measure, Share) else f"Student, over {measure.over.replace('_', '-')}s"
    shown = "mean wait of leads reached" if isinstance(measure, Wait) else formula
    return f"| `{measure.kpi}` | {measure.says} | {shown} | {measure.unit} | {drawn} |\n"


def _figure(value: float | None) -> str:
    return "null" if value is None else f"{value:,.2f}"


def _ends(row: KpiRow) -> str:
    return "" if row.interval is None else f"{row.interval.low:,.2f} to {row.interval.high:,.2f}"


def _beside(measure: Measure, row: KpiRow) -> str:
    told = [f"{name.replace('_', ' ')} {value:,.1f}" for name, value in row.detail.items()]
    if measure.of in CONVERSIONS and row.mature < 1:
        told.append(f"{1 - row.mature:.0%} immature")
    return ", ".join(told)
