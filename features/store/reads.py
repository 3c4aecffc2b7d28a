"""Reads for the accounts: the attempts, conversions, decisions and leads of a stretch of time, as columns."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    ScalarSelect,
    Select,
    Subquery,
    and_,
    case,
    func,
    select,
    union,
    union_all,
)
from sqlalchemy import literal as value_of

from ..attempts import Attempts, Conversions, Decisions, Received, numbers
from ..calls import Outcome
from ..instants import DAY, NEVER
from ..kernel import Float64Array, Int64Array
from ..leads import Coded
from ..site import Site
from .campaigns import goal_of, horizon_of, stood_in
from .tables import agent, call, campaign, conversion, decision, disposition, lead, quarantine, touch

Leads = Select[int] | CompoundSelect[int]
"""Asks for database keys of leads."""


@dataclass(frozen=True)
class Stretch:
    """What is read: attempts started (or leads received) in [since, until), as it was known at `at`."""

    since: int
    until: int
    at: int
    campaign: str | None = None


def read_attempts(
    connection: Connection, stretch: Stretch, leads: Leads | None = None
) -> tuple[Attempts, Decisions]:
    """The attempts of a stretch with the disposition that stood at `at`, and the decisions until its end.

    Beside them all attempts of the leads concerned, called or sold to within the stretch: a sale may belong
    to one before it, or of another campaign, and the last attempt before a conversion may come after it. With
    `leads` all attempts of those alone.
    """
    told = _columns(connection.execute(_attempts(stretch, leads)).all())
    found = connection.execute(decisions_of(stretch)).all()
    by_decision = {row.decision_id: place for place, row in enumerate(found)}
    by_lease = {row.lease_id: place for place, row in enumerate(found)}
    names = zip(told["decision_id"], told["lease_id"], strict=True)
    echoed = [by_decision.get(name, by_lease.get(lease, -1)) for name, lease in names]
    return _as_attempts(told, echoed, _settings(connection)), _as_decisions(found)


def read_conversions(connection: Connection, stretch: Stretch, leads: Leads | None = None) -> Conversions:
    """What was recorded until `at` of the leads that `read_attempts` reads, once for each of their goals.

    The row told last says whether it is cancelled.
    """
    told = (
        select(conversion.c.lead, conversion.c.goal, conversion.c.at, conversion.c.value)
        .add_columns(conversion.c.cancelled, stood_in(conversion.c.at).label("campaign"))
        .join(lead, lead.c.id == conversion.c.lead)
        .where(conversion.c.known_at <= stretch.at)
        .where(*_concerned(conversion.c.lead, stretch, leads))
        .order_by(conversion.c.event_at, conversion.c.seq)
    )
    of: dict[tuple[int, str], list[Row[tuple[int, str, int, float | None, bool, str]]]] = {}
    for row in connection.execute(told).all():
        of.setdefault((row.lead, row.goal), []).append(row)
    recorded = [[row for row in rows if not row.cancelled] for rows in of.values()]
    first = [min(rows, key=lambda row: row.at) if rows else None for rows in recorded]
    ours = [row is not None and stretch.campaign in (None, row.campaign) for row in first]
    return Conversions(
        lead=np.array([key[0] for key in of], np.int64),
        goal=Coded.of([key[1] for key in of]),
        at=np.array([NEVER if row is None else row.at for row in first], np.int64),
        value=numbers(tuple(rows[-1].value if rows else None for rows in recorded)),
        confirmed=np.array([not rows[-1].cancelled for rows in of.values()], np.bool_),
        cancelled=np.array([bool(rows[-1].cancelled) for rows in of.values()], np.bool_),
        ours=np.array(ours, np.bool_),
    )


def read_received(connection: Connection, stretch: Stretch) -> Received:
    """The leads received in a stretch, each with the first call or outgoing touch known at `at`."""
    first, leased = _first_contacts(stretch), decision.alias("leased")
    arm = func.coalesce(decision.c.arm, leased.c.arm).label("policy")
    model = func.coalesce(decision.c.model_version, leased.c.model_version).label("model_version")
    asked = (
        select(lead.c.created_at, _RECEIVED_IN, lead.c.channel, lead.c.source, first.c.started_at)
        .add_columns(first.c.contact_channel, first.c.agent, agent.c.team, first.c.script, first.c.shift)
        .add_columns(arm, model)
        .select_from(
            lead.outerjoin(first, and_(first.c.lead == lead.c.id, first.c.place == 1))
            .outerjoin(agent, agent.c.agent == first.c.agent)
            .outerjoin(decision, decision.c.decision_id == first.c.decision_id)
            .outerjoin(leased, leased.c.lease_id == first.c.lease_id)
        )
        .where(*_received(stretch))
        .order_by(lead.c.id)
    )
    return _as_received(_columns(connection.execute(asked).all()), _settings(connection), stretch.at)


def received_ids(connection: Connection, stretch: Stretch) -> tuple[list[str], Int64Array]:
    """The leads that `read_received` reads, in its order: the caller's ids, and when they were received."""
    asked = select(lead.c.lead_id, lead.c.created_at).where(*_received(stretch)).order_by(lead.c.id)
    rows = connection.execute(asked).all()
    return [row.lead_id for row in rows], _whole(row.created_at for row in rows)


_RECEIVED_IN = stood_in(lead.c.created_at).label("campaign")


def _received(stretch: Stretch) -> list[ColumnElement[bool]]:
    within = [lead.c.created_at >= stretch.since, lead.c.created_at < stretch.until]
    known = [lead.c.erased_at.is_(None), lead.c.known_at <= stretch.at]
    return [*within, *known, *_of(_RECEIVED_IN.element, stretch)]


def quarantined_calls(connection: Connection, stretch: Stretch) -> dict[str, int]:
    """By source how many calls of a stretch wait in quarantine, of all campaigns: they may lie."""
    waiting = (
        select(quarantine.c.source, func.count())
        .select_from(quarantine)
        .where(quarantine.c.type == "io.leadrank.call.attempted", quarantine.c.replayed_at.is_(None))
        .where(quarantine.c.time >= stretch.since, quarantine.c.time < stretch.until)
        .where(quarantine.c.received_at <= stretch.at)
        .group_by(quarantine.c.source)
    )
    return {source: int(calls) for source, calls in connection.execute(waiting)}


@dataclass(frozen=True)
class _Settings:
    """What the accounts need of a campaign's settings."""

    goal: str
    site: Site
    horizon: int
    confirmation: bool
    agent_dials: bool

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "_Settings":
        return cls(
            goal=goal_of(settings),
            site=Site.of(settings),
            horizon=horizon_of(settings),
            confirmation=bool(settings.get("confirmation", False)),
            agent_dials=settings.get("mode") in ("power", "preview"),
        )


def told_calls(connection: Connection, stretch: Stretch) -> int:
    """How many calls of a stretch are known."""
    within = (call.c.started_at >= stretch.since, call.c.started_at < stretch.until)
    asked = select(func.count()).select_from(call).where(*within, *_of(call.c.campaign, stretch))
    return int(connection.execute(asked.where(call.c.known_at <= stretch.at)).scalar_one())


def live_answers(connection: Connection, stretch: Stretch) -> tuple[int, int]:
    """How many calls of a stretch people answered, and how many of those were abandoned; no machines."""
    stands = func.coalesce(disposition.c.disposition, call.c.outcome)
    abandoned = call.c.abandoned & (stands != Outcome.MACHINE)
    told = call.outerjoin(disposition, disposition.c.id == _standing(stretch.at))
    within = (call.c.started_at >= stretch.since, call.c.started_at < stretch.until)
    asked = (
        select(func.count(case((call.c.human_answered | abandoned, 1))), func.count(case((abandoned, 1))))
        .select_from(told)
        .where(call.c.known_at <= stretch.at, *within, *_of(call.c.campaign, stretch))
    )
    live, lost = connection.execute(asked).one()
    return live, lost


def _settings(connection: Connection) -> dict[str, Mapping[str, object]]:
    return {row.campaign: row.settings for row in connection.execute(select(campaign)).all()}


def _of(column: ColumnElement[str], stretch: Stretch) -> list[ColumnElement[bool]]:
    return [] if stretch.campaign is None else [column == stretch.campaign]


def _attempts(stretch: Stretch, leads: Leads | None) -> Select[tuple[object, ...]]:
    return (
        select(call, disposition.c.disposition, disposition.c.converted, disposition.c.value)
        .add_columns(lead.c.created_at, lead.c.channel, lead.c.source, lead.c.value.label("lead_value"))
        .add_columns(agent.c.team)
        .select_from(
            call.join(lead, lead.c.id == call.c.lead)
            .outerjoin(disposition, disposition.c.id == _standing(stretch.at))
            .outerjoin(agent, agent.c.agent == call.c.agent)
        )
        .where(call.c.known_at <= stretch.at, *_concerned(call.c.lead, stretch, leads))
        .order_by(call.c.started_at, call.c.call_id)
    )


def _concerned(
    column: ColumnElement[int], stretch: Stretch, leads: Leads | None
) -> list[ColumnElement[bool]]:
    """Of these leads, else of those called or sold to within the stretch; nothing to ask where it is all."""
    if leads is not None:
        return [column.in_(leads)]
    if stretch.campaign is None and stretch.since <= 0 and stretch.until > stretch.at:
        return []
    called = select(call.c.lead).where(
        call.c.started_at >= stretch.since, call.c.started_at < stretch.until, *_of(call.c.campaign, stretch)
    )
    bought = (
        select(conversion.c.lead)
        .join(lead, lead.c.id == conversion.c.lead)
        .where(conversion.c.at >= stretch.since, conversion.c.at < stretch.until)
        .where(conversion.c.known_at <= stretch.at, *_of(stood_in(conversion.c.at), stretch))
    )
    return [column.in_(called.union(bought))]


def _standing(at: int) -> ScalarSelect[int]:
    """The disposition of a call that stood at an instant; asked call by call, as its index allows."""
    told = select(disposition.c.id).where(
        disposition.c.call_id == call.c.call_id, disposition.c.known_at <= at
    )
    latest = told.order_by(disposition.c.event_at.desc(), disposition.c.seq.desc()).limit(1)
    return latest.correlate(call).scalar_subquery()


def _first_contacts(stretch: Stretch) -> Subquery:
    """Calls and outgoing touches known by `at`, numbered per lead from the first."""
    nothing = value_of(None)
    calls = select(
        call.c.lead, call.c.started_at, value_of("call").label("contact_channel"), call.c.agent
    ).add_columns(call.c.script, call.c.shift, call.c.decision_id, call.c.lease_id)
    touches = select(touch.c.lead, touch.c.at, touch.c.channel, touch.c.agent).add_columns(*[nothing] * 4)
    both = union_all(
        calls.where(call.c.known_at <= stretch.at),
        touches.where(touch.c.known_at <= stretch.at, touch.c.direction == "outbound"),
    ).subquery("contacts")
    place = func.row_number().over(
        partition_by=both.c.lead, order_by=(both.c.started_at, both.c.contact_channel)
    )
    return select(both, place.label("place")).subquery("first")


def decisions_of(stretch: Stretch) -> Select[tuple[str, str, int, int, str, str | None]]:
    """The decisions that the attempts of a stretch may have carried out, in their order."""
    asked = select(
        decision.c.decision_id, decision.c.lease_id, decision.c.lead, decision.c.at, decision.c.arm
    ).add_columns(decision.c.model_version)
    made = [decision.c.at < min(stretch.until, stretch.at + 1), *_of(decision.c.campaign, stretch)]
    return asked.where(*made, *_recent(stretch)).order_by(decision.c.at, decision.c.decision_id)


def _recent(stretch: Stretch) -> list[ColumnElement[bool]]:
    """Decisions of a day before a stretch or later, and those before that its calls echo."""
    if stretch.since <= DAY:
        return []
    within = (call.c.started_at >= stretch.since, call.c.started_at < stretch.until)
    mine = _of(call.c.campaign, stretch)
    late = select(decision.c.decision_id).where(
        decision.c.at >= stretch.since - DAY, *_of(decision.c.campaign, stretch)
    )
    named = select(call.c.decision_id).where(*within, *mine, call.c.decision_id.is_not(None))
    leased = select(decision.c.decision_id).join(call, call.c.lease_id == decision.c.lease_id)
    return [decision.c.decision_id.in_(union(late, named, leased.where(*within, *mine)))]


def _columns(rows: Sequence[Row[tuple[object, ...]]]) -> Mapping[str, tuple[Any, ...]]:
    """Rows as columns by name; empty ones where there are no rows."""
    if not rows:
        return defaultdict(tuple)
    return dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True))


def _as_attempts(
    told: Mapping[str, tuple[Any, ...]], echoed: Sequence[int], settings: Mapping[str, Mapping[str, object]]
) -> Attempts:
    campaign = Coded.of(told["campaign"])
    ours = [_Settings.of(settings.get(name, {})) for name in campaign.levels]
    started, disposed = _whole(told["started_at"]), numbers(told["disposition"])
    said, outcome, value = ~np.isnan(disposed), _whole(told["outcome"]), numbers(told["value"])
    whole = {name: _whole(told[name]) for name in ("lead", "ended_at", "known_at")}
    sure = {name: np.array(told[name], np.bool_) for name in ("human_answered", "abandoned")}
    sold = np.where(said, numbers(told["converted"]) == 1, outcome == Outcome.CONVERTED)
    own = {name: [getattr(one, name) for one in ours] for name in ("horizon", "confirmation", "agent_dials")}
    return Attempts(
        started_at=started,
        received_at=_whole(told["created_at"]),
        result=np.where(said, disposed, outcome).astype(np.int8),
        human=sure["human_answered"],
        abandoned=sure["abandoned"],
        converted=sold,
        value=np.where(np.isnan(value), numbers(told["lead_value"]), value),
        talk_s=numbers(told["talk_s"]),
        hold_s=numbers(told["hold_s"]),
        wrap_s=numbers(told["wrap_s"]),
        horizon=np.array(own["horizon"], np.int64)[campaign.codes],
        confirmation=np.array(own["confirmation"], np.bool_)[campaign.codes],
        agent_dials=np.array(own["agent_dials"], np.bool_)[campaign.codes],
        decision=np.array(echoed, np.int64),
        words={
            "campaign": campaign,
            "goal": _of_level([one.goal for one in ours], campaign),
            "zone": _of_level([one.site.zone for one in ours], campaign),
            "shift": _shifts(told["shift"], started, [one.site for one in ours], campaign.codes),
            "event_source": Coded.of([name.partition(" ")[0] for name in told["event_id"]]),
            **{name: Coded.of(told[name]) for name in ("channel", "source", "agent", "team", "script")},
        },
        **whole,
    )


def _of_level(words: Sequence[str], of: Coded) -> Coded:
    """A word for each level of a column, as a column."""
    own = Coded.of(words)
    return Coded(own.levels, own.codes[of.codes])


def _as_decisions(rows: Sequence[Row[tuple[str, str, int, int, str, str | None]]]) -> Decisions:
    return Decisions(
        lead=_whole(row.lead for row in rows),
        at=_whole(row.at for row in rows),
        policy=Coded.of([row.arm for row in rows]),
        model_version=Coded.of([row.model_version for row in rows]),
    )


def _as_received(
    told: Mapping[str, tuple[Any, ...]], settings: Mapping[str, Mapping[str, object]], at: int
) -> Received:
    named = ("channel", "source", "contact_channel", "agent", "team", "script", "policy", "model_version")
    campaign = Coded.of(told["campaign"])
    sites = [Site.of(settings.get(name, {})) for name in campaign.levels]
    received = _whole(told["created_at"])
    first = _whole([NEVER if one is None else one for one in told["started_at"]])
    shift = _shifts(told["shift"], np.where(first < NEVER, first, 0), sites, campaign.codes)
    ended = np.maximum(np.minimum(first, at), received)
    return Received(
        received_at=received,
        first_at=first,
        open_s=_open_seconds(received, ended, sites, campaign.codes),
        words={
            "campaign": campaign,
            "zone": _of_level([site.zone for site in sites], campaign),
            "shift": Coded(shift.levels, np.where(first < NEVER, shift.codes, -1)),
            **{name: Coded.of(told[name]) for name in named},
        },
    )


def _shifts(told: Sequence[str | None], started: Int64Array, sites: Sequence[Site], of: Int64Array) -> Coded:
    """The shift that each call names, else the one of its site, `sites[of]`, in which it started."""
    found = Coded.of(told)
    for code, site in enumerate(sites):
        rows = np.flatnonzero((of == code) & (found.codes < 0))
        own = site.shift(started[rows])
        levels = Coded.of(own.levels, found.levels)
        codes = found.codes.copy()
        codes[rows] = np.where(own.codes >= 0, levels.codes[own.codes] if own.levels else -1, -1)
        found = Coded(levels.levels, codes)
    return found


def _open_seconds(
    since: Int64Array, until: Int64Array, sites: Sequence[Site], of: Int64Array
) -> Float64Array:
    found = np.full(since.size, np.nan)
    for code, site in enumerate(sites):
        rows = np.flatnonzero(of == code)
        found[rows] = site.open_s(since[rows], until[rows])
    return found


def _whole(column: Iterable[int]) -> Int64Array:
    return np.fromiter(column, np.int64)
