"""Daybook: closes a campaign's days and brings the board in MLflow up to date; what stands is left alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

import numpy as np
import orjson
from sqlalchemy import Connection, Engine

from features.instants import DAY
from features.kernel import Int64Array
from features.store.engine import reading, transaction
from features.store.installation import secret_of
from features.store.kpi_days import mark_shown
from features.store.reads import Stretch, quarantined_calls, read_received

from .accounts import Assigned, read_assigned, settings_of
from .board import Board, Kept, Point, Told
from .closing import Closed, close, closed
from .errors import NoHoldout
from .kpi.cells import Cells
from .kpi.dashboard import LIFT, LIFT_HIGH, LIFT_LOW, QUARANTINED, live, of_calls, of_leads, of_lift, of_side
from .kpi.lift import account
from .kpi.quantities import Waits
from .switchbacks import SIDE, in_force
from .trials import account_from
from .weekly import Look, Week, monday_of, read_week
from .weekly_page import page

WINDOW = 92 * DAY
"""Days that are over for longer stay as they were shown last, unless they are asked for."""

Say = Callable[[str, int, int], None]
"""What is done, how much of it is, of how much."""


@dataclass(frozen=True)
class Shown:
    """What an update wrote."""

    days: int
    weeks: int


@dataclass(frozen=True)
class _Book:
    """A campaign's days that are over, as known at `at`."""

    campaign: str
    at: int
    closed: Closed
    days: Sequence[int]
    """Those to be shown: on which somebody was called or received, or that were shown before."""
    waits: Waits
    """Of the leads received on them."""
    horizon: int
    """So long after a call its sale may come."""
    received_on: Int64Array
    assigned: Assigned | None
    """None without a holdout."""
    quarantined: Mapping[int, int]
    switched: Mapping[int, str]
    """The side of a switchback that a day is, by day."""

    def until(self, day: int) -> int:
        """The end of a day."""
        return self.closed.site.begins(day + 1)

    def cells(self, day: int) -> Cells:
        """The sums of one day."""
        return self.closed.cells.take(self.closed.cells.day == day)

    def figures(self, day: int) -> dict[str, float]:
        """What one day says of itself."""
        mine = (self.received_on == day) & self.waits.valid
        leads = of_leads(self.waits.waited_s[mine], self.waits.reached[mine])
        side = of_side(self.switched[day])
        return of_calls(self.cells(day)) | leads | side | {QUARANTINED: float(self.quarantined[day])}

    def lift(self, day: int) -> dict[str, float]:
        """The lift from the campaign's begin to the end of a day."""
        if self.assigned is None or not len(self.cells(day)):
            return {}
        cells, counts = self.closed.cells, self.assigned.counts(self.until(day))
        nobody = dict.fromkeys(counts, np.empty(0))
        return of_lift(account(cells.take(cells.day <= day), counts, nobody, self.assigned.promised))


def keep(
    engine: Engine,
    uri: str,
    campaign: str,
    since: int | None,
    until: int,
    say: Say,
) -> Shown:
    """Show every day that is over at `until`, as it is known then; from the week of `since` on, whole weeks.

    Idempotent, and one that was stopped goes on: only days and weeks that say something else are written.
    """
    close(engine, campaign, until, lambda done, of: say("days closed", done, of))
    board = Board(uri)
    board.show_page()
    runs = board.kept(campaign, "day")
    with reading(engine) as connection:
        book = _read(connection, campaign, until - WINDOW if since is None else since, until, runs)
    days = _show_days(board, book, runs, say)
    _line_up(board, book, runs)
    weeks = _show_weeks(engine, board, book, runs, say)
    if since is None:
        with transaction(engine) as connection:
            mark_shown(connection, campaign, book.closed.seq)
    return Shown(days, weeks)


def _read(connection: Connection, campaign: str, since: int, until: int, runs: Mapping[str, Kept]) -> _Book:
    told = closed(connection, campaign)
    site, first = told.site, monday_of(told.site.day(since))
    over = [day for day in told.digests if day >= first and site.begins(day + 1) <= until]
    ends = (site.begins(over[0]), site.begins(over[-1] + 1)) if over else (0, 0)
    waits = Waits(read_received(connection, Stretch(*ends, until, campaign)), until)
    received_on = site.days(waits.received.received_at)
    busy = {*told.cells.day.tolist(), *received_on.tolist()}
    days = [day for day in over if day in busy or _date(day) in runs]
    spans = {day: (site.begins(day), site.begins(day + 1)) for day in days}
    waiting = {
        day: quarantined_calls(connection, Stretch(*span, until, campaign)) for day, span in spans.items()
    }
    aside = {day: sum(calls.values()) for day, calls in waiting.items()}
    try:
        assigned = read_assigned(connection, Stretch(0, until, until, campaign))
    except NoHoldout:
        assigned = None
    stored, salt = settings_of(connection, Stretch(0, until, until, campaign)), secret_of(connection)
    sides = {day: str(in_force(stored, salt, site.begins(day)).get(SIDE, "")) for day in days}
    horizon = int(str(stored.get("horizon_days", 30))) * DAY
    return _Book(campaign, until, told, days, waits, horizon, received_on, assigned, aside, sides)


def _show_days(board: Board, book: _Book, runs: dict[str, Kept], say: Say) -> int:
    """Write the days that say something else than their run; `runs` is brought up to date as well."""
    figures = {day: book.figures(day) for day in book.days}
    digests = {day: _digest(told) for day, told in figures.items()}
    todo = [day for day in book.days if _date(day) not in runs or runs[_date(day)].digest != digests[day]]
    for done, day in enumerate(todo, 1):
        told = figures[day] | book.lift(day)
        name, points = _date(day), _aged(book, day, told)
        run_id = board.write(_day(book, day, digests[day]), runs.get(name), points, {})
        runs[name] = Kept(run_id, digests[day], told)
        say("days shown", done, len(todo))
    return len(todo)


def _day(book: _Book, day: int, digest: str) -> Told:
    title = f"{book.campaign} {_as_date(day):%a %Y-%m-%d}"
    return Told(
        book.campaign, "day", _date(day), title, digest, book.closed.site.begins(day), book.until(day),
        {"live": live(book.cells(day))},
    )  # fmt: skip


def _aged(book: _Book, day: int, figures: Mapping[str, float]) -> list[Point]:
    """Figures at the step of the days that went by since: how a day ripens is a curve of its run."""
    age = max((book.at - book.until(day)) // DAY, 0)
    return [Point(title, value, age, book.at) for title, value in figures.items()]


def _line_up(board: Board, book: _Book, runs: Mapping[str, Kept]) -> None:
    """Keep the run whose steps are the days."""
    digest = _digest([(name, run.digest) for name, run in sorted(runs.items())])
    before = board.kept(book.campaign, "days").get(book.campaign)
    if not runs or (before and before.digest == digest):
        return
    numbers = {name: (date.fromisoformat(name) - date(1970, 1, 1)).days for name in sorted(runs)}
    first, last = min(numbers.values()), max(numbers.values())
    points = [
        Point(title, value, day - first, book.until(day))
        for name, day in numbers.items()
        for title, value in runs[name].figures.items()
    ]
    tags = {"live": live(book.cells(last))}
    told = Told(
        book.campaign, "days", book.campaign, f"{book.campaign}: day by day", digest,
        book.closed.site.begins(first), book.until(last), tags,
    )  # fmt: skip
    board.write_anew(told, before, points, {})


def _show_weeks(engine: Engine, board: Board, book: _Book, runs: Mapping[str, Kept], say: Say) -> int:
    kept, todo = board.kept(book.campaign, "week"), list[tuple[int, list[int], str]]()
    called = set(book.closed.cells.day.tolist())
    for monday in sorted(set(map(monday_of, book.days))):
        days = [day for day in book.days if monday_of(day) == monday]
        if called.isdisjoint(days) and _date(monday) not in kept:
            continue
        final = book.until(days[-1]) + book.horizon <= book.at
        digest = _digest([final, *(runs[_date(day)].digest for day in days)])
        if _date(monday) not in kept or kept[_date(monday)].digest != digest:
            todo.append((monday, days, digest))
    for done, (monday, days, digest) in enumerate(todo, 1):
        with reading(engine) as connection:
            week = _week(connection, book, days, runs)
        name = f"{book.campaign} week of {_date(monday)}"
        told = Told(
            book.campaign, "week", _date(monday), name, digest, book.closed.site.begins(days[0]),
            book.until(days[-1]), {"live": week.models},
        )  # fmt: skip
        points = [Point(title, value, len(days) - 1, book.at) for title, value in week.now.items()]
        board.write(told, kept.get(_date(monday)), points, {"report.html": page(week)})
        say("weeks told", done, len(todo))
    return len(todo)


def _week(connection: Connection, book: _Book, days: Sequence[int], runs: Mapping[str, Kept]) -> Week:
    since, until = book.closed.site.begins(days[0]), book.until(days[-1])
    cells = book.closed.cells.take(book.closed.cells.day <= days[-1])
    looks = [
        Look(day, *(figures[name] / 100 for name in (LIFT, LIFT_LOW, LIFT_HIGH)))
        for day, figures in ((day, runs[_date(day)].figures) for day in book.days if day <= days[-1])
        if LIFT in figures
    ]
    stretch = Stretch(since, until, book.at, book.campaign)
    settings = settings_of(connection, stretch)
    ever = Stretch(0, until, book.at, book.campaign)
    found = None if book.assigned is None else account_from(connection, ever, cells)
    return read_week(connection, stretch, settings, cells, found, looks)


def _as_date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _date(day: int) -> str:
    return _as_date(day).isoformat()


def _digest(told: object) -> str:
    return sha256(orjson.dumps(told)).hexdigest()[:32]
