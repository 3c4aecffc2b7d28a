"""Messages: the world's leads, calls and sales in the words of the service's interface, as plain JSON."""

from collections.abc import Iterator

import numpy as np

from ..calls import Outcome
from ..instants import DAY, NEVER, render
from .arrivals import AGE_BANDS, AREAS
from .crew import Shift
from .floor import CONFIRMED, Call, Fact
from .parameters import SEGMENTS
from .world import CAMPAIGN, GOAL, World, agent_id, lead_id, phone, zone_name

Message = dict[str, object]
DIALER = "dialer-1"
_PREFIX = "io.leadrank."
_NOBODY_TO_ASK = {
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.MACHINE,
    Outcome.DISCONNECTED,
    Outcome.ABANDONED,
    Outcome.ERROR,
}


def lead_item(world: World, lead: int) -> Message:
    """One item of `POST /v1/leads:batch`: what is known of a lead on arrival, nothing latent."""
    leads = world.leads
    arrived = int(leads.arrived[lead])
    created = render(arrived)
    channel = world.parameters.channels[int(leads.channel[lead])]
    source = world.source_names[int(leads.source[lead])]
    item: Message = {
        "lead_id": lead_id(lead),
        "campaign": CAMPAIGN,
        "created_at": created,
        "updated_at": created,
        "phones": [{"e164": phone(lead), "type": "mobile"}],
        "channel": channel.name,
        "source": source,
        "country": "US",
        "timezone": zone_name(world.parameters, int(leads.zone_h[lead])),
        "value": float(leads.value[lead]),
        "attributes": _attributes(world, lead),
        "consent": {"basis": "express_written", "at": created, "evidence": f"{channel.name}:{source}"},
    }
    if channel.at_once:
        item["list_id"] = f"{source}-week-{1 + (arrived - world.start) // (7 * DAY)}"
    return item


def _attributes(world: World, lead: int) -> Message:
    leads = world.leads
    x = {f"x{k + 1}": float(v) for k, v in enumerate(leads.x[lead]) if not np.isnan(v)}
    return {
        "segment": SEGMENTS[int(leads.segment[lead])],
        "age_band": AGE_BANDS[int(leads.age_band[lead])],
        "area": AREAS[int(leads.area[lead])],
        **x,
    }


def event(kind: str, id_: str, at: int, content: Message, source: str = f"/{DIALER}") -> Message:
    """A structured CloudEvent of leadrank."""
    return {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": _PREFIX + kind,
        "time": render(at),
        "datacontenttype": "application/json",
        "data": content,
    }


def events_of_call(world: World, call: Call) -> Iterator[Message]:
    """The attempt, and what an agent wrote about it; sales are confirmed by `event_of_fact`, later."""
    yield event("call.attempted", f"{call.call_id}-attempted", call.ended_at, _attempt(world, call))
    if call.outcome not in _NOBODY_TO_ASK:
        yield event("call.disposed", f"{call.call_id}-disposed", call.disposed_at, _disposition(call))
    who: Message = {"lead_id": lead_id(call.lead)}
    if call.callback_at != NEVER:
        promise = who | {"at": render(call.callback_at), "agent_id": agent_id(call.agent)}
        yield event("callback.scheduled", f"{call.call_id}-callback", call.disposed_at, promise)
    if call.stop:
        stop = who | {"phone": phone(call.lead), "at": render(call.disposed_at)}
        yield event("dnc.added", f"{call.call_id}-stop", call.disposed_at, stop)


def _attempt(world: World, call: Call) -> Message:
    content: Message = {
        "call_id": call.call_id,
        "lead_id": lead_id(call.lead),
        "campaign": CAMPAIGN,
        "agent_id": agent_id(call.agent),
        "dialer_id": DIALER,
        "phone": phone(call.lead),
        "started_at": render(call.started_at),
        "ended_at": render(call.ended_at),
        "outcome": call.outcome.name.lower(),
        "talk_s": call.talk_s,
        "hold_s": call.hold_s,
        "wrap_s": call.wrap_s,
        "human_answered": call.human_answered,
        "abandoned": call.abandoned,
        "script": f"script-{call.script + 1}",
        "shift": shift_name(world, call.agent, call.started_at),
    }
    told = {"lease_id": call.offer.lease_id, "decision_id": call.offer.decision_id}
    content |= {name: id_ for name, id_ in told.items() if id_}
    if call.answered_at != NEVER:
        content["answered_at"] = render(call.answered_at)
    if call.callback_at != NEVER:
        content["callback_at"] = render(call.callback_at)
    return content


def _disposition(call: Call) -> Message:
    content: Message = {
        "call_id": call.call_id,
        "disposition": call.outcome.name.lower(),
        "converted": call.converted,
    }
    if call.converted:
        content["value"] = call.value
    if call.callback_at != NEVER:
        content["callback_at"] = render(call.callback_at)
    if call.stop:
        content["stop_phone"] = True
    return content


def shift_name(world: World, agent: int, at: int) -> str:
    """`early`, `late` or `saturday`."""
    if (at - world.start) // DAY % 7 == 5:
        return "saturday"
    return "late" if world.agents.seat[agent] % 2 else "early"


def event_of_fact(fact: Fact) -> Message:
    """A sale was confirmed or cancelled."""
    kind = "conversion.recorded" if fact.kind == CONFIRMED else "conversion.cancelled"
    content: Message = {
        "lead_id": lead_id(fact.lead),
        "goal": GOAL,
        "value": fact.value,
        "at": render(fact.at),
    }
    return event(
        kind, f"{lead_id(fact.lead)}-sale-{fact.attempt}-{fact.kind}", fact.at, content, "/back-office"
    )


def event_of_agent(world: World, agent: int) -> Message:
    """An agent was hired."""
    hired = int(world.agents.hired_at[agent])
    content: Message = {
        "agent_id": agent_id(agent),
        "team": "late" if world.agents.seat[agent] % 2 else "early",
        "skills": [],
        "timezone": zone_name(world.parameters, 0),
        "hired_at": render(hired),
    }
    return event("agent.upserted", f"{agent_id(agent)}-hired", hired, content, "/workforce")


def events_of_shift(shift: Shift) -> Iterator[Message]:
    """When an agent was there: ready, break, off."""
    pauses = [(begin, "break") for begin, _ in shift.breaks] + [(end, "ready") for _, end in shift.breaks]
    states = [(shift.start, "ready"), *sorted(pauses), (shift.stop, "off")]
    for n, (at, state) in enumerate(states):
        content: Message = {"agent_id": agent_id(shift.agent), "state": state, "at": render(at)}
        id_ = f"{agent_id(shift.agent)}-day-{shift.day}-{n}"
        yield event("agent.state", id_, at, content, "/workforce")
