"""Closing: the sums of the days that are over; a later close draws up only those that the news bears on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, Engine

from features.site import Site
from features.store.engine import reading, transaction
from features.store.kpi_days import (
    Close,
    Day,
    change_number,
    count_attempts,
    first_fact,
    latest_known,
    read_close,
    read_days,
    write_close,
    write_day,
)
from features.store.reads import Stretch

from .bearing import EVER, basis_of, read_calls, read_settings, sold_on, touched
from .kpi.cells import Cells, cells_of, joined
from .kpi.kept import written

AT_ONCE = 30_000

Say = Callable[[int, int], None]
"""Days done, days to do."""


@dataclass(frozen=True)
class Closed:
    """The days of a campaign that are over."""

    site: Site
    cells: Cells
    digests: Mapping[int, str]
    """Of each day's sums."""
    seq: int
    """The change number that the last close followed."""


def close(
    engine: Engine,
    campaign: str,
    until: int,
    say: Say = lambda _done, _of: None,
    at_once: int = AT_ONCE,
) -> Sequence[int]:
    """Draw up every day that is over at an instant and isn't closed or has news; return them.

    `at_once` attempts are read at once, a day at least. Stopped on the way, the next close goes on where this
    one was.
    """
    with reading(engine) as connection:
        site, found = _opened(connection, campaign, until)
    with transaction(engine) as connection:
        write_close(connection, campaign, found)
    days, done = sorted(found.pending), 0
    for span in _spans(engine, campaign, site, days, at_once):
        with reading(engine) as connection:
            told = _drawn_up(connection, campaign, site, span)
        if not _kept(engine, campaign, found.seq, told):
            break
        done += len(span)
        say(done, len(days))
    return days


def closed(connection: Connection, campaign: str) -> Closed:
    """The sums of all days closed."""
    kept, last = read_days(connection, campaign), read_close(connection, campaign)
    cells = joined(Cells.read(sums) for _, sums in kept.values())
    digests = {day: digest for day, (digest, _) in kept.items()}
    site = Site.of(read_settings(connection, campaign))
    return Closed(site, cells, digests, 0 if last is None else last.seq)


def is_unshown(connection: Connection, campaign: str) -> bool:
    """Whether something is closed that the board in MLflow doesn't show yet."""
    found = read_close(connection, campaign)
    return found is not None and not found.shown


def is_due(connection: Connection, campaign: str, at: int) -> bool:
    """Whether a day is over that isn't closed."""
    first, found = first_fact(connection, campaign), read_close(connection, campaign)
    if first is None:
        return False
    site = Site.of(read_settings(connection, campaign))
    since = site.day(first) if found is None else found.until
    return since < site.day(at) or bool(found and found.pending)


def _opened(connection: Connection, campaign: str, until: int) -> tuple[Site, Close]:
    """The close that is to be worked off: all news followed, the days they bear on pending."""
    settings = read_settings(connection, campaign)
    site, basis = Site.of(settings), basis_of(settings)
    seq, end, before = change_number(connection), site.day(until), read_close(connection, campaign)
    if before is None or before.basis != basis:
        first = first_fact(connection, campaign)
        start = end if first is None else min(site.day(first), end)
        return site, Close(end, seq, basis, latest_known(connection), frozenset(range(start, end)))
    last, known_at = max(end, before.until), max(before.known_at, latest_known(connection, before.seq))
    news = {day for day in touched(connection, campaign, site, before.seq) if day < before.until}
    fresh = range(before.until, last)
    return site, Close(last, seq, basis, known_at, before.pending | news | set(fresh))


def _spans(
    engine: Engine, campaign: str, site: Site, days: Sequence[int], at_once: int
) -> Iterator[list[int]]:
    """Runs of days that follow each other, of so many attempts or less."""
    span, held = list[int](), 0
    for day in days:
        with reading(engine) as connection:
            size = count_attempts(connection, campaign, site.begins(day), site.begins(day + 1))
        if span and (day != span[-1] + 1 or held + size > at_once):
            yield span
            span, held = [], 0
        span.append(day)
        held += size
    if span:
        yield span


def _drawn_up(connection: Connection, campaign: str, site: Site, span: Sequence[int]) -> dict[int, Day]:
    """The days of a span with all that is known of them by now."""
    stretch = Stretch(site.begins(span[0]), site.begins(span[-1] + 1), EVER, campaign)
    accounts = read_calls(connection, stretch)
    ledger, cells = accounts.ledger(), cells_of(accounts, site)
    sold, days, found = sold_on(ledger.attempts, ledger.credits, site), ledger.days(), dict[int, Day]()
    for day in span:
        mine, sums = ledger.take(np.flatnonzero(days == day)), joined([cells.take(cells.day == day)])
        found[day] = Day(len(mine), sums.plain(), sold.get(day, []), written(mine))
    return found


def _kept(engine: Engine, campaign: str, seq: int, days: Mapping[int, Day]) -> bool:
    """Write days that were read after change number `seq`, unless another close has taken over meanwhile."""
    with transaction(engine) as connection:
        now = read_close(connection, campaign)
        if now is None or now.seq != seq:
            return False
        for day, told in days.items():
            write_day(connection, campaign, day, told)
        write_close(connection, campaign, replace(now, pending=now.pending - set(days)))
    return True
