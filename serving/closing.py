"""Closing: the sums of the days that are over; a later close draws up only those that the news bears on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import orjson
from sqlalchemy import Connection, Engine

from features.attempts import Attempts, Received
from features.instants import NEVER
from features.site import Site
from features.store.campaigns import read_campaign
from features.store.engine import reading, transaction
from features.store.kpi_days import (
    Close,
    Sold,
    change_number,
    count_attempts,
    first_fact,
    read_close,
    read_days,
    read_news,
    read_sold,
    write_close,
    write_day,
)
from features.store.reads import Stretch, read_attempts, read_conversions

from .errors import UnknownCampaign
from .kpi.attribution import Credits, attribute
from .kpi.cells import KEYS, SUMS, UNCLAIMED, Cells, cells_of, joined
from .kpi.measures import DEFINITION_VERSION
from .kpi.report import Accounts

AT_ONCE = 30_000

_EVER = NEVER - 1
"""All that is known is known by then."""

_MATTERS = ("timezone", "goal", "horizon_days", "confirmation", "mode")
"""The settings that sums depend on."""

_Day = tuple[Cells, list[Sold]]
"""The sums of a day, and the sales that it counts."""

Say = Callable[[int, int], None]
"""Days done, days to do."""


@dataclass(frozen=True)
class Closed:
    """The days of a campaign that are over."""

    site: Site
    cells: Cells
    digests: Mapping[int, str]
    """Of each day's sums."""


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
            sums = _drawn_up(connection, campaign, site, span)
        if not _kept(engine, campaign, found.seq, sums):
            break
        done += len(span)
        say(done, len(days))
    return days


def closed(connection: Connection, campaign: str) -> Closed:
    """The sums of all days closed."""
    kept = read_days(connection, campaign)
    cells = joined(Cells.read(sums) for _, sums in kept.values())
    return Closed(_site(connection, campaign), cells, {day: digest for day, (digest, _) in kept.items()})


def is_due(connection: Connection, campaign: str, at: int) -> bool:
    """Whether a day is over that isn't closed."""
    first, found = first_fact(connection, campaign), read_close(connection, campaign)
    if first is None:
        return False
    site = _site(connection, campaign)
    since = site.day(first) if found is None else found.until
    return since < site.day(at) or bool(found and found.pending)


def _opened(connection: Connection, campaign: str, until: int) -> tuple[Site, Close]:
    """The close that is to be worked off: all news followed, the days they bear on pending."""
    settings = _settings(connection, campaign)
    site, basis = Site.of(settings), _basis(settings)
    seq, end, before = change_number(connection), site.day(until), read_close(connection, campaign)
    if before is None or before.basis != basis:
        first = first_fact(connection, campaign)
        start = end if first is None else min(site.day(first), end)
        return site, Close(end, seq, basis, frozenset(range(start, end)))
    last = max(end, before.until)
    touched = {day for day in _touched(connection, campaign, site, before.seq) if day < before.until}
    fresh = range(before.until, last)
    return site, Close(last, seq, basis, before.pending | touched | set(fresh))


def _touched(connection: Connection, campaign: str, site: Site, since: int) -> set[int]:
    """The days whose sums may be other ones by what came after a change number."""
    news = read_news(connection, campaign, since)
    if not news.leads:
        return set()
    known = Stretch(0, 0, _EVER, campaign)
    attempts, undecided = read_attempts(connection, known, news.sellers)
    credits = attribute(attempts, read_conversions(connection, known, news.sellers), undecided)
    now, before = _sold(attempts, credits, site), read_sold(connection, campaign, news.leads)
    moved = {day for day in now.keys() | before.keys() if now.get(day) != before.get(day)}
    return {*site.days(news.called_at).tolist(), *moved}


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


def _drawn_up(connection: Connection, campaign: str, site: Site, span: Sequence[int]) -> dict[int, _Day]:
    accounts = _accounts(connection, campaign, site.begins(span[0]), site.begins(span[-1] + 1))
    ledger, cells = accounts.ledger(), cells_of(accounts, site)
    sold = _sold(ledger.attempts, ledger.credits, site)
    return {day: (joined([cells.take(cells.day == day)]), sold.get(day, [])) for day in span}


def _kept(engine: Engine, campaign: str, seq: int, sums: Mapping[int, _Day]) -> bool:
    """Write days that were read after change number `seq`, unless another close has taken over meanwhile."""
    with transaction(engine) as connection:
        now = read_close(connection, campaign)
        if now is None or now.seq != seq:
            return False
        for day, (cells, sold) in sums.items():
            write_day(connection, campaign, day, cells.plain(), sold)
        write_close(connection, campaign, replace(now, pending=now.pending - set(sums)))
    return True


def _accounts(connection: Connection, campaign: str, since: int, until: int) -> Accounts:
    """The attempts and sales of a stretch with all that is known of them by now."""
    stretch = Stretch(since, until, _EVER, campaign)
    attempts, decisions = read_attempts(connection, stretch)
    nothing = np.empty(0, np.int64)
    return Accounts(
        attempts,
        read_conversions(connection, stretch),
        decisions,
        Received(nothing, nothing, np.empty(0), {}),
        since=since,
        at=NEVER,
        until=until,
    )


def _sold(attempts: Attempts, credits: Credits, site: Site) -> dict[int, list[Sold]]:
    """The sales that each day counts, in order; those that no attempt can claim among them."""
    gross = credits.gross
    unclaimed = np.zeros((credits.unclaimed_at.size, 2))
    claimed = np.column_stack([credits.net[gross], credits.net_value[gross]])
    leads = np.concatenate([attempts.lead[gross], credits.unclaimed_lead])
    days = site.days(np.concatenate([attempts.started_at[gross], credits.unclaimed_at]))
    value = np.concatenate([credits.gross_value[gross], credits.unclaimed_value])
    late = np.concatenate([np.zeros(claimed.shape[0]), 2.0 + credits.unclaimed_late])
    net = np.concatenate([claimed, unclaimed])
    found: dict[int, list[Sold]] = {}
    rows = zip(leads.tolist(), value.tolist(), (net[:, 0] + late).tolist(), net[:, 1].tolist(), strict=True)
    for day, sale in zip(days.tolist(), rows, strict=True):
        found.setdefault(day, []).append(sale)
    return {day: sorted(them) for day, them in found.items()}


def _settings(connection: Connection, campaign: str) -> Mapping[str, object]:
    found = read_campaign(connection, campaign)
    if found is None:
        raise UnknownCampaign(campaign=campaign)
    return found.settings


def _site(connection: Connection, campaign: str) -> Site:
    return Site.of(_settings(connection, campaign))


def _basis(settings: Mapping[str, object]) -> str:
    """What sums depend on beside the calls."""
    told = [DEFINITION_VERSION, "echoes", KEYS, SUMS, UNCLAIMED, [settings.get(name) for name in _MATTERS]]
    return sha256(orjson.dumps(told)).hexdigest()[:32]
