"""The commands of the room that acts and accounts: `leadrank serve`, `keys`, `demo` and the page of KPIs."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, NoReturn

import orjson
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import Engine

from features.errors import LeadrankError
from features.instants import DAY, parse, render
from features.screen import screen
from features.store.engine import open_engine, reading, transaction
from features.store.keys import all_keys, revoke_key
from features.store.migrations import upgrade

from .access import SCOPES, create_key
from .settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")
app.add_typer(keys, name="keys")

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
_DEMO_EXAMPLES = """
Examples:

    leadrank demo

    leadrank demo --seed 8 --family F2 --days 5 --json demo.json
"""

Database = Annotated[str | None, typer.Option(help="Default: LEADRANK_DATABASE_URL.")]

_console, _errors = screen(), screen(errors=True)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Loopback, unless you say otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; leases hold across them.")] = 1,
    database: Database = None,
) -> None:
    """The HTTP service; settings come from the environment (docs/operations.md)."""
    import uvicorn

    from .errand import IMPATIENT

    for name, word in IMPATIENT.items():
        os.environ.setdefault(name, word)
    if database is not None:
        os.environ["LEADRANK_DATABASE_URL"] = database
    settings = Settings()
    if workers > 1 and settings.clock == "request":
        fail("LEADRANK_CLOCK=request keeps one clock: serve with one worker")
    opened(None).dispose()
    with NamedTemporaryFile(prefix="leadrank-crowd-") as crowd:
        if workers > 1:
            os.environ["LEADRANK_CROWD"] = crowd.name
        uvicorn.run(
            "serving.app:from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers if workers > 1 else None,
            timeout_keep_alive=75,
            access_log=False,
            server_header=False,
            log_level="warning" if settings.log_level == "info" else settings.log_level,
        )


@app.command("compile")
def compile_loops() -> None:
    """Compile every loop into numba's cache, once, rather than in the first request or training."""
    from features.compute import warm_up as features
    from training.bundle import warm_up as models

    from .ranking.reasons import warm_up as reasons
    from .ranking.waiting import warm_up as waiting
    from .rehearsal import rehearse

    for warm_up in (features, models, reasons, waiting, rehearse):
        warm_up()


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="Whom the key is for.")],
    scopes: Annotated[str, typer.Option(help=f"Of {', '.join(SCOPES)}; separated by commas.")],
    campaigns: Annotated[str | None, typer.Option(help="Separated by commas. Default: all.")] = None,
    database: Database = None,
) -> None:
    """Print a new key. It is shown this once; the database keeps only a keyed hash of it."""
    wanted = None if campaigns is None else words_of(campaigns)
    engine = opened(database)
    try:
        token = create_key(engine, name, words_of(scopes), wanted, now())
    except ValueError as error:
        fail(str(error))
    typer.echo(token)


@keys.command("list")
def keys_list(database: Database = None) -> None:
    """Every key, the revoked ones too; never the keys themselves."""
    with reading(opened(database)) as connection:
        found = all_keys(connection)
    table = Table("key", "name", "scopes", "campaigns", "made", "revoked")
    for key in found:
        reach = "all" if key.campaigns is None else " ".join(sorted(key.campaigns))
        gone = "" if key.revoked_at is None else render(key.revoked_at)
        table.add_row(key.key_id, key.name, " ".join(sorted(key.scopes)), reach, render(key.created_at), gone)
    _console.print(table)


@keys.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(help="As `leadrank keys list` shows it.")],
    database: Database = None,
) -> None:
    """Revoke a key; running services refuse it within seconds."""
    with transaction(opened(database)) as connection:
        revoked = revoke_key(connection, key_id, now())
    if not revoked:
        fail(f"there is no key {key_id}, or it was revoked before")
    typer.echo(f"revoked {key_id}")


@app.command(epilog=_DEMO_EXAMPLES)
def demo(
    seed: Annotated[int, typer.Option(min=0, help="The world; another seed is another world.")] = 7,
    family: Annotated[
        str, typer.Option(help="F0 to F4; `leadrank simulate history --help` explains.")
    ] = "F0",
    days: Annotated[
        int,
        typer.Option(min=1, max=60, help="Simulated days, from a Monday on; the floor is closed on Sundays."),
    ] = 6,
    objective: Annotated[str, typer.Option(help="What to rank for: value or conversions.")] = "value",
    folder: Annotated[Path | None, typer.Option(help="Default: var/demo-SEED; emptied first.")] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the table as JSON.")
    ] = None,
) -> None:
    """A simulated sales floor, from nothing to results: history, models, service, dialer, rivals."""
    from .contest import HISTORY_DAYS, Course
    from .demo import Place, as_json, play
    from .demo_page import show

    place = Place(folder or Path(f"var/demo-{seed}"), Path(f"mlruns/demo-{seed}"))
    course = Course(family=family, seed=seed, days=days, objective=objective)
    with Progress(*_COLUMNS, console=_errors) as bar:
        task = bar.add_task("", total=days)
        begun = course.world().day(HISTORY_DAYS)
        try:
            outcome = play(
                course,
                place,
                lambda stage: bar.update(task, description=stage),
                lambda at: bar.update(task, completed=(at - begun) // DAY),
            )
        except LeadrankError as error:
            fail(str(error))
    show(_console, outcome, place)
    if json is not None:
        json.write_bytes(orjson.dumps(as_json(outcome), option=orjson.OPT_INDENT_2))


@app.command()
def docs(
    folder: Annotated[Path, typer.Option(help="Where the page lies.")] = Path("docs"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where it differs.")] = False,
) -> None:
    """Write docs/kpis.md from the definitions of the KPIs."""
    from .kpi.page import page

    path = folder / "kpis.md"
    if not check:
        path.write_text(page(), encoding="utf-8")
        _console.print(f"wrote {path}", soft_wrap=True)
    elif not path.exists() or path.read_text(encoding="utf-8") != page():
        _errors.print(f"{path} is not what the code says: run `leadrank docs`", soft_wrap=True)
        raise typer.Exit(1)


def opened(database: str | None) -> Engine:
    """Open the store, brought up to this release."""
    settings = Settings()
    engine = open_engine(database or settings.database_url, settings.secret_text())
    try:
        upgrade(engine)
    except LeadrankError as error:
        fail(str(error))
    return engine


def now() -> int:
    """The clock of the machine."""
    return time.time_ns() // 1000


def instant_of(text: str) -> int:
    """Read an instant, or end with a message."""
    try:
        return parse(text)
    except ValueError as error:
        fail(f"{text}: {error}")


def words_of(text: str) -> Sequence[str]:
    """Read words separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def fail(message: str) -> NoReturn:
    """End with a message."""
    _errors.print(f"leadrank: {message}", style="red", soft_wrap=True)
    raise typer.Exit(2)
