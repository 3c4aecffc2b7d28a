"""Reads for the accounts: the attempts, conversions, decisions and leads of a stretch of time, as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery, and_, func, select, union_all
from sqlalchemy import literal as value_of

from ..attempts import Attempts, Conversions, Decisions, Received, numbers
from ..calls import Outcome
from ..instants import DAY, NEVER
from ..kernel import Int64Array
from ..leads import Coded
from .tables import agent, call, campaign, conversion, decision, disposition, lead, quarantine, touch

LATE = DAY
"""A call told longer than this after its end came late."""


@dataclass(frozen=True)
class Stretch:
    """What is read: attempts started (or leads received) in [since, until), as it was known at `at`."""

    since: int
    until: int
    at: int
    campaign: str | None = None


def read_attempts(connection: Connection, stretch: Stretch) -> tuple[Attempts, Decisions]:
    """The attempts of a stretch with the disposition that stood at `at`, and the decisions until its end."""
    rows = connection.execute(_attempts(stretch)).all()
    found = connection.execute(_decisions(stretch)).all()
    by_decision = {row.decision_id: place for place, row in enumerate(found)}
    by_lease = {row.lease_id: place for place, row in enumerate(found)}
    echoed = [by_decision.get(row.decision_id, by_lease.get(row.lease_id, -1)) for row in rows]
    return _as_attempts(rows, echoed, _settings(connection)), _as_decisions(found)


def read_conversions(connection: Connection, stretch: Stretch) -> Conversions:
    """What was recorded of every lead and goal until `at`; the row told last says whether it is cancelled."""
    told = (
        select(conversion.c.lead, conversion.c.goal, conversion.c.at, conversion.c.value)
        .add_columns(conversion.c.cancelled)
        .where(conversion.c.known_at <= stretch.at)
        .where(conversion.c.lead.in_(select(lead.c.id).where(*_of(lead.c.campaign, stretch))))
        .order_by(conversion.c.event_at, conversion.c.seq)
    )
    of: dict[tuple[int, str], list[Row[tuple[int, str, int, float | None, bool]]]] = {}
    for row in connection.execute(told).all():
        of.setdefault((row.lead, row.goal), []).append(row)
    recorded = [[row for row in rows if not row.cancelled] for rows in of.values()]
    return Conversions(
        lead=np.array([key[0] for key in of], np.int64),
        goal=Coded.of([key[1] for key in of]),
        at=np.array([min((row.at for row in rows), default=NEVER) for rows in recorded], np.int64),
        value=numbers(tuple(rows[-1].value if rows else None for rows in recorded)),
        confirmed=np.array([not rows[-1].cancelled for rows in of.values()], np.bool_),
        cancelled=np.array([bool(rows[-1].cancelled) for rows in of.values()], np.bool_),
    )


def read_received(connection: Connection, stretch: Stretch) -> Received:
    """The leads received in a stretch, each with the first call or outgoing touch known at `at`."""
    first = _first_contacts(stretch)
    asked = (
        select(lead.c.created_at, lead.c.campaign, lead.c.channel, lead.c.source, first.c.started_at)
        .add_columns(first.c.contact_channel, first.c.agent, agent.c.team, first.c.script, first.c.shift)
        .select_from(
            lead.outerjoin(first, and_(first.c.lead == lead.c.id, first.c.place == 1)).outerjoin(
                agent, agent.c.agent == first.c.agent
            )
        )
        .where(lead.c.created_at >= stretch.since, lead.c.created_at < stretch.until)
        .where(lead.c.erased_at.is_(None), lead.c.known_at <= stretch.at, *_of(lead.c.campaign, stretch))
        .order_by(lead.c.id)
    )
    return _as_received(connection.execute(asked).all(), _settings(connection))


def received_ids(connection: Connection, stretch: Stretch) -> list[str]:
    """The leads received in a stretch, by the caller's ids."""
    asked = (
        select(lead.c.lead_id)
        .where(lead.c.created_at >= stretch.since, lead.c.created_at < stretch.until)
        .where(lead.c.erased_at.is_(None), lead.c.known_at <= stretch.at, *_of(lead.c.campaign, stretch))
        .order_by(lead.c.id)
    )
    return list(connection.execute(asked).scalars())


def quarantined_calls(connection: Connection, stretch: Stretch) -> int:
    """How many calls of a stretch wait in quarantine (of all campaigns: their content isn't trusted)."""
    waiting = (
        select(func.count())
        .select_from(quarantine)
        .where(quarantine.c.type == "io.leadrank.call.attempted", quarantine.c.replayed_at.is_(None))
        .where(quarantine.c.time >= stretch.since, quarantine.c.time < stretch.until)
        .where(quarantine.c.received_at <= stretch.at)
    )
    return int(connection.execute(waiting).scalar_one())


def horizon_of(connection: Connection, campaign_name: str | None) -> int:
    """The longest conversion horizon of the campaigns asked for, in microseconds."""
    settings = _settings(connection)
    asked = [settings[campaign_name]] if campaign_name in settings else list(settings.values())
    return max((_Settings.of(one).horizon for one in asked), default=30 * DAY)


@dataclass(frozen=True)
class _Settings:
    """What the accounts need of a campaign's settings."""

    goal: str
    zone: str | None
    horizon: int
    confirmation: bool
    agent_dials: bool

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "_Settings":
        return cls(
            goal=str(settings.get("goal") or "sale"),
            zone=str(settings["timezone"]) if settings.get("timezone") else None,
            horizon=int(str(settings.get("horizon_days", 30))) * DAY,
            confirmation=bool(settings.get("confirmation", False)),
            agent_dials=settings.get("mode") in ("power", "preview"),
        )


def _settings(connection: Connection) -> dict[str, Mapping[str, object]]:
    return {row.campaign: row.settings for row in connection.execute(select(campaign)).all()}


def _of(column: ColumnElement[str], stretch: Stretch) -> list[ColumnElement[bool]]:
    return [] if stretch.campaign is None else [column == stretch.campaign]


def _attempts(stretch: Stretch) -> Select[tuple[object, ...]]:
    stands = _standing_dispositions(stretch)
    return (
        select(call, stands.c.disposition, stands.c.converted, stands.c.value)
        .add_columns(lead.c.created_at, lead.c.channel, lead.c.source, lead.c.value.label("lead_value"))
        .add_columns(agent.c.team)
        .select_from(
            call.join(lead, lead.c.id == call.c.lead)
            .outerjoin(stands, and_(stands.c.call_id == call.c.call_id, stands.c.place == 1))
            .outerjoin(agent, agent.c.agent == call.c.agent)
        )
        .where(call.c.started_at >= stretch.since, call.c.started_at < stretch.until)
        .where(call.c.known_at <= stretch.at, *_of(call.c.campaign, stretch))
        .order_by(call.c.started_at, call.c.call_id)
    )


def _standing_dispositions(stretch: Stretch) -> Subquery:
    """Every disposition told by `at`, numbered per call from the one that stands."""
    latest = (disposition.c.event_at.desc(), disposition.c.seq.desc())
    place = func.row_number().over(partition_by=disposition.c.call_id, order_by=latest)
    told = select(disposition, place.label("place")).where(disposition.c.known_at <= stretch.at)
    return told.subquery("stands")


def _first_contacts(stretch: Stretch) -> Subquery:
    """Calls and outgoing touches known by `at`, numbered per lead from the first."""
    nothing = value_of(None)
    calls = select(
        call.c.lead, call.c.started_at, value_of("call").label("contact_channel"), call.c.agent
    ).add_columns(call.c.script, call.c.shift)
    touches = select(touch.c.lead, touch.c.at, touch.c.channel, touch.c.agent).add_columns(nothing, nothing)
    both = union_all(
        calls.where(call.c.known_at <= stretch.at),
        touches.where(touch.c.known_at <= stretch.at, touch.c.direction == "outbound"),
    ).subquery("contacts")
    place = func.row_number().over(
        partition_by=both.c.lead, order_by=(both.c.started_at, both.c.contact_channel)
    )
    return select(both, place.label("place")).subquery("first")


def _decisions(stretch: Stretch) -> Select[tuple[str, str, int, int, str, str | None]]:
    asked = select(
        decision.c.decision_id, decision.c.lease_id, decision.c.lead, decision.c.at, decision.c.arm
    ).add_columns(decision.c.model_version)
    made = decision.c.at < min(stretch.until, stretch.at + 1)
    return asked.where(
        made, decision.c.at >= stretch.since - DAY, *_of(decision.c.campaign, stretch)
    ).order_by(decision.c.at, decision.c.decision_id)


def _as_attempts(
    rows: Sequence[Row[tuple[object, ...]]],
    echoed: Sequence[int],
    settings: Mapping[str, Mapping[str, object]],
) -> Attempts:
    ours = [_Settings.of(settings.get(row.campaign, {})) for row in rows]
    said = [row.disposition is not None for row in rows]
    return Attempts(
        lead=_whole(row.lead for row in rows),
        started_at=_whole(row.started_at for row in rows),
        ended_at=_whole(row.ended_at for row in rows),
        known_at=_whole(row.known_at for row in rows),
        received_at=_whole(row.created_at for row in rows),
        result=np.array(
            [r.disposition if s else r.outcome for r, s in zip(rows, said, strict=True)], np.int8
        ),
        human=np.array([row.human_answered for row in rows], np.bool_),
        abandoned=np.array([row.abandoned for row in rows], np.bool_),
        converted=np.array(
            [r.converted if s else r.outcome == Outcome.CONVERTED for r, s in zip(rows, said, strict=True)],
            np.bool_,
        ),
        value=numbers(tuple(row.lead_value if row.value is None else row.value for row in rows)),
        talk_s=numbers(tuple(row.talk_s for row in rows)),
        hold_s=numbers(tuple(row.hold_s for row in rows)),
        wrap_s=numbers(tuple(row.wrap_s for row in rows)),
        horizon=_whole(one.horizon for one in ours),
        confirmation=np.array([one.confirmation for one in ours], np.bool_),
        agent_dials=np.array([one.agent_dials for one in ours], np.bool_),
        decision=np.array(echoed, np.int64),
        words={
            "campaign": Coded.of([row.campaign for row in rows]),
            "goal": Coded.of([one.goal for one in ours]),
            "zone": Coded.of([one.zone for one in ours]),
            **{
                name: _words(rows, name) for name in ("channel", "source", "agent", "team", "script", "shift")
            },
        },
    )


def _as_decisions(rows: Sequence[Row[tuple[str, str, int, int, str, str | None]]]) -> Decisions:
    return Decisions(
        lead=_whole(row.lead for row in rows),
        at=_whole(row.at for row in rows),
        policy=Coded.of([row.arm for row in rows]),
        model_version=Coded.of([row.model_version for row in rows]),
    )


def _as_received(
    rows: Sequence[Row[tuple[object, ...]]], settings: Mapping[str, Mapping[str, object]]
) -> Received:
    named = ("campaign", "channel", "source", "contact_channel", "agent", "team", "script", "shift")
    zones = [_Settings.of(settings.get(row.campaign, {})).zone for row in rows]
    return Received(
        received_at=_whole(row.created_at for row in rows),
        first_at=_whole(NEVER if row.started_at is None else row.started_at for row in rows),
        by_call=np.array([row.contact_channel == "call" for row in rows], np.bool_),
        words={"zone": Coded.of(zones), **{name: _words(rows, name) for name in named}},
    )


def _words(rows: Sequence[Row[tuple[object, ...]]], name: str) -> Coded:
    return Coded.of([getattr(row, name) for row in rows])


def _whole(column: Iterable[int]) -> Int64Array:
    return np.fromiter(column, np.int64)
