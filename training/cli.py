"""The commands of the room that learns: `leadrank train`, `race`, `promote`, `rollback`."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from features.errors import LeadrankError
from features.screen import screen

if TYPE_CHECKING:
    from features import Past
    from features.handed import Handed

    from .pipeline import Tune
    from .race import RaceReport
    from .report import TrainingReport
    from .tracking import Succession, Tracking
    from .worlds import Gap

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
race_app = typer.Typer(
    no_args_is_help=True, help="Our heads against their rivals on real data, in time order."
)
app.add_typer(race_app, name="race")

_EXAMPLES = """
Examples:

    leadrank train

    leadrank train --search 2m

    leadrank train --database postgresql://leadrank@db/leadrank --at 2026-01-19T00:00:00Z --json -
"""


_PROMOTE_EXAMPLES = """
Examples:

    leadrank promote 7

    leadrank promote 8 --despite-gate
"""

_ROLLBACK_EXAMPLES = """
Example:

    leadrank rollback
"""

_WORLD_EXAMPLES = """
Examples:

    leadrank race world --family F0 --seed 1 --seed 2

    leadrank race world --json worlds.json
"""

_RACE_EXAMPLES = """
Examples:

    leadrank race bank-marketing --data bank-additional.zip

    leadrank race bank-marketing --data bank-additional.zip --every 1000 --json race.json
"""


@app.callback()
def _learns() -> None:
    """Train the models and race them against their rivals."""


@app.command(epilog=_EXAMPLES)
def train(
    database: Annotated[str | None, typer.Option(help="Database URL; else LEADRANK_DATABASE_URL.")] = None,
    at: Annotated[
        str | None,
        typer.Option(help="As of this RFC 3339 instant: on what was known by then."),
    ] = None,
    mlflow_uri: Annotated[str | None, typer.Option(help="MLflow's URI; else LEADRANK_MLFLOW_URI.")] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON; `-` for stdout.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="A protected attribute that may be a feature here.")
    ] = None,
    allow_suspicious: Annotated[
        list[str] | None,
        typer.Option(
            help="A feature that is honest although it tells a lot; also LEADRANK_ALLOW_SUSPICIOUS."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of a fit.")] = 2,
    seed: Annotated[int, typer.Option(help="Of the gate's bootstrap.")] = 7,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="BUDGET",
            help="Tune each head's trees first: so many trials (40) or so long (90s, 2m, 1h).",
        ),
    ] = None,
) -> None:
    """Train the answer and conversion heads, pass the gate, publish the bundle.

    Each training is a run in MLflow; its bundle becomes a version of the model `leadrank` under the
    alias `champion`, or `challenger` where the gate refuses it. A search that was interrupted goes on where
    it was when asked the same again (`--at`); later trainings keep what the champion's search found.
    """
    _quiet()
    console = screen(errors=True)
    with console.status("reading the past") as status, _told(console):
        import numpy as np

        from features.instants import parse

        from .pipeline import Stopwatch
        from .pipeline import train as train_
        from .settings import TrainingSettings
        from .tracking import Tracking

        settings = TrainingSettings()
        instant, watch = parse(at) if at else time.time_ns() // 1_000, Stopwatch(status.update)
        with watch.stage("reading", "reading the past"):
            url, secret = database or settings.database_url, settings.secret_text()
            past, note, handed = _past(url, secret, instant if at else None)
        if note:
            console.print(note, soft_wrap=True)
        report = train_(
            past,
            instant,
            rng=np.random.default_rng(seed),
            tracking=Tracking(mlflow_uri or settings.mlflow_uri),
            allowed=frozenset(allow or ()),
            suspicious=frozenset([*(allow_suspicious or ()), *settings.suspicious()]),
            threads=threads,
            watch=watch,
            tune=_tune(search, settings.search_file, threads, status.update),
            handed=handed,
        )
    if json_file != "-":
        screen().print(_table(report), f"{report.alias}: {report.verdict.reason}")
        if report.degraded:
            screen().print(f"degraded: {report.degraded}", soft_wrap=True)
        screen().print(f"windows of a week: {report.bundle.timing.sentence}")
        for column, reason in report.refused.items():
            screen().print(f"refused as a feature: {column} ({reason})")
        for head, reason in report.left_out.items():
            screen().print(f"without a head of its own, means stand in: {head} ({reason})")
    _write(json_file, report.as_json())


@app.command(epilog=_PROMOTE_EXAMPLES)
def promote(
    version: Annotated[
        str, typer.Argument(help="A version's number in the registry; `GET /v1/models` lists them.")
    ],
    despite_gate: Annotated[
        bool, typer.Option("--despite-gate", help="Even one that the gate refused.")
    ] = False,
    mlflow_uri: Annotated[str | None, typer.Option(help="MLflow's URI; else LEADRANK_MLFLOW_URI.")] = None,
) -> None:
    """Make a registered version champion: the service takes it over without a restart."""
    _succeed(mlflow_uri, lambda tracking: tracking.promote(version, despite_gate))


@app.command(epilog=_ROLLBACK_EXAMPLES)
def rollback(
    mlflow_uri: Annotated[str | None, typer.Option(help="MLflow's URI; else LEADRANK_MLFLOW_URI.")] = None,
) -> None:
    """Make the former champion champion again; a second time undoes the first."""
    _succeed(mlflow_uri, lambda tracking: tracking.rollback())


def _succeed(mlflow_uri: str | None, change: Callable[["Tracking"], "Succession"]) -> None:
    """Change the champion, and say who is and who was."""
    _quiet()
    with _told(screen(errors=True)):
        from .settings import TrainingSettings
        from .tracking import Tracking

        done = change(Tracking(mlflow_uri or TrainingSettings().mlflow_uri))
    before = "none was before" if done.former is None else f"before it {done.former}: `leadrank rollback`"
    screen().print(f"champion: version {done.champion} ({before})", soft_wrap=True)


@race_app.callback()
def _races() -> None:
    """Our heads against their rivals on real data, in time order."""


@race_app.command("bank-marketing", epilog=_RACE_EXAMPLES)
def bank_marketing(
    file: Annotated[Path, typer.Option("--data", help="bank-additional.zip or bank-additional-full.csv.")],
    every: Annotated[list[int] | None, typer.Option(help="Retrain every so many calls; may repeat.")] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the table as JSON; `-` for stdout.")
    ] = None,
    mlflow_uri: Annotated[str | None, typer.Option(help="MLflow's URI; else LEADRANK_MLFLOW_URI.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of a fit.")] = 2,
) -> None:
    """The last third of 41,188 bank calls in the order of time, from a rolling window of 20,000."""
    _quiet()
    console = screen(errors=True)
    with _bar(console) as bar, _told(console):
        from features.instants import NEVER
        from features.sources.bank_marketing import bank_past

        from .race import course, fits_of, race, record_of, refuse
        from .settings import TrainingSettings
        from .tracking import Tracking

        paces = every or [1_000, 100]
        task = bar.add_task("features", total=None)
        on = course(bank_past(file), NEVER)
        bar.update(task, description="fits", total=fits_of(on, paces))
        report = race(on, paces, refuse(["duration"]), threads, lambda: bar.advance(task))
        bar.update(task, description="MLflow")
        run_id = Tracking(mlflow_uri or TrainingSettings().mlflow_uri).record(
            record_of(report, time.time_ns() // 1_000)
        )
    if json_file != "-":
        _show(report)
    _write(json_file, {**report.as_json(), "run_id": run_id})


@race_app.command("world", epilog=_WORLD_EXAMPLES)
def world(
    family: Annotated[list[str] | None, typer.Option(help="F0 to F4; may repeat; else all.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Of the world; may repeat.")] = None,
    scale: Annotated[float, typer.Option(help="1 is about 15,400 leads a week.")] = 0.2,
    untold: Annotated[bool, typer.Option("--untold", help="Leads come without what they are worth.")] = False,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON; `-` for stdout.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of a fit.")] = 2,
) -> None:
    """Heads taught three weeks of a simulated world, beside its truth in the fourth."""
    _quiet()
    console = screen(errors=True)
    with console.status("simulating") as status, _told(console):
        from .worlds import FAMILIES, gaps

        found = []
        for name in family or FAMILIES:
            for number in seed or [1]:
                status.update(f"world {name} seed {number}")
                found += gaps(name, number, scale, threads, told=not untold)
    if json_file != "-":
        _show_gaps(found)
    _write(json_file, [asdict(one) | {"closed": one.closed} for one in found])


def _show_gaps(found: Sequence["Gap"]) -> None:
    """A line for each head of each world."""
    names = ("head", "calls", "constant", "ours", "observable", "truth", "of gap closed")
    table = Table(box=None, padding=(0, 1, 0, 0))
    for column in ("world", *names):
        table.add_column(column, justify="left" if column in ("world", "head") else "right", no_wrap=True)
    for one in found:
        costs = (one.constant, one.ours, one.coefficients, one.truth)
        told = ["" if isnan(cost) else f"{cost:.4f}" for cost in costs]
        table.add_row(f"{one.world} seed {one.seed}", one.head, f"{one.calls:,}", *told, f"{one.closed:.2f}")
    screen().print(table)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _show(report: "RaceReport") -> None:
    from .evaluate import MEASURES
    from .race import shown

    console = screen()
    console.print(f"The last {report.scored:,} of {report.calls:,} calls, {report.sold:,} sales")
    for pace in dict.fromkeys(run.every for run in report.runs):
        title = f"retrained every {pace:,} calls" if pace else "taught 80% of the calls, scored on the rest"
        figures = _columns(title, *(measure.short for measure in MEASURES.values()))
        ahead = _columns("", "ahead by", "standard error", "s/fit")
        for run, measures, one in zip(report.runs, report.measures, report.duels, strict=True):
            if run.every == pace:
                figures.add_row(run.learner, *(shown(measures[key], 3) for key in MEASURES))
                told = ("", "") if one is None else (f"{one.ahead:+.4f}", f"{one.error:.4f}")
                ahead.add_row(run.learner, *told, f"{run.seconds / run.fits:.2f}")
        console.print(figures)
        console.print(ahead)
    for column, reason in report.refused.items():
        console.print(f"refused as a feature: {column} ({reason})")
    console.print(
        f"leadrank's settings, chosen on the calls before: strength {report.choice.strength:g}, "
        f"{report.choice.trees} trees"
    )


def _columns(title: str, *names: str) -> Table:
    """An empty table of learners, with a title or none."""
    table = Table(box=None, padding=(0, 1, 0, 0), title=title or None, title_justify="left")
    for column in ("learner", *names):
        table.add_column(column, justify="left" if column == "learner" else "right", no_wrap=True)
    return table


def _past(database: str, secret: str | None, until: int | None) -> tuple["Past", str, "Handed"]:
    """All that the store knows, or knew by `until`; a note on how it was read; what was handed out."""
    from features.instants import NEVER
    from features.store.columns_reader import read_snapshot
    from features.store.engine import open_engine, reading
    from features.store.handed import read_handed
    from features.store.migrations import upgrade

    engine, known = open_engine(database, secret), NEVER if until is None else until
    upgrade(engine)
    found = read_snapshot(engine, known)
    with reading(engine) as connection:
        return found.past, found.note, read_handed(connection, known)


def _tune(budget: str | None, file: Path, threads: int, say: Callable[[str], None]) -> "Tune | None":
    """The search that was asked for, if one was."""
    if budget is None:
        return None
    from .search import Budget, Search

    try:
        return Search(Budget.of(budget), file, threads, say).tune
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--search") from problem


def _table(report: "TrainingReport") -> Table:
    from .gate import TOLD

    table = Table(title=f"Bundle {report.bundle.version}, version {report.model_version or '-'}")
    table.add_column("on calls it had not seen")
    for name in report.heads:
        table.add_column(name, justify="right")
    heads = report.heads.values()
    table.add_row("examples", *(f"{head.examples:,}" for head in heads))
    table.add_row("of them marked", *(f"{head.marked:,}" for head in heads))
    table.add_row("trees", *(str(head.choice.trees) for head in heads))
    for key, measure in TOLD.items():
        figures = [head.measures.get(key, float("nan")) for head in heads]
        table.add_row(measure.title, *("" if isnan(figure) else f"{figure:.4f}" for figure in figures))
    stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in report.seconds.items())
    table.caption = f"seconds: {stages}"
    return table


def _write(file: str | None, told: object) -> None:
    if file is None:
        return
    text = json.dumps(told, indent=1, default=str)
    if file == "-":
        typer.echo(text)
    else:
        Path(file).write_text(text + "\n", encoding="utf-8")


@contextmanager
def _told(console: Console) -> Iterator[None]:
    """An error of the world is one line and exit code 2, not a traceback.

    Linear algebra gets one thread: its idle ones spin, and the matrices are small.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    except LeadrankError as problem:
        console.print(f"{problem.code}: {problem}", style="red")
        raise typer.Exit(2) from problem


def _quiet() -> None:
    """Before MLflow and LightGBM are imported: no telemetry, no chatter, no threads that spin idly."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    logging.getLogger("alembic").setLevel(logging.WARNING)
