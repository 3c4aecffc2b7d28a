"""The KPIs for people: a page of definitions, and a report as a table."""

from rich.table import Table

from .measures import CONVERSIONS, DEFINITION_VERSION, MEASURES, Measure, Share, Wait
from .report import DIMENSIONS, KpiReport, KpiRow

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
attempts can still come. `policy` is the arm of the decision an attempt carried out; hours and weekdays are
those of the campaign's own zone.

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
