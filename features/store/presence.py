"""Presence: what agents were doing in a stretch, as spells that no local hour cuts."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Select, select

from ..attempts import Presence
from ..instants import HOUR, MINUTE, SECOND
from ..kernel import Int64Array
from ..leads import Coded
from ..site import Site
from .campaigns import read_campaign
from .reads import Stretch
from .tables import agent, agent_state, call

LONGEST_STATE = 12 * HOUR
"""A state of which nobody said for so long that it ended tells nothing."""

BUSY, STAFFED = ("on_call", "wrap"), ("ready", "on_call", "wrap")

_PIECE = 15 * MINUTE
"""Every zone's hours begin on one of these."""


def read_presence(connection: Connection, stretch: Stretch) -> Presence:
    """The spells within a stretch, as known at `at`: of a campaign's those of agents who called for it.

    A state lasts until the agent's next one. Hours and shifts are those of the campaign's site; without a
    campaign hours are those of the agent's zone, else UTC, and there are no shifts.
    """
    rows = connection.execute(_states(stretch)).all()
    start, last = np.array([row.at for row in rows], np.int64), min(stretch.until, stretch.at)
    end = np.append(start[1:], last)[: start.size]
    ends = np.array([one.agent != two.agent for one, two in pairwise(rows)], np.bool_)
    end[:-1][ends] = last
    staffed, busy = (np.array([row.state in those for row in rows], np.bool_) for those in (STAFFED, BUSY))
    unended = end - start >= LONGEST_STATE
    begin, stop = np.maximum(start, stretch.since), np.minimum(end, last)
    kept = np.flatnonzero(staffed & (stop > begin))
    row, since, until = _pieces(begin[kept], np.where(unended, begin + 1, stop)[kept])
    place = kept[row]
    seconds = np.where(unended[place], 0.0, (until - since) / SECOND)
    words = _words(connection, stretch, [rows[i] for i in place.tolist()], since)
    return Presence(since, seconds, busy[place], unended[place], words)


def _states(stretch: Stretch) -> Select[tuple[str, str, int, str | None, str | None]]:
    """States from a little before the stretch on, agent by agent, oldest first."""
    asked = (
        select(agent_state.c.agent, agent_state.c.state, agent_state.c.at, agent.c.team, agent.c.timezone)
        .select_from(agent_state.outerjoin(agent, agent.c.agent == agent_state.c.agent))
        .where(agent_state.c.at >= stretch.since - LONGEST_STATE, agent_state.c.known_at <= stretch.at)
        .where(agent_state.c.at < min(stretch.until, stretch.at) + LONGEST_STATE, *_called(stretch))
    )
    return asked.order_by(agent_state.c.agent, agent_state.c.at, agent_state.c.seq, agent_state.c.id)


def _called(stretch: Stretch) -> list[ColumnElement[bool]]:
    if stretch.campaign is None:
        return []
    callers = select(call.c.agent).where(call.c.campaign == stretch.campaign, call.c.agent.is_not(None))
    within = (call.c.started_at >= stretch.since) & (call.c.started_at < stretch.until)
    return [agent_state.c.agent.in_(callers.where(within))]


def _pieces(begin: Int64Array, stop: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Cut spells at every quarter of an hour: of each piece the spell, begin and end."""
    first, last = begin // _PIECE, (stop - 1) // _PIECE
    many = last - first + 1
    row = np.repeat(np.arange(begin.size), many)
    quarter = np.arange(row.size) - np.repeat(np.cumsum(many) - many, many) + first[row]
    return row, np.maximum(begin[row], quarter * _PIECE), np.minimum(stop[row], (quarter + 1) * _PIECE)


def _words(
    connection: Connection, stretch: Stretch, rows: Sequence[Row[tuple[object, ...]]], since: Int64Array
) -> dict[str, Coded]:
    named = {name: Coded.of([getattr(row, name) for row in rows]) for name in ("agent", "team")}
    found = None if stretch.campaign is None else read_campaign(connection, stretch.campaign)
    if found is None:
        unknown = Coded((), np.full(since.size, -1))
        zone = Coded.of([row.timezone or "UTC" for row in rows])
        return {**named, "zone": zone, "campaign": unknown, "shift": unknown}
    site, all_ = Site.of(found.settings), np.zeros(since.size, np.int64)
    one = {"zone": Coded((site.zone,), all_), "campaign": Coded((found.campaign,), all_)}
    return {**named, **one, "shift": site.shift(since)}
