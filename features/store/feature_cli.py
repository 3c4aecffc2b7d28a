"""The commands of features: `leadrank features build|backfill|show|describe|verify`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..errors import UnknownAgent, UnknownLeadId
from ..instants import NEVER, render
from ..screen import screen
from .cli import AtOption, DatabaseOption, clear_errors, instant_or_now, store

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ..lines import Line
    from ..past import Feature
    from .backfill import Order
    from .ledger import Ledger
    from .served_vectors import Verification
    from .set_builder import Built

features = typer.Typer(
    no_args_is_help=True, help="The features that models see: kept as files, shown for a lead, verified."
)

SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="INSTANT", help="From the UTC day of this instant on.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="As known by this instant, not the clock's.")
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Begin anew: forget what is in the folder.")]
AllowOption = Annotated[
    list[str] | None, typer.Option("--allow", help="A protected attribute that may be a feature here.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output, not a table.")]

_BUILD_EXAMPLES = """
Examples:

    leadrank features build

    leadrank features build --out var/january --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z

    leadrank features build --fresh
"""


@features.callback()
def _of_the_past() -> None:
    """The features that models see: kept as files, shown for a lead, verified."""


@features.command(epilog=_BUILD_EXAMPLES)
def build(
    out: Annotated[Path, typer.Option(help="The training set's folder.")] = Path("var/training_set"),
    since: SinceOption = None,
    until: UntilOption = None,
    fresh: FreshOption = False,
    allow: AllowOption = None,
    database: DatabaseOption = None,
) -> None:
    """Build the training set as Parquet, or extend it: a row as each call begins, a file per UTC day.

    Days that nothing new bears on are kept as they are, and a build that was killed goes on where it stopped.
    """
    with clear_errors(), store(database) as engine:
        _build(engine, out, "starts", 1, since, until, fresh, allow)


_BACKFILL_EXAMPLES = """
Examples:

    leadrank features backfill --since 2025-01-01T00:00:00Z --until 2026-01-01T00:00:00Z

    leadrank features backfill --out var/past --part-days 30

    leadrank features backfill --out shared/past --spool shared/spool --scheduler tcp://10.0.0.1:8786
"""


@features.command(epilog=_BACKFILL_EXAMPLES)
def backfill(
    out: Annotated[Path, typer.Option(help="The folder of the parts.")] = Path("var/backfill"),
    since: SinceOption = None,
    until: UntilOption = None,
    part_days: Annotated[int, typer.Option(min=1, help="Days of a part.")] = 7,
    fresh: FreshOption = False,
    allow: AllowOption = None,
    spool: Annotated[
        Path | None,
        typer.Option(help="Cut the past into stretches in this folder: less memory, parts by lead."),
    ] = None,
    stretch: Annotated[int, typer.Option(min=1, help="With --spool: so many facts at a time.")] = 1_000_000,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="With --spool: Dask workers that see both folders.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Work today's catalogue out for a stretch of the past: a row as each call ends, in Parquet parts.

    With --spool the rows stand in parts by lead, and each run writes all of them anew.
    """
    with clear_errors(), store(database) as engine:
        if spool is None and scheduler is None:
            _build(engine, out, "ends", part_days, since, until, fresh, allow)
            return
        from .training_sets import require_arrow

        require_arrow()
        from .backfill import Order

        first, last = 0 if since is None else instant_or_now(since), instant_or_now(until)
        spool, allowed = spool or Path("var/spool"), frozenset(allow or ())
        _build_in_stretches(engine, Order(out, spool, first, last, stretch, scheduler, fresh, allowed))


_SHOW_EXAMPLES = """
Examples:

    leadrank features show lead-0042 --at 2026-01-05T12:00:00Z

    leadrank features show lead-0042 --at 2026-01-05T12:00:00Z --agent joe --json
"""


@features.command(epilog=_SHOW_EXAMPLES)
def show(
    lead: Annotated[str, typer.Argument(help="The lead's id.")],
    at: AtOption = None,
    agent: Annotated[
        str | None, typer.Option(help="The agent who would call; as yet unknown if not given.")
    ] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Every feature of a lead as known strictly before an instant: its value, its meaning, its freshness."""
    from ..lines import of_lead

    with clear_errors(), store(database) as engine:
        instant, ledger = instant_or_now(at), _ledger(engine)
        row, code = _row_of(ledger, lead, instant), _agent_of(ledger, agent)
        told = of_lead(ledger.past(), row, code, instant)
        if as_json:
            _write_json(told, lead=lead, agent=agent, at=render(instant))
            return
        table = Table("feature", "value", "means", "newest fact", title=f"{lead} at {render(instant)}")
        for one in told:
            table.add_row(one.name, _shown(one.value), one.means, _newest(one))
        screen().print(table)


_DESCRIBE_EXAMPLES = """
Examples:

    leadrank features describe

    leadrank features describe --at 2026-01-05T12:00:00Z --json

    leadrank features describe --folder docs --check
"""


@features.command(epilog=_DESCRIBE_EXAMPLES)
def describe(
    at: AtOption = None,
    as_json: JsonOption = False,
    folder: Annotated[
        Path | None, typer.Option(help="Write the catalogue's page into this folder instead.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --folder: write nothing; fail if the page is stale.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Every line of the catalogue: whose past, how far back, how fresh, how many leads have a value.

    A window looks back for its length, a fading rate until a fact weighs less than a hundredth.
    """
    if folder is not None or check:
        write_page(folder or Path("docs"), check)
        return
    from ..lines import of_store

    with clear_errors(), store(database) as engine:
        instant = instant_or_now(at)
        told = of_store(_ledger(engine).past(), instant)
        if as_json:
            _write_json(told, at=render(instant))
            return
        table = Table("feature", "kind", "whose", "looks back", "newest fact", "leads with a value")
        for one in told:
            table.add_row(one.name, one.kind, one.by, _looks_back(one), _newest(one), f"{one.share or 0:.0%}")
        screen().print(table)


_VERIFY_EXAMPLES = """
Examples:

    leadrank features verify

    leadrank features verify --since 2026-01-05T00:00:00Z --sample 1000
"""


@features.command(epilog=_VERIFY_EXAMPLES)
def verify(
    since: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Scored at this instant or later.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="INSTANT", help="Scored before this instant.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Compare at most so many vectors.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Compare what models saw with what the store says of the same instants; exit code 1 if they differ.

    LEADRANK_LOG_VECTORS says of which share of leads the service keeps what the model saw.
    """
    from .engine import reading
    from .served_vectors import verify as compare

    with clear_errors(), store(database) as engine, _bar() as bar:
        first = 0 if since is None else instant_or_now(since)
        last = NEVER if until is None else instant_or_now(until)
        task = bar.add_task("vectors", total=None)
        with reading(engine) as connection:
            found = compare(connection, first, last, sample, lambda rows: bar.advance(task, rows))
    _tell_verification(found)
    if not found.passed:
        raise typer.Exit(1)


def write_page(folder: Path, check: bool) -> None:
    """Write features.md from the catalogue, or exit with 1 if it isn't what the catalogue says."""
    from ..describe import page

    path, text = folder / "features.md", page()
    if not check:
        path.write_text(text, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        screen(errors=True).print(
            f"{path} is not what the catalogue says: run `leadrank docs`", soft_wrap=True
        )
        raise typer.Exit(1)


def _build(
    engine: "Engine",
    out: Path,
    moments: str,
    part_days: int,
    since: str | None,
    until: str | None,
    fresh: bool,
    allow: Sequence[str] | None,
) -> None:
    """Read the past, bring the folder's set up to it, say what was done."""
    from ..catalogue import for_leads
    from .set_builder import Plan, begun, read_source, stretches
    from .set_builder import build as extend
    from .training_sets import require_arrow

    require_arrow()
    started = perf_counter()
    with _bar() as bar:
        task = bar.add_task("reading", total=None)
        source = read_source(engine, instant_or_now(until))
        read = perf_counter() - started
        if source.note:
            screen(errors=True).print(source.note, soft_wrap=True)
        first = None if since is None else instant_or_now(since)
        plan = Plan(for_leads(source.past.leads, frozenset(allow or ())), moments, part_days, first, fresh)
        parts = stretches(begun(out, plan), source, plan)
        bar.update(task, description="days" if part_days == 1 else "parts", total=len(parts))
        built = extend(out, source, plan, lambda _: bar.advance(task))
    _tell_built(out, built, read, "days" if part_days == 1 else "parts")
    _tell_new_words(built, plan.features)


def _build_in_stretches(engine: "Engine", order: "Order") -> None:
    """Cut the past into stretches, answer them here or on a cluster, say what was done."""
    from .backfill import backfill

    with _bar() as bar:
        task = bar.add_task("tasks", total=None)
        built = backfill(engine, order, lambda done, of: bar.update(task, advance=done, total=of))
    _tell_built(order.out, built, 0.0, "parts")


def _tell_built(out: Path, built: "Built", read: float, parts: str) -> None:
    table = Table(title=str(out), show_header=False)
    held = built.manifest
    table.add_row(parts, f"{len(held.parts):,}")
    table.add_row("of them written now", f"{built.written:,}")
    table.add_row("of them kept", f"{len(held.parts) - built.written:,}")
    table.add_row("rows", f"{held.rows:,}")
    table.add_row("columns", f"{len(held.features):,}")
    for stage, seconds in {"reading": read, **built.seconds}.items():
        table.add_row(f"seconds {stage}", f"{seconds:.2f}")
    table.add_row("size", f"{held.size / 1e6:,.1f} MB")
    screen().print(table)


def _tell_new_words(built: "Built", asked: Sequence["Feature"]) -> None:
    """Say where the store has words by now that the set was begun without."""
    mine = {feature.name: feature for feature in built.manifest.features}
    new = [feature.name for feature in asked if mine[feature.name] != feature]
    if new:
        screen().print(
            f"the set keeps the words it was begun with in {', '.join(new)}; --fresh takes up those of now",
            soft_wrap=True,
        )


def _ledger(engine: "Engine") -> "Ledger":
    from .engine import reading
    from .ledger import Ledger

    ledger = Ledger()
    with reading(engine) as connection:
        ledger.follow(connection)
    return ledger


def _row_of(ledger: "Ledger", lead: str, at: int) -> int:
    row = ledger.leads.row(lead)
    if row is None:
        raise UnknownLeadId(lead_id=lead)
    received = int(ledger.past().leads.created_at[row])
    if received >= at:
        raise UnknownLeadId(lead_id=lead, at=render(at), received=render(received))
    return row


def _agent_of(ledger: "Ledger", agent: str | None) -> int:
    code = -1 if agent is None else ledger.calls.agents.known(agent)
    if agent is not None and code < 0:
        raise UnknownAgent(agent_id=agent)
    return code


def _shown(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:g}"


def _newest(line: "Line") -> str:
    from ..freshness import CLOCK, roughly

    if line.draws_from == CLOCK:
        return "the clock"
    if line.newest is None:
        return "no facts"
    return f"{roughly(line.newest)} ago{', stale' if line.state == 'stale' else ''}"


def _looks_back(line: "Line") -> str:
    from ..freshness import roughly

    return "" if line.looks_back is None else roughly(line.looks_back)


def _tell_verification(found: "Verification") -> None:
    from ..served import Found

    table = Table(title=f"{found.vectors:,} served vectors", show_header=False)
    for kind in Found:
        table.add_row(f"values {kind.name.lower()}", f"{found.values[kind]:,}")
    table.add_row("vectors that differ by what was told since", f"{found.told_since:,}")
    table.add_row("vectors of features that mean something else now", f"{found.other_features:,}")
    screen().print(table)
    if not found.features:
        return
    worst = Table("feature", "mismatched", "missing", "extra", "served", "now", "decision")
    ordered = sorted(found.features.items(), key=lambda one: (-int(one[1].counts[1:].sum()), one[0]))
    for name, one in ordered[:10]:
        counts = [f"{one.counts[kind]:,}" for kind in list(Found)[1:]]
        worst.add_row(name, *counts, f"{one.served:.9g}", f"{one.again:.9g}", one.decision_id)
    screen().print(worst)


def _write_json(lines: Sequence["Line"], **more: object) -> None:
    told = {**more, "features": [line.as_json() for line in lines]}
    typer.echo(json.dumps(told, indent=1, allow_nan=False))


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen(errors=True), transient=True) as bar:
        yield bar
