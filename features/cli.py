"""The commands of the room that remembers: `leadrank simulate ...`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from .screen import screen
from .store.cli import register
from .store.feature_cli import features, write_page

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
register(app)
app.add_typer(features, name="features")
simulate = typer.Typer(
    no_args_is_help=True, help="Make a world whose truth is known, and let its floor call."
)
app.add_typer(simulate, name="simulate")

_EXAMPLES = """
Examples:

    leadrank simulate history --seed 7 --family F0 --days 14 --out var/world

    leadrank simulate history --seed 7 --drift vendor_drop --drift-day 14 --days 28 --out var/drift

    leadrank simulate history --seed 7 --dirty --out var/dirty
"""


class FamilyName(StrEnum):
    """Families of worlds."""

    F0 = "F0"
    F1 = "F1"
    F2 = "F2"
    F3 = "F3"
    F4 = "F4"


class DriftName(StrEnum):
    """Changes of a world on a day."""

    VENDOR_DROP = "vendor_drop"
    PRICE_SHOCK = "price_shock"
    ANSWER_DECLINE = "answer_decline"
    SPAM_LABEL = "spam_label"
    SCRIPT_CHANGE = "script_change"
    NEW_CHANNEL = "new_channel"


@simulate.callback()
def _of_a_world() -> None:
    """Make a world whose truth is known, and let its floor call."""


@simulate.command(epilog=_EXAMPLES)
def history(
    out: Annotated[Path, typer.Option(help="Folder for leads.ndjson, events.ndjson and world.json.")],
    seed: Annotated[int, typer.Option(min=0, help="The world; the same seed gives the same bytes.")] = 1,
    family: Annotated[
        FamilyName,
        typer.Option(
            help="F0 base, F1 hours don't matter, F2 they matter much, F3 interest fades fast, F4 slowly."
        ),
    ] = FamilyName.F0,
    scale: Annotated[float, typer.Option(min=0.001, help="1 is about 15,400 leads a week.")] = 0.4,
    days: Annotated[int, typer.Option(min=1, help="Days of history, from a Monday.")] = 14,
    agents: Annotated[
        int | None, typer.Option(min=1, help="Agents; 7.5 times the scale if not given.")
    ] = None,
    drift: Annotated[
        list[DriftName] | None, typer.Option(help="A change of the world; may be repeated.")
    ] = None,
    drift_day: Annotated[int, typer.Option(min=0, help="The day on which drifts begin.")] = 14,
    dirty: Annotated[
        bool,
        typer.Option(
            "--dirty",
            help="Deliver the events as dialers do: late, twice, wrong; "
            "and four dialers' CSV exports beside them.",
        ),
    ] = False,
) -> None:
    """Call the leads of a new world, newest first with 10 % drawn uniformly, and write what happened."""
    from .synthetic.history import play_history, summary, write_history
    from .synthetic.parameters import drifted
    from .synthetic.parameters import family as family_of
    from .synthetic.world import make_world

    console = screen()
    parameters = family_of(family.value, scale=scale, agents=agents, days=days)
    for kind in drift or []:
        parameters = drifted(parameters, kind.value, drift_day)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} days"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("calling", total=days)
        played = play_history(make_world(parameters, seed), days, on_progress=lambda at: bar.advance(task))
        bar.update(task, description="writing")
        counts = write_history(played, out, dirty=dirty)
    console.print(_table(f"world {family.value}, seed {seed}, {days} days", counts, summary(played)))
    console.print(f"written to {out}")


def _table(title: str, counts: dict[str, int], figures: dict[str, float]) -> Table:
    table = Table(title=title, show_header=False)
    for name, count in counts.items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    for name in ("contact_rate", "sales_per_contact"):
        table.add_row(name.replace("_", " "), f"{figures[name]:.1%}")
    table.add_row("median talk", f"{figures['median_talk_s']:.0f} s")
    table.add_row("sales", f"{figures['sales']:,.0f}")
    table.add_row("confirmed value per paid agent hour", f"{figures['value_per_hour']:,.0f}")
    return table


@app.command()
def docs(
    folder: Annotated[Path, typer.Option(help="Where the page lies.")] = Path("docs"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if the page is stale.")] = False,
) -> None:
    """Write features.md from the catalogue."""
    write_page(folder, check)
