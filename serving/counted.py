"""Counted: the attempts of a stretch, from closed days where no news bears on them, from calls elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from features.site import Site
from features.store.campaigns import horizon_of, read_campaign
from features.store.kpi_days import Close, count_kept, latest_known, read_close, read_column, read_teams
from features.store.reads import Stretch

from .bearing import basis_of, read_calls, touched
from .kpi.kept import Joined, Kept
from .kpi.quantities import Counted


def read_counted(connection: Connection, stretch: Stretch) -> Counted:
    """The attempts that were started in a stretch, oldest first, with what each of them counts for.

    Days are taken as they were closed where a campaign is named and nothing in the store became known after
    `at`: what was known earlier is asked of the calls.
    """
    return Joined(list(_parts(connection, stretch, _runs(connection, stretch))))


def _parts(connection: Connection, stretch: Stretch, runs: Iterable[Kept]) -> Iterator[Counted]:
    """Runs of closed days, and what lies before, between and after them."""
    since = stretch.since
    for run in runs:
        begin, end = run.span
        if since < begin:
            yield read_calls(connection, replace(stretch, since=since, until=begin)).ledger()
        yield run
        since = end
    if since < stretch.until:
        yield read_calls(connection, replace(stretch, since=since)).ledger()


def _runs(connection: Connection, stretch: Stretch) -> Iterator[Kept]:
    """Days in a row that are closed, whole within the stretch, and without news."""
    name = stretch.campaign or ""
    found, close = read_campaign(connection, name), read_close(connection, name)
    if found is None or close is None or close.basis != basis_of(found.settings):
        return
    if max(close.known_at, latest_known(connection, close.seq)) > stretch.at:
        return
    site, horizon = Site.of(found.settings), horizon_of(found.settings)
    sizes, teams = _standing(connection, stretch, site, close), read_teams(connection)
    for days in _in_a_row(list(sizes)):
        begins = [site.begins(day) for day in range(days[0], days[-1] + 2)]
        read = partial(read_column, connection, name, since=days[0], until=days[-1] + 1)
        yield Kept(name, {day: sizes[day] for day in days}, begins, horizon, teams, read)


def _standing(connection: Connection, stretch: Stretch, site: Site, close: Close) -> dict[int, int]:
    """The closed days within a stretch that no news bears on, with their attempts."""
    name, first, last = stretch.campaign or "", site.day(stretch.since), site.day(stretch.until)
    whole = first + (site.begins(first) < stretch.since)
    news = close.pending | touched(connection, name, site, close.seq)
    return {day: size for day, size in count_kept(connection, name, whole, last).items() if day not in news}


def _in_a_row(days: Sequence[int]) -> Iterator[list[int]]:
    """Days, ascending, cut where one is missing."""
    row = list[int]()
    for day in days:
        if row and day != row[-1] + 1:
            yield row
            row = []
        row.append(day)
    if row:
        yield row
