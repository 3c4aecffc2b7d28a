"""Events in: each is applied once, in any order of arrival, or kept in quarantine with a reason."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection, select

from ...calls import Outcome
from ...sources import wire
from ...sources.outcomes import Dialects
from ...sources.words import is_ident
from ..installation import secret_of
from ..lookup import among, found_pairs, lock_ingest, unique
from ..repeats import count_repeats
from ..tables import agent, call, disposition, event, lead, outcome_code, quarantine
from .apply import apply
from .blanks import BLANKED
from .draft import Draft, KnownCall
from .erasure import forget_told
from .quarantine import payloads, put_aside, put_right, quarantined, settle, stops_in, waiting
from .receipts import Erasure, EventReceipt, Known
from .sense import nonsense, unmapped
from .telling import Fault, Told, read

_OF_A_LEAD = (
    wire.CallAttempted,
    wire.Conversion,
    wire.Callback,
    wire.ConsentGranted,
    wire.ConsentRevoked,
    wire.Stop,
    wire.LeadErased,
    wire.Touch,
)
_OF_A_CALL = (wire.CallAttempted, wire.CallDisposed, wire.VoiceScored)

AT_ONCE = 5_000
"""How many quarantined events are tried again at once."""


class _Taken(NamedTuple):
    """What became of events, and the receipts of the leads that they erased."""

    accepted: list[Told]
    faulty: list[Told]
    erasures: list[Erasure]


def accept_events(
    connection: Connection,
    items: Sequence[object],
    at: int,
    known: Known = "received",
    within: Collection[str] | None = None,
) -> EventReceipt:
    """Take in CloudEvents, each (source, id) once; `at` is when they are stored.

    `within` names the campaigns of whose leads and calls they may speak, now and when they are replayed.

    One that waits in quarantine and is told otherwise now was put right: it is tried as it is told now.
    """
    lock_ingest(connection)
    told, rejected, reach = [], [], None if within is None else tuple(sorted(within))
    for index, item in enumerate(items):
        found = read(item, at, known)
        if isinstance(found, str):
            rejected.append((index, found))
        else:
            told.append(found if reach is None else replace(found, within=reach))
    new, mended = _new_ones(connection, told)
    fresh = [*new, *mended]
    tried = {id(one) for one in fresh}
    again = [(one.source, one.type, one.time) for one in told if id(one) not in tried]
    count_repeats(connection, again, at)
    accepted, faulty, erasures = _take_in(connection, new, at)
    put_aside(connection, faulty, at)
    put_right(connection, mended)
    good, bad, more = _try_again(connection, mended, at)
    replayed = replay_waiting(connection, _called([*accepted, *good]), at)
    forget_told(connection, _named(fresh, "lead_id"), _named(fresh, "call_id"))
    return EventReceipt(
        len(accepted) + len(good),
        len(again),
        _reasons([*faulty, *bad]),
        tuple(rejected),
        replayed,
        (*erasures, *more),
    )


def replay_quarantine(connection: Connection, at: int, codes: Collection[str] | None = None) -> EventReceipt:
    """Try all quarantined events again (of some reason codes alone); what is still faulty stays."""
    lock_ingest(connection)
    accepted, released, faults, last, erasures = 0, 0, list[Told](), 0, list[Erasure]()
    while page := quarantined(connection, codes, last, AT_ONCE):
        last = max(page)
        good, faulty, erased = _try_again(connection, list(page.values()), at)
        released += replay_waiting(connection, _called(good), at)
        accepted += len(good)
        faults += faulty
        erasures += erased
    return EventReceipt(accepted, quarantined=_reasons(faults), replayed=released, erasures=tuple(erasures))


def replay_waiting(connection: Connection, things: Collection[str], at: int) -> int:
    """Try again what waited for leads or calls; tell how many were accepted, with those they released."""
    told = waiting(connection, things)
    if not told:
        return 0
    accepted, _, _ = _try_again(connection, told, at)
    return len(accepted) + replay_waiting(connection, _called(accepted), at)


def _new_ones(connection: Connection, told: Sequence[Told]) -> tuple[list[Told], list[Told]]:
    """Each event once: those that neither the log nor the quarantine holds, and those put right since."""
    first = {one.key: one for one in reversed(told)}
    keys = sorted(first)
    logged, held = (found_pairs(connection, table, keys) for table in (event, quarantine))
    waiting_ones = payloads(connection, held - logged)
    mended = [first[key] for key, payload in waiting_ones.items() if _otherwise(payload, first[key].payload)]
    return [one for key, one in first.items() if key not in logged | held], mended


def _otherwise(before: Mapping[str, object], now: Mapping[str, object]) -> bool:
    """Whether an event that waits is told with another content now; what was blanked is never told anew."""
    said = [{name: one[name] for name in one if name != wire.SEQUENCE} for one in (before, now)]
    return said[0] != said[1] and BLANKED not in before


def _take_in(connection: Connection, told: Sequence[Told], at: int) -> _Taken:
    """Apply and log what makes sense, calls first."""
    if not told:
        return _Taken([], [], [])
    draft = _prepare(connection, told, at)
    accepted, faulty = [], []
    for one in sorted(told, key=lambda one: (not isinstance(one.data, wire.CallAttempted), *one.order)):
        fault = nonsense(one, at) or _missing(one, draft) or unmapped(one, draft.dialects)
        if fault is None:
            apply(draft, one)
            draft.log(one)
            accepted.append(one)
        else:
            faulty.append(one.faulty(fault))
    draft.stops += [stop for one in faulty for stop in stops_in(one, draft)]
    return _Taken(accepted, faulty, draft.write(connection))


def _try_again(connection: Connection, told: Sequence[Told], at: int) -> _Taken:
    taken = _take_in(connection, told, at)
    settle(connection, taken.accepted, taken.faulty, at)
    return taken


def _missing(told: Told, draft: Draft) -> Fault | None:
    """The lead or the call that an event speaks of and nobody told us of yet."""
    lead_id, call_id = _lead_of(told), _call_of(told)
    if lead_id is not None and lead_id not in draft.leads:
        return Fault("unknown_lead", f"no lead {lead_id} yet", f"lead:{lead_id}")
    if call_id is not None and not isinstance(told.data, wire.CallAttempted) and call_id not in draft.calls:
        return Fault("unknown_call", f"no call {call_id} yet", f"call:{call_id}")
    campaign = draft.campaigns.get(_subject(lead_id, call_id, draft))
    if campaign is not None and not told.reaches(campaign):
        return Fault("other_campaign", "its lead is of a campaign that the key isn't for")
    return None


def _subject(lead_id: str | None, call_id: str | None, draft: Draft) -> int:
    """The lead (`lead.id`) that an event is about, -1 if about none."""
    if lead_id is not None:
        return draft.leads.get(lead_id, -1)
    return draft.calls[call_id].lead if call_id in draft.calls else -1


def _named(told: Sequence[Told], name: str) -> list[str]:
    """The ids that events name, whatever else is wrong with them."""
    said = [data for one in told if isinstance(data := one.payload.get("data"), Mapping)]
    return unique(word for data in said if is_ident(word := data.get(name)))


def _lead_of(told: Told) -> str | None:
    data = told.data
    return data.lead_id if isinstance(data, _OF_A_LEAD) else None


def _call_of(told: Told) -> str | None:
    data = told.data
    return data.call_id if isinstance(data, _OF_A_CALL) else None


def _prepare(connection: Connection, told: Sequence[Told], at: int) -> Draft:
    """Look up all that the batch names, in one question a table."""
    agents = unique(one.data.agent_id for one in told if isinstance(one.data, wire.AgentUpserted))
    disposed = unique(one.data.call_id for one in told if isinstance(one.data, wire.CallDisposed))
    leads = _leads(connection, unique(map(_lead_of, told)))
    calls = _calls(connection, unique(map(_call_of, told)))
    limited = any(one.within is not None for one in told)
    subjects = {*leads.values(), *(one.lead for one in calls.values())} if limited else set()
    return Draft(
        at,
        secret_of(connection),
        _dialects(connection),
        leads,
        calls,
        _agents(connection, agents),
        campaigns=_campaigns(connection, subjects),
        dispositions=_dispositions(connection, disposed),
    )


def _dialects(connection: Connection) -> Dialects:
    rows = connection.execute(select(outcome_code))
    return Dialects({(row.source, row.code): Outcome(row.outcome) for row in rows})


def _leads(connection: Connection, named: Sequence[str]) -> dict[str, int]:
    if not named:
        return {}
    rows = connection.execute(
        select(lead.c.lead_id, lead.c.id).where(among(connection, lead.c.lead_id, named))
    )
    return {row.lead_id: row.id for row in rows}


def _campaigns(connection: Connection, keys: Collection[int]) -> dict[int, str]:
    if not keys:
        return {}
    rows = connection.execute(select(lead.c.id, lead.c.campaign).where(among(connection, lead.c.id, keys)))
    return {row.id: row.campaign for row in rows}


def _calls(connection: Connection, named: Sequence[str]) -> dict[str, KnownCall]:
    if not named:
        return {}
    columns = select(call.c.call_id, call.c.lead, call.c.phone_hash, call.c.event_at, call.c.event_id)
    rows = connection.execute(columns.where(among(connection, call.c.call_id, named)))
    return {row.call_id: KnownCall(row.lead, row.phone_hash, (row.event_at, row.event_id)) for row in rows}


def _agents(connection: Connection, named: Sequence[str]) -> dict[str, tuple[int, str]]:
    if not named:
        return {}
    columns = select(agent.c.agent, agent.c.event_at, agent.c.event_id)
    rows = connection.execute(columns.where(among(connection, agent.c.agent, named)))
    return {row.agent: (row.event_at, row.event_id) for row in rows}


def _dispositions(connection: Connection, named: Sequence[str]) -> dict[str, list[tuple[int, int | None]]]:
    if not named:
        return {}
    columns = select(disposition.c.call_id, disposition.c.event_at, disposition.c.callback_at)
    told: dict[str, list[tuple[int, int | None]]] = {}
    mine = columns.where(among(connection, disposition.c.call_id, named)).order_by(disposition.c.id)
    for row in connection.execute(mine):
        told.setdefault(row.call_id, []).append((row.event_at, row.callback_at))
    return told


def _called(accepted: Sequence[Told]) -> list[str]:
    """What events may have waited for: the calls among those accepted."""
    return [f"call:{one.data.call_id}" for one in accepted if isinstance(one.data, wire.CallAttempted)]


def _reasons(faulty: Sequence[Told]) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.id, one.fault.code, one.fault.detail) for one in faulty if one.fault is not None)
