"""What each type of event adds to the rows: one small function a type."""

from collections.abc import Callable

from ...calls import Outcome
from ...instants import SECOND
from ...sources import wire
from ..tables import agent_state, callback, consent, conversion, disposition, touch, voice
from .draft import Draft, KnownCall
from .stops import Stop
from .telling import Told, read_as


def apply(draft: Draft, told: Told) -> None:
    """Add an event's facts to the draft; it makes sense, and its lead or call is known."""
    APPLY[told.kind](draft, told)


def _call_attempted(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.CallAttempted)
    outcome = draft.dialects.outcome(told.source, data.outcome)
    assert outcome is not None
    lead, phone = draft.leads[data.lead_id], draft.phone_hash(data.phone)
    known_at, version = draft.known_at(told), (told.time, f"{told.source} {told.rank}")
    if told.known_at is not None:
        known_at = max(known_at, data.ended_at)
    if outcome is Outcome.DO_NOT_CALL:
        draft.stops.append(Stop("dnc", told.time, known_at, lead_id=data.lead_id, phone_hash=phone))
    if data.callback_at is not None:
        promised_at = max(told.time, data.started_at)  # so that the call itself doesn't keep its promise
        _add_callback(draft, told, lead, data.callback_at, data.agent_id, promised_at)
    if data.lease_id is not None:
        used = data.lease_id, lead
        draft.leases[used] = max(data.ended_at, draft.leases.get(used, 0))
    draft.tell_call(
        KnownCall(lead, phone, version),
        {
            "call_id": data.call_id,
            "lead": lead,
            "campaign": data.campaign,
            "agent": data.agent_id,
            "dialer_id": data.dialer_id,
            "phone_hash": phone,
            "caller_hash": draft.phone_hash(data.caller_id),
            "started_at": data.started_at,
            "answered_at": data.answered_at,
            "ended_at": data.ended_at,
            "event_at": version[0],
            "event_id": version[1],
            "known_at": known_at,
            "outcome": int(outcome),
            "talk_s": data.talk_s,
            "hold_s": data.hold_s,
            "wrap_s": data.wrap_s,
            "human_answered": data.human_answered,
            "abandoned": data.abandoned,
            "lease_id": data.lease_id,
            "decision_id": data.decision_id,
            "script": data.script,
            "shift": data.shift,
        },
    )


def _call_disposed(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.CallDisposed)
    outcome = draft.dialects.outcome(told.source, data.disposition)
    assert outcome is not None
    of, known_at = draft.calls[data.call_id], draft.known_at(told)
    if outcome is Outcome.DO_NOT_CALL:
        draft.stops.append(Stop("dnc", told.time, known_at, lead=of.lead, phone_hash=of.phone_hash))
    elif data.stop_phone:
        everywhere = of.lead if of.phone_hash is None else None
        draft.stops.append(Stop("dnc", told.time, known_at, lead=everywhere, phone_hash=of.phone_hash))
    if data.callback_at is not None:
        _add_callback(draft, told, of.lead, data.callback_at, None, told.time)
    if (taken_back_at := draft.disposed(data.call_id, told.time, data.callback_at)) is not None:
        _add_callback(draft, told, of.lead, taken_back_at, None, taken_back_at, cancelled=True)
    rest = None if data.next_after_s is None else told.time + round(data.next_after_s * SECOND)
    draft.add(
        disposition,
        call_id=data.call_id,
        event_at=told.time,
        known_at=known_at,
        disposition=int(outcome),
        converted=outcome is Outcome.CONVERTED if data.converted is None else data.converted,
        value=data.value,
        next_at=rest,
        callback_at=data.callback_at,
        stop_phone=data.stop_phone,
    )


def _conversion(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.Conversion)
    draft.add(
        conversion,
        lead=draft.leads[data.lead_id],
        goal=data.goal,
        value=data.value,
        at=data.at,
        event_at=told.time,
        known_at=draft.known_at(told),
        cancelled=told.kind == "conversion.cancelled",
    )


def _callback(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.Callback)
    lead, cancelled = draft.leads[data.lead_id], told.kind == "callback.cancelled"
    _add_callback(draft, told, lead, data.at, data.agent_id, told.time, cancelled=cancelled)


def _add_callback(
    draft: Draft,
    told: Told,
    lead: int,
    at: int,
    agent: str | None,
    event_at: int,
    *,
    cancelled: bool = False,
) -> None:
    known_at = draft.known_at(told)
    row = {"lead": lead, "at": at, "agent": agent, "event_at": event_at, "known_at": known_at}
    draft.add(callback, **row, cancelled=cancelled)


def _consent_granted(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.ConsentGranted)
    _add_consent(draft, told, data.lead_id, data.basis, data.at, data.evidence)


def _consent_revoked(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.ConsentRevoked)
    _add_consent(draft, told, data.lead_id, "none", data.at, data.evidence)


def _add_consent(
    draft: Draft, told: Told, lead_id: str, basis: str, at: int | None, evidence: str | None
) -> None:
    draft.add(
        consent,
        lead=draft.leads[lead_id],
        basis=basis,
        at=told.time if at is None else at,
        evidence=evidence,
        known_at=draft.known_at(told),
    )


def _stop(draft: Draft, told: Told) -> None:
    """A stop holds from when it was said, or told if that is earlier; a removal from when it says."""
    data, lifts = read_as(told, wire.Stop), told.kind == "dnc.removed"
    since = told.time if data.at is None else data.at if lifts else min(data.at, told.time)
    draft.stops.append(
        Stop(
            "objection" if told.kind == "objection.received" else "dnc",
            since,
            draft.known_at(told),
            lead_id=data.lead_id,
            phone_hash=draft.phone_hash(data.phone),
            lifts=lifts,
        )
    )


def _lead_erased(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.LeadErased)
    since = told.time if data.at is None else min(data.at, told.time)
    draft.stops.append(Stop("erased", since, draft.known_at(told), lead_id=data.lead_id))
    draft.erased.setdefault(draft.leads[data.lead_id], since)


def _agent_upserted(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.AgentUpserted)
    version = (told.time, f"{told.source} {told.rank}")
    if draft.agents.get(data.agent_id, (0, "")) >= version:
        return
    draft.agents[data.agent_id] = version
    draft.agent_rows[data.agent_id] = {
        "agent": data.agent_id,
        "team": data.team,
        "skills": data.skills,
        "timezone": data.timezone,
        "hired_at": data.hired_at,
        "cost_per_hour": data.cost_per_hour,
        "event_at": version[0],
        "event_id": version[1],
        "known_at": draft.known_at(told),
    }


def _agent_state(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.AgentState)
    draft.add(agent_state, agent=data.agent_id, state=data.state, at=data.at, known_at=draft.known_at(told))


def _touch(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.Touch)
    draft.add(
        touch,
        lead=draft.leads[data.lead_id],
        channel=data.channel,
        kind=data.kind,
        direction=data.direction,
        agent=data.agent_id,
        at=data.at,
        known_at=draft.known_at(told),
    )


def _voice(draft: Draft, told: Told) -> None:
    data = read_as(told, wire.VoiceScored)
    draft.add(
        voice,
        call_id=data.call_id,
        sentiment=data.sentiment,
        talk_ratio=data.talk_ratio,
        interruptions=data.interruptions,
        silence_s=data.silence_s,
        tone=data.tone,
        transcript_ref=data.transcript_ref,
        event_at=told.time,
        known_at=draft.known_at(told),
    )


APPLY: dict[str, Callable[[Draft, Told], None]] = {
    "call.attempted": _call_attempted,
    "call.disposed": _call_disposed,
    "conversion.recorded": _conversion,
    "conversion.cancelled": _conversion,
    "callback.scheduled": _callback,
    "callback.cancelled": _callback,
    "consent.granted": _consent_granted,
    "consent.revoked": _consent_revoked,
    "objection.received": _stop,
    "dnc.added": _stop,
    "dnc.removed": _stop,
    "lead.erased": _lead_erased,
    "agent.upserted": _agent_upserted,
    "agent.state": _agent_state,
    "touch.recorded": _touch,
    "voice.scored": _voice,
}
