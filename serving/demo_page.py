"""What the demo shows: one table that a manager understands, and what to try next."""

from collections.abc import Mapping
from typing import cast

from rich.console import Console
from rich.table import Table

from features.instants import render

from .demo import Outcome, Place, figures, lease_ms

_WHAT = {
    "random": "any lead",
    "fewest_attempts": "least called first",
    "static_score": "fixed score at arrival",
    "newest": "newest lead first",
    "holdout": "holdout: newest first",
    "leadrank": "leadrank",
    "oracle_sales": "who knew the truth",
}
_COLUMNS = ("order of calls", "calls", "sales/h", "vs newest", "vs random", "of the gap", "value/h")


def show(console: Console, outcome: Outcome, place: Place) -> None:
    """Print the table, the service's record and the next commands."""
    console.print(table(outcome))
    console.print(record(outcome), soft_wrap=True)
    console.print(advice(place, outcome), soft_wrap=True, highlight=False)


def table(outcome: Outcome) -> Table:
    """Every policy: what an agent's hour brought, against the newest lead first and against chance."""
    course = outcome.course
    found = Table(
        title=f"{course.days} days, {course.agents} agents, world {course.family} seed {course.seed}",
        caption="per paid agent-hour; in brackets 95% intervals over days, paired; "
        "the gap is the way from calling anybody to knowing the truth",
    )
    for column in _COLUMNS:
        found.add_column(column, justify="left" if column == "order of calls" else "right")
    told = figures(outcome)
    for name, what in _WHAT.items():
        found.add_row(what, *_cells(told[name]), style="bold green" if name == "leadrank" else "")
    return found


def record(outcome: Outcome) -> str:
    """What the dialer noticed about the service."""
    watch = outcome.watch
    return (
        f"{watch.leases:,} leads handed out over HTTP: {watch.violations} against a calling rule, "
        f"{watch.leased_twice} leased twice; a lease took {lease_ms(watch, 0.5):.0f} ms (median), "
        f"{lease_ms(watch, 0.99):.0f} ms (99th percentile)"
    )


def advice(place: Place, outcome: Outcome) -> str:
    """What to try next, with the demo's own database and models."""
    secret = f"demo-{outcome.course.family}-{outcome.course.seed}"
    explain = f"http://127.0.0.1:8000/v1/leads/{outcome.lead_id}/explain"
    return f"""
Next, in this folder:
  export LEADRANK_DATABASE_URL={place.database} LEADRANK_MLFLOW_URI={place.mlflow} LEADRANK_SECRET={secret}
  LEADRANK_CLOCK=request .venv/bin/leadrank serve     # the service; what it understands: /openapi.json
  curl -H 'Authorization: Bearer {outcome.key}' -H 'Leadrank-Now: {render(outcome.until)}' {explain}
  .venv/bin/mlflow ui --backend-store-uri {place.mlflow}     # http://127.0.0.1:5000/?workflowType=machine_learning
  .venv/bin/leadrank kpi contact_conversion_rate --by policy
  .venv/bin/leadrank train     # once more, with all that the floor learned
  make demo SEED=8             # another world
"""


def _cells(told: Mapping[str, object]) -> list[str]:
    gap = cast("dict[str, float]", told["sales_gap_closed"])["value"]
    return [
        f"{told['calls']:,}",
        _rate(told["sales_per_hour"], 2),
        _percent(told["sales_lift_over_newest"]),
        _percent(told["sales_lift_over_random"]),
        f"{gap:.2f}",
        _rate(told["value_per_hour"], 0),
    ]


def _rate(estimate: object, places: int) -> str:
    told = cast("dict[str, float]", estimate)
    return f"{told['value']:.{places}f} [{told['low']:.{places}f} {told['high']:.{places}f}]"


def _percent(estimate: object) -> str:
    told = cast("dict[str, float]", estimate)
    return f"{told['value']:+.0%} [{told['low']:+.0%} {told['high']:+.0%}]"
