"""History: the first days of a world under the bootstrap policy, as files that the service can take in."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import orjson

from ..instants import NEVER, parse, render
from .dirty import dirtied, write_vocabularies
from .floor import CANCELLED, CONFIRMED, Fact, Floor
from .messages import Message, event_of_agent, event_of_fact, events_of_call, events_of_shift, lead_item
from .orders import bootstrap
from .parameters import WorldParameters
from .result import Result
from .run import POLL, Progress, run
from .world import World


@dataclass(frozen=True)
class History:
    """A world's first days: the floor as of `until`, from where any queue may go on, and what happened."""

    floor: Floor
    result: Result
    until: int


def play_history(world: World, days: int, poll: int = POLL, on_progress: Progress | None = None) -> History:
    """Run the bootstrap policy for the first `days` of a world."""
    floor = Floor.opening(world)
    result = run(floor, bootstrap(floor), world.start, world.day(days), poll, on_progress)
    return History(floor, result, world.day(days))


def write_history(history: History, folder: Path, *, dirty: bool = False) -> dict[str, int]:
    """Write `leads.ndjson`, `events.ndjson` and `world.json`; return the counts. Same world, same bytes.

    A dirty feed has the same leads; its events come as such feeds do, and as the CSV exports of four dialers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    world = history.floor.world
    leads = world.arrived_between(world.start, history.until).tolist()
    events = events_of(history)
    counts = {"leads": len(leads), "events": len(events), "calls": len(history.result.log)}
    if dirty:
        write_vocabularies(world, history.result.log, folder)
        events, defects = dirtied(world, events)
        counts |= {"events": len(events), **defects}
    _write_lines(folder / "leads.ndjson", (lead_item(world, lead) for lead in leads))
    _write_lines(folder / "events.ndjson", events)
    (folder / "world.json").write_bytes(
        orjson.dumps(_card(history, counts), option=orjson.OPT_INDENT_2) + b"\n"
    )
    return counts


def events_of(history: History) -> list[Message]:
    """All that is known by the end of the history, ordered by time, then id."""
    world, until = history.floor.world, history.until
    hired = [a for a in range(len(world.agents)) if world.agents.hired_at[a] < until]
    days = (until - world.start) // (world.day(1) - world.start)
    told = [event_of_agent(world, agent) for agent in hired]
    told += [e for day in range(days) for shift in world.shifts(day) for e in events_of_shift(shift)]
    told += [e for call in history.result.log for e in events_of_call(world, call)]
    told += [event_of_fact(fact) for fact in facts_of(history.result) if fact.at <= until]
    return sorted(told, key=lambda e: (parse(str(e["time"])), str(e["id"])))


def facts_of(result: Result) -> list[Fact]:
    """What becomes of each sale of a run, even after it."""
    sales = [call for call in result.log if call.converted]
    confirmed = [
        Fact(c.confirmed_at, c.lead, c.attempt, CONFIRMED, c.value) for c in sales if c.confirmed_at < NEVER
    ]
    cancelled = [
        Fact(c.cancelled_at, c.lead, c.attempt, CANCELLED, c.value) for c in sales if c.cancelled_at < NEVER
    ]
    return sorted(confirmed + cancelled)


def _write_lines(path: Path, items: Iterable[Message]) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items)


def _card(history: History, counts: dict[str, int]) -> Message:
    """What the world is called and made of; nothing latent."""
    world = history.floor.world
    return {
        "family": world.parameters.family,
        "seed": world.seed,
        "from": render(world.start),
        "until": render(history.until),
        "counts": counts,
        "parameters": parameters_card(world.parameters),
    }


def parameters_card(parameters: WorldParameters) -> Message:
    """The parameters as plain JSON values."""
    card = {field.name: getattr(parameters, field.name) for field in fields(parameters)}
    card["epoch"] = render(parameters.epoch)
    card["channels"] = [asdict(channel) for channel in parameters.channels]
    card["drifts"] = [asdict(drift) for drift in parameters.drifts]
    return card


def summary(history: History) -> dict[str, float]:
    """Figures of a history for people: rates as shares, times in seconds, money per paid hour."""
    calls, days = history.result.calls, history.result.agent_days
    contacts = int(days.contacts.sum())
    talks = calls.talk_s[calls.human_answered & ~calls.abandoned]
    return {
        "leads": float(history.floor.world.arrived_between(history.floor.world.start, history.until).size),
        "calls": float(len(calls)),
        "contact_rate": float(calls.human_answered.mean()) if len(calls) else 0.0,
        "sales": float(calls.converted.sum()),
        "sales_per_contact": float(calls.converted.sum() / max(contacts, 1)),
        "median_talk_s": float(np.median(talks)) if talks.size else 0.0,
        "paid_hours": history.result.paid_hours,
        "value_per_hour": history.result.value_per_hour if history.result.paid_hours else 0.0,
    }
