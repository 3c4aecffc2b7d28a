"""Leases: who may dial what until when; the database decides, one row per lead and one per number."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    BindParameter,
    Connection,
    Text,
    bindparam,
    case,
    func,
    select,
    text,
    update,
)

from features.instants import HOUR, SECOND
from features.store.decisions import asking_numbers, numbers_told
from features.store.lookup import LEASES, lock_leases, soon
from features.store.resources import ROWS, resources_of
from features.store.tables import batch, decision, lease
from features.store.trips import ask, nothing

DIALING = 4 * HOUR
"""How long a lead that is being dialed stays withheld when no `call.attempted` comes."""

EXTENSION = 120 * SECOND


class Claim(NamedTuple):
    """One lead wanted: its resources, the lead itself and the hash of its number."""

    lease_id: str
    lead: int
    """Database key."""
    phone_hash: str

    @property
    def resources(self) -> tuple[str, str]:
        """The rows that must all be won."""
        return resources_of(self.lead, self.phone_hash)


@dataclass(frozen=True)
class Ack:
    """What a dialer says of a lease: dialing, extend, dialed, released or rejected."""

    lease_id: str
    state: str
    reason: str | None = None


class Given(NamedTuple):
    """Whom a lease was given for, and by which campaign."""

    lease_id: str
    lead: int
    """Database key."""
    phone_hash: str | None
    campaign: str


@dataclass(frozen=True)
class AckResult:
    """The answer for one lease, as an HTTP status and a stable code."""

    lease_id: str
    status: int
    code: str | None = None
    lead: int = -1
    """Database key of the lead, -1 where the lease is unknown."""
    until: int | None = None
    """Until when the lead is withheld now, where that changed."""


@dataclass(frozen=True)
class Won:
    """What claims brought: the leases that hold all their resources, and what there is to dial."""

    lease_ids: Collection[str] = ()
    numbers: Mapping[int, str] = field(default_factory=dict)
    """By the lead's database key; none where it has none any more."""
    seq: int = 0
    """The latest change number after they were won; 0 where there were none."""
    ran_out: Sequence[int] = ()
    """When the leads' leases before ended, of those that ended without a word of their dialer."""

    @classmethod
    def of_all(cls, parts: Sequence["Won"]) -> "Won":
        """What several claims of one transaction brought."""
        return cls(
            frozenset().union(*(one.lease_ids for one in parts)),
            {lead: number for one in parts for lead, number in one.numbers.items()},
            max((one.seq for one in parts), default=0),
            [ended for one in parts for ended in one.ran_out],
        )


def claim(
    connection: Connection,
    claims: Sequence[Claim],
    dialer_id: str,
    until: int,
    at: int,
    again: bool = False,
    meanwhile: Callable[[], None] = nothing,
) -> Won:
    """Win the resources of as many claims as are free, and read the numbers of those wanted after that.

    A resource is free when its last lease has expired at `at`. Claims must share none. Transactions claim
    beside each other, while none that takes `lock_leases` is at work: each its resources in order, so that
    they can't wait in a circle. `again`: this one has claimed before, and gets nothing where it would have to
    wait for another. `meanwhile` is done while a first claim is under way,
    and not at all where there is none.
    """
    if not claims:
        return Won()
    pairs = sorted((resource, claimed.lease_id) for claimed in claims for resource in claimed.resources)
    asked = _CLAIM[connection.dialect.name], _told(connection, pairs, dialer_id, until, at)
    numbers = asking_numbers(connection, [claimed.lead for claimed in claims])
    if again:
        gained, (told,) = soon(connection, *asked), ask(connection, numbers)
    else:
        gained, told = ask(connection, asked, numbers, meanwhile=meanwhile)
    lease_ids, ran_out = _gained(gained)
    won = Counter(lease_ids)
    held = {claimed.lease_id for claimed in claims if won[claimed.lease_id] == ROWS}
    if len(lease_ids) != ROWS * len(held):
        give_back(connection, [claimed for claimed in claims if 0 < won[claimed.lease_id] < ROWS], at)
    return Won(held, *numbers_told(told), ran_out)


def _gained(rows: Sequence[Sequence[Any]]) -> tuple[list[str], list[int]]:
    """By resource the lease that won it, and when those before ended that ran out, if any did."""
    lease_ids = [one for names, _ in rows for one in names.split()]
    return lease_ids, [int(one) for _, ended in rows if ended is not None for one in str(ended).split()]


def _told(
    connection: Connection, pairs: Sequence[tuple[str, str]], dialer_id: str, until: int, at: int
) -> dict[str, object]:
    """The parameters of a claim; no name of a resource or lease holds a space."""
    said = {"dialer_id": dialer_id, "until": until, "at": at}
    if connection.dialect.name == "sqlite":
        return {**said, "wanted": orjson.dumps(pairs).decode()}
    resources, lease_ids = (" ".join(names) for names in zip(*pairs, strict=True))
    return {**said, "resources": resources, "lease_ids": lease_ids}


def _claim_from(pairs: str) -> str:
    """The claim as one statement of constant text; `pairs` are (resource, lease_id) out of its parameters."""
    return f"""
        INSERT INTO lease (resource, lease_id, dialer_id, token, expires_at, state)
        SELECT {pairs} ORDER BY 1
        ON CONFLICT (resource) DO UPDATE SET
            lease_id = excluded.lease_id, dialer_id = excluded.dialer_id, token = lease.token + 1,
            expires_at = excluded.expires_at, state = excluded.state, ran_out_at =
            CASE WHEN lease.resource LIKE 'lead:%' AND lease.state IN ('leased', 'dialing')
            THEN lease.expires_at END
        WHERE lease.expires_at <= :at
        RETURNING lease_id, ran_out_at
        """


_ROW = "CAST(:dialer_id AS TEXT), 1, CAST(:until AS BIGINT), 'leased'"
_PAIRS = (
    f'resource COLLATE "C", lease_id, {_ROW} '
    f"FROM (SELECT pg_advisory_xact_lock_shared({LEASES})) AS beside, "
    "unnest(string_to_array(:resources, ' '), string_to_array(:lease_ids, ' ')) AS r(resource, lease_id)"
)
_CLAIM = {
    "sqlite": text(
        # `WHERE true` tells the parser that ON CONFLICT is no join
        _claim_from(f"value ->> 0, value ->> 1, {_ROW} FROM json_each(:wanted) WHERE true")
    ),
    "postgresql": text(
        # the lock is had before a row is, for all are sorted first; what was won comes in one row, if any was
        f"""
        WITH won AS ({_claim_from(_PAIRS)})
        SELECT string_agg(lease_id, ' '), string_agg(CAST(ran_out_at AS TEXT), ' ') FROM won
        HAVING count(*) > 0
        """
    ),
}


def give_back(connection: Connection, claims: Sequence[Claim], at: int) -> None:
    """End leases that were won in this transaction and must not be used."""
    if claims:
        rows = lease.c.resource.in_([resource for claimed in claims for resource in claimed.resources])
        mine = lease.c.lease_id.in_([claimed.lease_id for claimed in claims])
        connection.execute(update(lease).where(rows, mine).values(expires_at=at, state="released"))


def acknowledge(
    connection: Connection,
    acks: Sequence[Ack],
    at: int,
    min_gap: Callable[[str], int],
    may_dial: Callable[[Sequence[Given]], Collection[str]],
) -> list[AckResult]:
    """Apply acknowledgements, each on its own: 200, 404 for a lease nobody gave, 410 where nobody must dial.

    `min_gap` gives a campaign's least time between dials: what `dialed` starts at once. `may_dial` tells
    which of the leases that are about to be dialed may be still.
    """
    lock_leases(connection)
    named = {ack.lease_id for ack in acks}
    given = {row.lease_id: Given._make(row) for row in connection.execute(_GIVEN, {"named": list(named)})}
    named_to_dial = {ack.lease_id for ack in acks if ack.state == "dialing"}
    allowed = may_dial([one for lease_id, one in given.items() if lease_id in named_to_dial])
    of = {lease_id: resources_of(row.lead, row.phone_hash) for lease_id, row in given.items()}
    rows = [resource for both in of.values() for resource in both]
    held = {row.lease_id: row.until for row in connection.execute(_HELD, {"rows": rows, "at": at})}
    results = list[AckResult]()
    for ack in acks:
        results.append(_judge(ack, given.get(ack.lease_id), held, at, min_gap, allowed))
        _go_on(held, ack, results[-1].until)
    changed = [
        {"row": row, "changed": ack.lease_id, "new_state": ack.state, "new_until": result.until}
        for ack, result in zip(acks, results, strict=True)
        if result.until is not None
        for row in of[ack.lease_id]
    ]
    if changed:
        connection.execute(_CHANGE, changed)
    return results


def _judge(
    ack: Ack,
    given: Given | None,
    held: Mapping[str, int],
    at: int,
    min_gap: Callable[[str], int],
    allowed: Collection[str],
) -> AckResult:
    if given is None:
        return AckResult(ack.lease_id, 404, "unknown_lease")
    if ack.state in ("dialing", "extend") and ack.lease_id not in held:
        return AckResult(ack.lease_id, 410, "lease_expired", given.lead)
    if ack.state == "dialing" and ack.lease_id not in allowed:
        return AckResult(ack.lease_id, 410, "not_callable", given.lead)
    spell = {"dialing": DIALING, "extend": EXTENSION}.get(ack.state, 0)
    until = at + (min_gap(given.campaign) if ack.state == "dialed" else spell)
    if ack.state == "extend":
        until = max(until, held[ack.lease_id])
    return AckResult(ack.lease_id, 200, None, given.lead, until)


def _go_on(held: dict[str, int], ack: Ack, until: int | None) -> None:
    """What is held after an acknowledgement, for those of the same lease that come behind it."""
    if until is not None and ack.state in ("dialing", "extend"):
        held[ack.lease_id] = until
    elif until is not None:
        held.pop(ack.lease_id, None)


_NAMED: BindParameter[str] = bindparam("named", expanding=True)
_ROWS: BindParameter[str] = bindparam("rows", expanding=True)
_GIVEN = select(decision.c.lease_id, decision.c.lead, decision.c.phone_hash, decision.c.campaign).where(
    decision.c.lease_id.in_(_NAMED)
)
_HELD = (
    select(lease.c.lease_id, func.min(lease.c.expires_at).label("until"))
    .where(lease.c.resource.in_(_ROWS), lease.c.expires_at > bindparam("at"))
    .group_by(lease.c.lease_id)
    .having(func.count() == ROWS)
)
_CHANGE = (
    update(lease)
    .where(lease.c.resource == bindparam("row"), lease.c.lease_id == bindparam("changed"))
    .where(lease.c.state != "called")
    .values(
        state=case(
            (bindparam("new_state", type_=Text) == "extend", lease.c.state), else_=bindparam("new_state")
        ),
        expires_at=bindparam("new_until"),
    )
)


def takes_turn(connection: Connection, job: str, until: int, at: int, holder: str = "") -> bool:
    """Win a job that one worker does for all, until an instant; `holder` names its turn."""
    told = _told(connection, [(f"job:{job}", job)], holder, until, at)
    return connection.execute(_CLAIM[connection.dialect.name], told).first() is not None


def keeps_turn(connection: Connection, job: str, until: int, holder: str) -> bool:
    """Let one's turn last until an instant; False where another has taken the job since."""
    mine = update(lease).where(lease.c.resource == f"job:{job}", lease.c.dialer_id == holder)
    return connection.execute(mine.values(expires_at=until)).rowcount > 0


def open_leases(connection: Connection, at: int) -> Iterable[tuple[int, int, int]]:
    """(database key of the lead, held since, held until) of every open lease."""
    held = (
        select(decision.c.lead, decision.c.at, lease.c.expires_at)
        .select_from(lease.join(decision, decision.c.lease_id == lease.c.lease_id))
        .where(lease.c.expires_at > at, lease.c.resource.like("lead:%"))
    )
    return [(lead, since, until) for lead, since, until in connection.execute(held)]


def ran_out(connection: Connection, campaign: str, since: int, at: int) -> int:
    """How many leases of a campaign ended in (since, at] without a word of the dialer.

    Those whose leads nobody has leased since are in the table; the others were told of by the claims that
    took their place, and no word that comes later changes them. One that a suppression took isn't counted.
    """
    last = (
        select(func.count())
        .select_from(lease.join(decision, decision.c.lease_id == lease.c.lease_id))
        .where(lease.c.resource.like("lead:%"), lease.c.state.in_(("leased", "dialing")))
        .where(lease.c.expires_at > since, lease.c.expires_at <= at, decision.c.campaign == campaign)
    )
    told = select(batch.c.ran_out).where(batch.c.campaign == campaign, batch.c.at > since)
    told = told.where(batch.c.ran_out.is_not(None))
    before = [ended for (some,) in connection.execute(told) for ended in some if since < ended <= at]
    return len(before) + connection.execute(last).scalar_one()


def holder(connection: Connection, lease_id: str, at: int) -> Given | None:
    """Whom an open lease is for, None if it doesn't hold all its resources."""
    given = connection.execute(_GIVEN, {"named": [lease_id]}).first()
    if given is None:
        return None
    rows = resources_of(given.lead, given.phone_hash)
    held = connection.execute(_HELD, {"rows": rows, "at": at}).scalars().all()
    return Given._make(given) if lease_id in held else None
