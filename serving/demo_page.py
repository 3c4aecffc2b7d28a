"""What the demo shows: one table that a manager understands, and what to try next."""

from collections.abc import Mapping
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from features.instants import DAY, render

from .demo import Outcome, Place, figures, lease_ms

_WHAT = {
    "random": "anybody",
    "fewest_attempts": "least called",
    "static_score": "score at arrival",
    "newest": "newest first",
    "holdout": "holdout (newest)",
    "leadrank": "leadrank",
    "oracle": "knows the truth",
}
_COLUMNS = ("order of calls", "calls", "{main}/h", "vs newest %", "vs any %", "of gap", "{other}/h")
_MEASURES = {"value": ("value", "sales"), "conversions": ("sales", "value")}
"""By what was ranked for: the measure that is compared, and the one told beside it."""
_FORMS = {"value": "{:.0f}", "sales": "{:.2f}"}


def show(console: Console, outcome: Outcome, place: Place) -> None:
    """Print the table, the service's record and the next commands."""
    console.print(table(outcome))
    console.print(races(outcome.training), soft_wrap=True)
    console.print(record(outcome), soft_wrap=True)
    console.print(advice(place, outcome), soft_wrap=True, highlight=False)


def table(outcome: Outcome) -> Table:
    """Every policy: what an agent's hour brought, against the newest lead first and against chance."""
    course = outcome.course
    main, other = _MEASURES[course.objective]
    found = Table(
        title=f"{course.days} days, {course.agents} agents, world {course.family} seed {course.seed}",
        caption="per paid agent-hour; in brackets 95% intervals over days, paired; "
        "the gap is the way from calling anybody to knowing the truth",
        box=None,
        padding=(0, 1, 0, 0),
    )
    for column in _COLUMNS:
        found.add_column(
            column.format(main=main, other=other),
            justify="left" if column == "order of calls" else "right",
            no_wrap=True,
        )
    told = figures(outcome)
    for name, what in _WHAT.items():
        asked = f"{name}_sales" if (name, main) == ("oracle", "sales") else name
        cells = _cells(told[asked], main, other)
        found.add_row(what, *cells, style="bold green" if name == "leadrank" else "")
    return found


def races(training: Mapping[str, object]) -> str:
    """What the training's race said of each head that orders: its nearest rival, and how far ahead it is."""
    heads = cast("Mapping[str, Any]", training["heads"])
    lines = [line for name, head in heads.items() if (line := _nearest(name, head["race"]))]
    return "\n".join(["the training's race on its last calls, by AUC, with 95% intervals:", *lines])


def _nearest(head: str, race: Mapping[str, Any]) -> str:
    asked = [one for one in race["comparisons"] if one["measure"] == "auc"]
    if not asked:
        return ""
    near = min(asked, key=lambda one: one["difference"])
    ahead = f"{near['difference']:+.3f} ({near['low']:+.3f} {near['high']:+.3f})"
    own = race["measures"]["leadrank"]["auc"]
    return f"  {head}: {own:.3f}, ahead of the nearest of {len(asked)} rivals, {near['against']}, by {ahead}"


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
    begun = render(outcome.until - outcome.course.days * DAY)
    explain = f"http://127.0.0.1:8000/v1/leads/{outcome.lead_id}/explain"
    return f"""
Next, in this folder:
  export LEADRANK_DATABASE_URL={place.database} LEADRANK_MLFLOW_URI={place.mlflow} LEADRANK_SECRET={secret}
  LEADRANK_CLOCK=request .venv/bin/leadrank serve     # the service; what it understands: /openapi.json
  curl -H 'Authorization: Bearer {outcome.key}' -H 'Leadrank-Now: {render(outcome.until)}' {explain}
  .venv/bin/mlflow ui --backend-store-uri {place.mlflow}     # http://127.0.0.1:5000/?workflowType=machine_learning
  .venv/bin/leadrank kpi contact_conversion_rate --by policy
  .venv/bin/leadrank kpi board --from {begun} --to {render(outcome.until)}     # in MLflow too
  .venv/bin/leadrank train     # once more, with all that the floor learned
  make demo SEED=8             # another world
"""


def _cells(told: Mapping[str, object], main: str, other: str) -> list[str]:
    reached, beside, newest, chance, gap = (
        cast("dict[str, float]", told[name])
        for name in (
            f"{main}_per_hour",
            f"{other}_per_hour",
            f"{main}_lift_over_newest",
            f"{main}_lift_over_random",
            f"{main}_gap_closed",
        )
    )
    form = _FORMS[main]
    low, high = form.format(reached["low"]), form.format(reached["high"])
    return [
        f"{told['calls']:,}",
        f"{form.format(reached['value'])} ({low} {high})",
        f"{100 * newest['value']:+.0f} ({100 * newest['low']:+.0f} {100 * newest['high']:+.0f})",
        f"{100 * chance['value']:+.0f}",
        f"{gap['value']:.2f}",
        _FORMS[other].format(beside["value"]),
    ]
