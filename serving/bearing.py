"""Bearing: what sums of days that are over depend on, and which of them the news bears on."""

from collections.abc import Mapping
from hashlib import sha256

import numpy as np
import orjson
from sqlalchemy import Connection

from features.attempts import Attempts, Received
from features.instants import NEVER
from features.site import Site
from features.store.campaigns import read_campaign
from features.store.kpi_days import Sold, read_news, read_sold
from features.store.reads import Stretch, read_attempts, read_conversions

from .errors import UnknownCampaign
from .kpi.attribution import Credits, attribute
from .kpi.cells import KEYS, SUMS, UNCLAIMED
from .kpi.kept import COLUMNS
from .kpi.measures import DEFINITION_VERSION
from .kpi.report import Accounts

EVER = NEVER - 1
"""All that is known is known by then."""

_MATTERS = ("timezone", "shifts", "goal", "horizon_days", "confirmation", "mode")
"""The settings that sums depend on."""


def touched(connection: Connection, campaign: str, site: Site, since: int) -> set[int]:
    """The days whose sums may be other ones by what came after a change number."""
    news = read_news(connection, campaign, since)
    if not news.leads:
        return set()
    known = Stretch(0, 0, EVER, campaign)
    attempts, undecided = read_attempts(connection, known, news.sellers)
    credits = attribute(attempts, read_conversions(connection, known, news.sellers), undecided)
    mine = attempts.of(campaign)
    now = sold_on(attempts.take(mine), credits.take(mine), site)
    before = read_sold(connection, campaign, news.leads)
    moved = {day for day in now.keys() | before.keys() if now.get(day) != before.get(day)}
    return {*site.days(news.called_at).tolist(), *moved}


def read_calls(connection: Connection, stretch: Stretch) -> Accounts:
    """The attempts of a stretch with the sales that may be theirs; nothing of who was received."""
    attempts, decisions = read_attempts(connection, stretch)
    nothing = np.empty(0, np.int64)
    return Accounts(
        attempts,
        read_conversions(connection, stretch),
        decisions,
        Received(nothing, nothing, np.empty(0), {}),
        since=stretch.since,
        at=stretch.at,
        until=stretch.until,
        campaign=stretch.campaign,
    )


def sold_on(attempts: Attempts, credits: Credits, site: Site) -> dict[int, list[Sold]]:
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


def read_settings(connection: Connection, campaign: str) -> Mapping[str, object]:
    """The settings of a campaign."""
    found = read_campaign(connection, campaign)
    if found is None:
        raise UnknownCampaign(campaign=campaign)
    return found.settings


def basis_of(settings: Mapping[str, object]) -> str:
    """What sums depend on beside the calls."""
    told = [DEFINITION_VERSION, KEYS, SUMS, UNCLAIMED, COLUMNS, [settings.get(name) for name in _MATTERS]]
    return sha256(orjson.dumps(told)).hexdigest()[:32]
