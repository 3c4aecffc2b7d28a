"""The commands of the store: `leadrank import`, `leadrank db ...`, `leadrank quarantine ...`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..errors import BadMapping, LeadrankError
from ..instants import of, parse, render
from ..screen import screen

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .imports import ImportOrder, Tally

db = typer.Typer(no_args_is_help=True, help="Create and upgrade the database.")
quarantine = typer.Typer(no_args_is_help=True, help="What made no sense yet: list it, map it, try it again.")

DatabaseOption = Annotated[
    str | None, typer.Option("--database", help="Its URL; LEADRANK_DATABASE_URL if not given.")
]
AtOption = Annotated[str | None, typer.Option("--at", help="As of this instant, not the clock's.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to a command line."""
    app.command("import", epilog=_EXAMPLES)(import_files)
    app.add_typer(db, name="db")
    app.add_typer(quarantine, name="quarantine")


_EXAMPLES = """
Examples:

    leadrank import leads.ndjson events.ndjson

    leadrank import --mapping bank-marketing bank-additional.zip

    leadrank import --mapping our-dialer.toml --dry-run export.csv
"""


def import_files(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="NDJSON; CSV or zip with --mapping.")
    ],
    mapping: Annotated[
        str | None, typer.Option(help="A shipped mapping (bank-marketing) or the path of a TOML file.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
    ] = False,
    database: DatabaseOption = None,
    at: AtOption = None,
) -> None:
    """Import leads, events and call histories; running it again goes on where it stopped."""
    from .imports import rehearse, run_import

    with clear_errors(), store(database) as engine:
        orders = [_order(file, mapping, instant_or_now(at)) for file in files]
        for order in orders:
            with _progress(order) as advance:
                tally = (rehearse if dry_run else run_import)(engine, order, advance)
            _tell(order, tally, dry_run)
        _tell_quarantine(engine)


@db.command("upgrade")
def upgrade_database(database: DatabaseOption = None) -> None:
    """Create the database, or bring its schema up to this release."""
    with clear_errors(), store(database) as engine:
        from .migrations import HEAD

        screen().print(f"{_safe(engine)} is at revision {HEAD}", soft_wrap=True)


@db.command()
def info(database: DatabaseOption = None) -> None:
    """Say where the database is, how its schema stands and how much it holds."""
    from sqlalchemy import func, select

    from .engine import reading
    from .migrations import schema_of
    from .tables import agent, call, conversion, decision, event, lead, suppression

    with clear_errors(), store(database, upgraded=False) as engine:
        table = Table(title=_safe(engine), show_header=False)
        table.add_row("schema", schema_of(engine))
        if schema_of(engine) == "current":
            with reading(engine) as connection:
                for kind in (lead, event, call, conversion, decision, agent, suppression):
                    count = connection.execute(select(func.count()).select_from(kind)).scalar_one()
                    table.add_row(kind.name, f"{count:,}")
        screen().print(table)


@quarantine.command("list")
def list_events(
    code: Annotated[list[str] | None, typer.Option(help="Only these reason codes.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest.")] = 20,
    database: DatabaseOption = None,
) -> None:
    """List what is in quarantine and why."""
    from .engine import reading
    from .quarantine_list import list_quarantine

    with clear_errors(), store(database) as engine, reading(engine) as connection:
        table = Table("received", "source", "id", "type", "code", "detail")
        for row in list_quarantine(connection, code or [], limit):
            table.add_row(render(row.received_at), row.source, row.id, row.type, row.code, row.detail)
        screen().print(table)
        _tell_quarantine(engine)


@quarantine.command()
def replay(
    code: Annotated[list[str] | None, typer.Option(help="Only these reason codes.")] = None,
    database: DatabaseOption = None,
    at: AtOption = None,
) -> None:
    """Try quarantined events again, after a fix."""
    from .engine import transaction
    from .writes import replay_quarantine

    with clear_errors(), store(database) as engine:
        with transaction(engine) as connection:
            receipt = replay_quarantine(connection, instant_or_now(at), code or None)
        screen().print(f"{receipt.accepted + receipt.replayed:,} accepted now")
        _tell_quarantine(engine)


@quarantine.command("map")
def map_code(
    source: Annotated[str, typer.Argument(help="The events' `source`.")],
    code: Annotated[str, typer.Argument(help="Its outcome code.")],
    outcome: Annotated[str, typer.Argument(help="What it means, in leadrank's words.")],
    database: DatabaseOption = None,
    at: AtOption = None,
) -> None:
    """Say what an outcome code of a source means; `replay` then tries its events again."""
    from .codes import map_outcome
    from .engine import transaction

    with clear_errors(), store(database) as engine, transaction(engine) as connection:
        map_outcome(connection, source, code, outcome, instant_or_now(at))
        screen().print(
            f"{source}: {code} means {outcome}; now run `leadrank quarantine replay`", soft_wrap=True
        )


def _order(file: Path, mapping: str | None, at: int) -> "ImportOrder":
    from ..sources.csv_file import read_csv
    from ..sources.loading import load_mapping
    from ..sources.ndjson_file import read_ndjson
    from ..sources.opened import digest
    from .imports import ImportOrder

    found = digest(file)
    if mapping is None:
        if file.suffix.lower() in (".csv", ".zip"):
            raise BadMapping(file=file.name, why="a CSV file needs --mapping")
        return ImportOrder(file.name, found, "ndjson", read_ndjson(file), at)
    chosen, version = load_mapping(mapping)
    return ImportOrder(file.name, found, version, read_csv(file, chosen, at), at)


@contextmanager
def store(database: str | None, upgraded: bool = True) -> Iterator["Engine"]:
    """The database that the options and the environment name."""
    from ..settings import StoreSettings
    from .engine import open_engine
    from .migrations import upgrade

    settings = StoreSettings()
    engine = open_engine(database or settings.database_url, settings.secret_text())
    try:
        if upgraded:
            upgrade(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def clear_errors() -> Iterator[None]:
    """What is wrong with the world in one line, exit code 2."""
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except LeadrankError as error:
        screen(errors=True).print(f"leadrank: {error}", style="red", soft_wrap=True)
        raise typer.Exit(2) from error
    except OperationalError as error:
        screen(errors=True).print(f"leadrank: {error.orig}", style="red", soft_wrap=True)
        raise typer.Exit(2) from error


@contextmanager
def _progress(order: "ImportOrder") -> Iterator[Callable[[int], None]]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen(errors=True), transient=True) as bar:
        task = bar.add_task(order.name, total=None)
        yield lambda rows: bar.advance(task, rows)


def _tell(order: "ImportOrder", tally: "Tally", dry_run: bool) -> None:
    if tally.was_done:
        screen().print(f"{order.name}: already imported, {tally.rows:,} rows", highlight=False)
        return
    table = Table("rows", "", title=f"{order.name}{' (dry run: nothing changed)' if dry_run else ''}")
    table.add_row(f"{tally.rows:,}", f"read, {tally.skipped:,} of them by an earlier run")
    table.add_row(f"{tally.accepted:,}", "leads and events accepted")
    table.add_row(f"{tally.duplicates:,}", "known already")
    for code, count in sorted(tally.quarantined.items()):
        table.add_row(f"{count:,}", f"quarantined: {code}")
    for code, count in sorted(tally.rejected.items()):
        first = f"; the first is {tally.firsts[code]}" if code in tally.firsts else ""
        table.add_row(f"{count:,}", f"rejected: {code}{first}")
    screen().print(table)


def _tell_quarantine(engine: "Engine") -> None:
    from .engine import reading
    from .quarantine_list import count_quarantine

    with reading(engine) as connection:
        waiting = count_quarantine(connection)
    told = ", ".join(f"{count:,} {code}" for code, count in waiting.items())
    screen().print(f"in quarantine now: {told or 'nothing'}", highlight=False, soft_wrap=True)


def _safe(engine: "Engine") -> str:
    return engine.url.render_as_string(hide_password=True)


def instant_or_now(at: str | None) -> int:
    if at is None:
        return of(datetime.now(UTC))
    try:
        return parse(at)
    except ValueError as error:
        raise typer.BadParameter(f"{at} is not an instant such as 2026-01-31T09:30:00Z") from error
