"""A rehearsal: a lead handed out on a small store of its own, which compiles every loop that a poll runs."""

from pathlib import Path
from tempfile import TemporaryDirectory

from features.instants import HOUR, parse, render
from features.store.engine import open_engine, transaction
from features.store.migrations import upgrade
from features.store.writes import accept_events, accept_leads

from .desk import Desk
from .handout import Order
from .inquiry import check
from .leases import Ack
from .models import Models
from .retraining import Trainer

_CAME = parse("2026-01-05T12:00:00Z")
_AT = _CAME + 6 * HOUR
"""A Monday's noon in New York."""


def rehearse() -> None:
    """Compile the loops of a poll by rules, or load them from numba's cache; models warm up their own."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/rehearsal.db")
        upgrade(engine)
        with transaction(engine) as connection:
            accept_leads(connection, [_lead(number) for number in range(3)], _CAME)
            accept_events(connection, [_call()], _CAME + HOUR)
        desk = Desk(engine, Models("", Path(folder)), Trainer("", ""), b"rehearsal")
        given = desk.lease("rehearsal", Order(1), "rehearsal", _AT)
        desk.acknowledge([Ack(item.lease_id, "released") for item in given.items], _AT)
        desk.look_again("rehearsal", _AT)
        check(desk, "rehearsal", "lead-0", None, None, _AT)
        engine.dispose()


def _lead(number: int) -> dict[str, object]:
    return {
        "lead_id": f"lead-{number}", "campaign": "rehearsal", "country": "US", "region": "NY",
        "channel": "web_form", "source": "site", "attributes": {"need": number, "mood": "warm"},
        "created_at": render(_CAME), "updated_at": render(_CAME),
        "phones": [{"e164": f"+1212555010{number}", "type": "mobile"}],
    }  # fmt: skip


def _call() -> dict[str, object]:
    started, ended = render(_CAME), render(_CAME + HOUR)
    return {
        "specversion": "1.0", "id": "call-0", "source": "rehearsal", "type": "io.leadrank.call.attempted",
        "time": ended,
        "data": {
            "call_id": "call-0", "lead_id": "lead-0", "campaign": "rehearsal", "dialer_id": "d",
            "started_at": started, "ended_at": ended, "outcome": "no_answer", "human_answered": False,
            "talk_s": 0, "abandoned": False,
        },
    }  # fmt: skip
