"""The commands that look at what serves: `leadrank watch`, `leadrank shadow`."""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from features.errors import LeadrankError
from features.instants import DAY, HOUR, MINUTE
from features.screen import screen

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .lookout import Sighting
    from .tracking import Tracking

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

_EVERY = {"m": MINUTE, "h": HOUR, "d": DAY}
_WATCH_EXAMPLES = """
Exit codes of one look: 0 nothing has drifted, 1 something has, 2 an error, 3 too little was served to tell.

Examples:

    leadrank watch --once

    leadrank watch --every 1h

    leadrank watch --once --json | jq '.drifted'
"""
_SHADOW_EXAMPLES = """
Example:

    leadrank shadow
"""
NOTHING, DRIFTED, FAILED, TOO_LITTLE = 0, 1, 2, 3


@app.callback()
def _looks() -> None:
    """Look at what serves."""


@app.command(epilog=_WATCH_EXAMPLES)
def watch(
    database: Annotated[str | None, typer.Option(help="Database URL; else LEADRANK_DATABASE_URL.")] = None,
    mlflow_uri: Annotated[str | None, typer.Option(help="MLflow's URI; else LEADRANK_MLFLOW_URI.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once; also without --every.")] = False,
    every: Annotated[str | None, typer.Option(help="Look again after 30m, 1h, 1d ... until stopped.")] = None,
    at: Annotated[str | None, typer.Option(help="As of this RFC 3339 instant; with --once.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a look, on one line.")] = False,
    all_checks: Annotated[
        bool, typer.Option("--all", help="Show every check, not only the nearest.")
    ] = False,
) -> None:
    """Whether the floor is still what the champion was taught; a drift is told once, as `drift.detected`.

    Looks at whole days (UTC): whether promises are kept as before, of all calls and by channel, over 1, 3 and
    7 days; whether features fall as they did. The service trains anew where a drift was found.
    """
    pause = _pause(every)
    while True:
        code = _look(database, mlflow_uri, _now() if at is None else _instant(at), as_json, all_checks)
        if once or pause is None:
            raise typer.Exit(code)
        time.sleep(pause)


@app.command(epilog=_SHADOW_EXAMPLES)
def shadow(
    database: Annotated[str | None, typer.Option(help="Database URL; else LEADRANK_DATABASE_URL.")] = None,
    mlflow_uri: Annotated[str | None, typer.Option(help="MLflow's URI; else LEADRANK_MLFLOW_URI.")] = None,
    at: Annotated[str | None, typer.Option(help="As of this RFC 3339 instant; default: now.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 7,
) -> None:
    """How the newest challenger would have scored the leads that the champion handed out.

    Paired on the same calls, since the challenger's training: AUC and log loss with intervals. Exit code 3
    while there is no challenger newer than the champion.
    """
    _quiet()
    import numpy as np

    from .shadowing import shadow as shadow_

    errors = screen(errors=True)
    moment = _now() if at is None else _instant(at)
    with _stores(database, mlflow_uri) as (engine, tracking):
        found = shadow_(engine, tracking, moment, np.random.default_rng(seed), errors.print)
    if found is None:
        typer.echo("there is no challenger newer than the champion")
        raise typer.Exit(TOO_LITTLE)
    typer.echo(f"{found.challenger} in the shadow of {found.champion}: {found.calls:,} calls\n")
    typer.echo(found.text)


@contextmanager
def _stores(database: str | None, mlflow_uri: str | None) -> Iterator[tuple["Engine", "Tracking"]]:
    """The store and the registry; an error of the world is one line and exit code 2."""
    from features.store.engine import open_engine
    from features.store.migrations import upgrade

    from .settings import TrainingSettings
    from .tracking import Tracking

    settings = TrainingSettings()
    try:
        engine = open_engine(database or settings.database_url, settings.secret_text())
        upgrade(engine)
        yield engine, Tracking(mlflow_uri or settings.mlflow_uri)
        engine.dispose()
    except LeadrankError as problem:
        screen(errors=True).print(f"{problem.code}: {problem}", style="red", soft_wrap=True)
        raise typer.Exit(FAILED) from problem


def _look(database: str | None, mlflow_uri: str | None, at: int, as_json: bool, all_checks: bool) -> int:
    """One look, shown; its exit code."""
    _quiet()
    from .lookout import watch as watch_

    with _stores(database, mlflow_uri) as (engine, tracking):
        found = watch_(engine, tracking, at)
    if as_json:
        typer.echo(json.dumps(_told(found)))
    else:
        _show(found, all_checks)
    if found is None or not found.watched.checks:
        return TOO_LITTLE
    return DRIFTED if found.watched.drifted else NOTHING


def _told(found: "Sighting | None") -> dict[str, object]:
    from features.instants import render

    if found is None:
        return {"bundle": None, "checks": [], "drifted": [], "news": [], "untold": ["no champion serves"]}
    return {
        "bundle": found.watched.bundle,
        "until": render(found.watched.until),
        "checks": [asdict(one) for one in found.watched.checks],
        "drifted": [one.sentence for one in found.watched.drifted],
        "news": [one.sentence for one in found.news],
        "untold": list(found.watched.untold),
        "run_id": found.run_id,
    }


def _show(found: "Sighting | None", all_checks: bool) -> None:
    from features.instants import render

    console = screen()
    if found is None:
        console.print("no champion serves: nothing to watch")
        return
    watched = found.watched
    table = Table(title=f"{watched.bundle}, days until {render(watched.until)}", box=None)
    for column in ("check", "days", "figure", "limit", "rows", ""):
        table.add_column(column, justify="left" if column in ("check", "") else "right")
    nearest = sorted(watched.checks, key=lambda one: -abs(one.figure) / one.limit)
    for one in nearest if all_checks else nearest[: max(12, len(watched.drifted))]:
        said = Text("drifted", style="red") if one.drifted else ""
        table.add_row(
            f"{one.kind} of {one.of}",
            f"{one.days}",
            f"{one.figure:+.3f}",
            f"{one.limit:.3f}",
            f"{one.rows:,}",
            said,
        )
    if watched.checks:
        console.print(table)
        console.print(f"{len(watched.checks)} checks, {len(watched.drifted)} beyond their limits")
    for why in watched.untold:
        console.print(f"not told: {why}", soft_wrap=True)


def _pause(every: str | None) -> float | None:
    """Seconds between looks; None for one look."""
    if every is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", every.strip().lower())
    if found is None:
        typer.echo(f"leadrank: --every {every}: say 30m, 1h or 1d", err=True)
        raise typer.Exit(FAILED)
    return int(found[1]) * _EVERY[found[2]] / 1e6


def _now() -> int:
    return time.time_ns() // 1_000


def _instant(text: str) -> int:
    from features.instants import parse

    try:
        return parse(text)
    except ValueError as error:
        typer.echo(f"leadrank: --at {text}: {error}", err=True)
        raise typer.Exit(FAILED) from error


def _quiet() -> None:
    """Before MLflow is imported: no telemetry, no chatter; log lines go to standard error."""
    import structlog

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
