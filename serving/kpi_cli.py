"""The commands of accounts: `leadrank kpi`, its `board` in MLflow, and `leadrank lift`."""

from functools import partial
from typing import Annotated

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from features.errors import LeadrankError
from features.screen import screen
from features.store.engine import reading

from .cli import Database, fail, instant_of, now, opened, words_of
from .settings import Settings

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
_KPI_EXAMPLES = """
Examples:

    leadrank kpi call_conversion_rate --campaign spring --by channel,hour

    leadrank kpi board --campaign spring
"""
_LIFT_EXAMPLES = """
Examples:

    leadrank lift spring

    leadrank lift spring --from 2026-03-01T00:00:00Z --json

    leadrank lift spring --order newest
"""


app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Since = Annotated[str | None, typer.Option("--from", help="An instant; default: ever.")]
Until = Annotated[str | None, typer.Option("--to", help="An instant; default: now.")]
At = Annotated[str | None, typer.Option(help="As known then; default: now.")]

_console, _errors = screen(), screen(errors=True)


@app.command(epilog=_KPI_EXAMPLES)
def kpi(
    name: Annotated[
        str | None,
        typer.Argument(help="A KPI, or `board`: all in MLflow; default: the definitions."),
    ] = None,
    campaign: Annotated[str | None, typer.Option()] = None,
    by: Annotated[str, typer.Option(help="Dimensions, separated by commas.")] = "",
    since: Since = None,
    until: Until = None,
    at: At = None,
    json: Annotated[bool, typer.Option("--json", help="As GET /v1/kpis answers.")] = False,
    database: Database = None,
) -> None:
    """A KPI by groups, with intervals: the same figures as GET /v1/kpis.

    `leadrank kpi board` closes the days that are over and brings the experiment *KPI attribution* in MLflow
    up to date: a run per day, a page per week. What stands already is left alone; stopped, it goes on.
    """
    from .accounts import Question, ask, told
    from .kpi.page import as_table, definitions

    if name is None:
        _console.print(definitions())
        return
    moment = now() if at is None else instant_of(at)
    last = moment if until is None else instant_of(until)
    if name == "board":
        _board(database, campaign, None if since is None else instant_of(since), last)
        return
    first = 0 if since is None else instant_of(since)
    question = Question(name, first, last, moment, campaign, tuple(words_of(by)))
    try:
        with reading(opened(database)) as connection:
            report = ask(connection, question)
    except LeadrankError as error:
        fail(str(error))
    if json:
        typer.echo(orjson.dumps(told(question, report), option=orjson.OPT_INDENT_2))
    else:
        _console.print(as_table(report))


def _board(database: str | None, campaign: str | None, since: int | None, until: int) -> None:
    """Bring the board of a campaign, or of every one, up to date."""
    from features.store.campaigns import campaign_names

    from .daybook import keep

    engine, uri = opened(database), Settings().mlflow_uri
    with reading(engine) as connection:
        names = campaign_names(connection) if campaign is None else [campaign]
    with Progress(*_COLUMNS, console=_errors) as bar:
        for name in names:
            say = partial(_say, bar, bar.add_task(name, total=None), name)
            try:
                shown = keep(engine, uri, name, since, until, say)
            except LeadrankError as error:
                fail(str(error))
            say("up to date", 1, 1)
            _console.print(f"{name}: {shown.days} days and {shown.weeks} weeks brought up to date")


def _say(bar: Progress, task: TaskID, name: str, what: str, done: int, of: int) -> None:
    bar.update(task, description=f"{name}: {what}", completed=done, total=of)


@app.command(epilog=_LIFT_EXAMPLES)
def lift(
    campaign: Annotated[str, typer.Argument(help="A campaign with a holdout.")],
    since: Since = None,
    until: Until = None,
    at: At = None,
    order: Annotated[
        str | None, typer.Option(help="What this order would have brought instead: newest, random, score ...")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As GET /v1/attribution answers.")] = False,
    database: Database = None,
) -> None:
    """What the model's arm brought over the holdout, per agent-hour: the same as GET /v1/attribution."""
    from features.store.reads import Stretch

    from .kpi.page import arms_table, lift_lines, switchback_lines, trial_lines
    from .trials import account_of
    from .trials import told as account_told
    from .what_if import judge, lines, told

    moment = now() if at is None else instant_of(at)
    first = 0 if since is None else instant_of(since)
    last = moment if until is None else instant_of(until)
    stretch = Stretch(first, last, moment, campaign)
    try:
        with reading(opened(database)) as connection:
            other = None if order is None else judge(connection, stretch, order)
            found = account_of(connection, stretch) if other is None else None
    except LeadrankError as error:
        fail(str(error))
    if json:
        plain = account_told(stretch, found) if found else told(stretch, other) if other else {}
        typer.echo(orjson.dumps(plain, option=orjson.OPT_INDENT_2))
        return
    said = lines(other) if other else []
    if found is not None:
        _console.print(arms_table(found.arms.arms))
        said = lift_lines(found.arms)
        if (course := found.course) is not None:
            _console.print(arms_table(course.trial.arms))
            said += trial_lines(course.experiment.name, course.trial)
        if (turns := found.turns) is not None:
            _console.print(arms_table(turns.account.arms))
            said += switchback_lines(turns.switchback.name, turns.account)
    for line in said:
        _console.print(line, soft_wrap=True)
