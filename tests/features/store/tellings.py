"""Builders of leads and events as they come over the wire."""

from features.instants import HOUR, MINUTE, parse, render

NOON = parse("2026-01-05T12:00:00Z")
"""When the tests receive."""

CALL_ENDED = NOON - HOUR


def a_phone(lead_id: str) -> str:
    """The number of the lead that `a_lead` builds."""
    return f"+1212555{sum(map(ord, lead_id)) % 10000:04d}"


def a_lead(lead_id: str = "ann", **more: object) -> dict[str, object]:
    """A lead as its channel hands it over."""
    plain: dict[str, object] = {
        "lead_id": lead_id,
        "campaign": "spring",
        "created_at": "2026-01-05T08:00:00Z",
        "updated_at": "2026-01-05T08:00:00Z",
        "phones": [{"e164": a_phone(lead_id), "type": "mobile"}],
        "channel": "web_form",
        "country": "US",
        "region": "NY",
    }
    return plain | more


def an_event(kind: str, /, name: str = "", time: int = CALL_ENDED, **data: object) -> dict[str, object]:
    """A CloudEvent of ours; its id is made of its content unless named."""
    return {
        "specversion": "1.0",
        "id": name or f"{kind}-{'-'.join(str(value)[:20] for value in data.values())}-{time}",
        "source": "test/dialer",
        "type": f"io.leadrank.{kind}",
        "time": render(time),
        "data": data,
    }


def a_call(call_id: str = "c1", lead_id: str = "ann", name: str = "", **more: object) -> dict[str, object]:
    """A `call.attempted`: two minutes, a human answered."""
    plain: dict[str, object] = {
        "call_id": call_id,
        "lead_id": lead_id,
        "campaign": "spring",
        "agent_id": "joe",
        "dialer_id": "d1",
        "started_at": render(CALL_ENDED - 2 * MINUTE),
        "ended_at": render(CALL_ENDED),
        "outcome": "contact_no_decision",
        "talk_s": 80,
        "hold_s": 0,
        "human_answered": True,
        "abandoned": False,
    }
    return an_event("call.attempted", name or f"attempt-{call_id}") | {"data": plain | more}


def a_disposition(
    call_id: str = "c1", disposition: str = "contact_no_decision", name: str = "", **more: object
):
    """A `call.disposed` as its call ends."""
    told = {"call_id": call_id, "disposition": disposition} | more
    return an_event("call.disposed", name or f"disposed-{call_id}") | {"data": told}
