"""Two floors told of by chance: days of 23 and 25 hours, nights, and all that goes wrong with events."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from sqlalchemy import Engine, insert

from features.instants import DAY, HOUR, MINUTE, SECOND, parse, render
from features.store.campaigns import write_campaign
from features.store.engine import transaction
from features.store.tables import batch, decision, lead
from features.store.writes import accept_events
from tests.features.store.tellings import a_call, a_disposition, a_lead, an_event
from tests.serving.desks import tell_leads

Thing = TypeVar("Thing")
Event = dict[str, object]
Told = tuple[int, Event]
"""When an event was told, and what it says."""

CAMPAIGNS = ("spring", "autumn")
SPANS = tuple(parse(f"2026-{day}T00:00Z") for day in ("03-06", "03-27", "10-23", "10-30"))
"""Four days each, from these on: around the nights in which the clocks of New York or Berlin change."""

BEGIN, LATER = parse("2026-03-01T00:00Z"), parse("2027-03-01T00:00Z")
LEADS, CALLS = 60, 240
SETTINGS: dict[str, dict[str, object]] = {
    "spring": {
        "goal": "sale", "timezone": "America/New_York", "horizon_days": 2,
        "shifts": [
            {"name": "day", "start": "06:00", "end": "18:00"},
            {"name": "night", "start": "18:00", "end": "06:00"},
        ],
    },
    "autumn": {
        "goal": "contract", "timezone": "Europe/Berlin", "confirmation": True, "mode": "power",
        "shifts": [
            {"name": "late", "start": "14:30", "end": "22:15"},
            {"name": "night", "start": "22:00", "end": "05:45"},
        ],
    },
}  # fmt: skip
HUMAN = ("abandoned", "contact_refused", "contact_no_decision", "callback", "converted", "do_not_call")
MACHINE = ("no_answer", "busy", "machine", "disconnected", "abandoned", "error")


class Chance:
    """What happens, from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def of(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one(self, among: Sequence[Thing]) -> Thing:
        return among[int(self.rng.integers(len(among)))]

    def at(self) -> int:
        """An instant of the four spans, to the microsecond."""
        return self.one(SPANS) + int(self.rng.integers(0, 4 * DAY))

    def known(self, at: int) -> int:
        """When something is told of: the next midnight, three days later, or before what was told earlier."""
        return (at // DAY + 1) * DAY + (3 * DAY if self.of(0.15) else 0)

    def seconds(self) -> float | None:
        return float(self.rng.integers(0, 300)) if self.of(0.85) else None


def fill(engine: Engine, seed: int = 7) -> None:
    """Everything of both floors, told in the order in which it was."""
    chance = Chance(seed)
    told = list[Told]()
    for campaign in CAMPAIGNS:
        with transaction(engine) as connection:
            write_campaign(connection, campaign, SETTINGS[campaign], BEGIN)
        tell_leads(engine, [_lead(chance, campaign, number) for number in range(LEADS)], LATER)
        told += [_agent(campaign, number) for number in range(3)]
        told += [one for number in range(CALLS) for one in _call(chance, campaign, number)]
        told += [one for number in range(LEADS) for one in _sales(chance, campaign, number)]
        told += [_touch(chance, campaign, number) for number in range(0, LEADS, 4)]
        told += [one for number in range(4) for one in _states(chance, campaign, number)]
    told += [(at + HOUR, event) for at, event in told if chance.of(0.1)]  # told again, word for word
    _tell(engine, told)
    _decide(engine, chance)


def _tell(engine: Engine, told: Sequence[Told]) -> None:
    for at in sorted({at for at, _ in told}):
        with transaction(engine) as connection:
            accept_events(connection, [event for known, event in told if known == at], at)


def _lead(chance: Chance, campaign: str, number: int) -> dict[str, object]:
    at = render(chance.at())
    more: dict[str, object] = {"source": f"vendor{number % 2}"} if number % 7 else {}
    if number % 4:
        more["value"] = 50 + number
    return a_lead(
        f"{campaign}{number}", campaign=campaign, created_at=at, updated_at=at, phones=[],
        channel=("web_form", "referral", "bought_list")[number % 3], **more,
    )  # fmt: skip


def _call(chance: Chance, campaign: str, number: int) -> list[Told]:
    """One dial, perhaps corrected, with its dispositions, perhaps corrected; perhaps out of order."""
    name, start = f"{campaign}-{number:03d}", chance.at()
    versions = [_dial(chance, campaign, name, start, 0)]
    if chance.of(0.15):
        moved = start + chance.one((-6 * HOUR, -MINUTE, 0, 7 * HOUR))
        versions.append(_dial(chance, campaign, name, moved, 1))
    if chance.of(0.6):
        versions += [_disposed(chance, name, start, nth) for nth in range(1 + chance.of(0.4))]
    return versions


def _dial(chance: Chance, campaign: str, name: str, start: int, version: int) -> Told:
    human, end = chance.of(0.6), start + int(chance.rng.integers(5, 900)) * SECOND
    outcome = chance.one(HUMAN if human else MACHINE)
    maybe = {
        "agent_id": f"{campaign}-agent{chance.rng.integers(4)}" if human else None,
        "script": f"script{chance.rng.integers(3)}" if chance.of(0.8) else None,
        "shift": "overtime" if chance.of(0.1) else None,
        "decision_id": f"d-{name}" if chance.of(0.5) else None,
        "lease_id": f"l-{name}" if chance.of(0.5) else None,
        **{part: chance.seconds() for part in ("talk_s", "hold_s", "wrap_s")},
    }
    dial = a_call(
        name, f"{campaign}{chance.rng.integers(LEADS)}", f"{name}-v{version}", campaign=campaign,
        started_at=render(start), ended_at=render(end), outcome=outcome, human_answered=human,
        abandoned=outcome == "abandoned", **maybe,
    )  # fmt: skip
    later = end + version * HOUR
    return chance.known(max(later, end)), dial | {
        "time": render(later),
        "source": ("test/dialer", "crm")[version],
    }


def _disposed(chance: Chance, name: str, start: int, nth: int) -> Told:
    said = chance.one(HUMAN[1:])
    value = {"value": float(chance.rng.integers(10, 90))} if chance.of(0.5) else {}
    at = start + 4 * HOUR + int(chance.rng.integers(0, HOUR)) * (1 - 2 * nth * chance.of(0.3))
    event = a_disposition(name, said, f"{name}-d{nth}", converted=said == "converted", **value)
    return chance.known(start + nth * DAY), event | {"time": render(at)}


def _sales(chance: Chance, campaign: str, number: int) -> list[Told]:
    """Sales recorded and cancelled, in any order, some of another goal."""
    goal = str(SETTINGS[campaign]["goal"]) if chance.of(0.9) else "other"
    kinds = [kind for kind in ("recorded", "recorded", "cancelled") if chance.of(0.35)]
    found = list[Told]()
    for nth, kind in enumerate(kinds):
        at = chance.at()
        said: dict[str, object] = {"goal": goal, "at": render(at)}
        if chance.of(0.8):
            said["value"] = float(chance.rng.integers(100, 200))
        name = f"{campaign}{number}"
        found.append(
            (chance.known(at), an_event(f"conversion.{kind}", f"{name}-s{nth}", at, lead_id=name, **said))
        )
    return found


def _agent(campaign: str, number: int) -> Told:
    said: dict[str, object] = {"agent_id": f"{campaign}-agent{number}", "team": ("red", "blue")[number % 2]}
    return BEGIN, an_event("agent.upserted", f"{campaign}-{number}", BEGIN, skills=[], **said)


def _touch(chance: Chance, campaign: str, number: int) -> Told:
    at, lead_id = chance.at(), f"{campaign}{number}"
    said = {"channel": chance.one(("email", "sms")), "direction": chance.one(("outbound", "inbound"))}
    event = an_event(
        "touch.recorded", f"{lead_id}-t", at, lead_id=lead_id, kind="note", at=render(at),
        agent_id=f"{campaign}-agent1", **said,
    )  # fmt: skip
    return chance.known(at), event


def _states(chance: Chance, campaign: str, number: int) -> list[Told]:
    """What an agent did in each span, over midnight and the change of the clock."""
    agent, found = f"{campaign}-agent{number}", list[Told]()
    for span in SPANS:
        at = span
        while at < span + 4 * DAY:
            state = chance.one(("ready", "on_call", "wrap", "break", "off"))
            event = an_event("agent.state", f"{agent}-{at}", at, agent_id=agent, state=state, at=render(at))
            found.append((chance.known(at), event))
            at += 13 * HOUR if chance.of(0.01) else int(chance.rng.integers(1, 90)) * MINUTE
    return found


def _decide(engine: Engine, chance: Chance) -> None:
    """A decision for most calls: some echoed by name, some by lease, some found by their time, or too old."""
    with transaction(engine) as connection:
        connection.execute(insert(batch), [_batch(campaign) for campaign in CAMPAIGNS])
        keys = dict(connection.execute(lead.select().with_only_columns(lead.c.lead_id, lead.c.id)).all())
        asked = "SELECT call_id, campaign, lead, started_at FROM call ORDER BY call_id"
        calls = connection.exec_driver_sql(asked).all()
        made = [_decision(chance, *row) for row in calls if chance.of(0.7)]
        extra = [
            _decision(chance, f"{name}{n}", name, keys[f"{name}{n}"], chance.at())
            for name in CAMPAIGNS
            for n in range(LEADS)
        ]
        connection.execute(insert(decision), made + extra)


def _batch(campaign: str) -> dict[str, object]:
    return {
        "batch_id": campaign, "campaign": campaign, "dialer_id": "d", "at": BEGIN, "n": 1, "key_text": "k",
        "degraded": False, "withheld": {}, "rules": {},
    }  # fmt: skip


def _decision(chance: Chance, name: str, campaign: str, of: int, before: int) -> dict[str, object]:
    ahead = chance.one((SECOND, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE + 1, 5 * HOUR, 2 * DAY))
    return {
        "decision_id": f"d-{name}", "batch_id": campaign, "lease_id": f"l-{name}", "campaign": campaign,
        "lead": of, "at": before - ahead, "rank": 1, "attempt_no": 1, "source": "ranked",
        "arm": chance.one(("model", "holdout")), "model_version": chance.one((None, "v1", "v2")),
    }  # fmt: skip
