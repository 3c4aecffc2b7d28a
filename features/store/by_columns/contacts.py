"""Contacts other than calls, and promised callbacks, by columns: what ContactBook tells row by row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from ...facts import BIT
from ...instants import NEVER
from ...kernel import Int64Array
from ..contact_book import touch_bits
from ..fact_book import Batch
from ..tables import callback, touch
from .gathered import Gathered
from .leads import LeadColumns
from .stream import Arrow, Stream, known_by, marked, whole, worded
from .words import Words

_PROMISE = ("lead", "agent", "seq", "event_at", "known_at", "at")
_TOUCH = ("lead", "agent", "seq", "at", "known_at", "bits")

Contacts = dict[str, NDArray[Any]]


def read_promises(stream: Stream, leads: LeadColumns, agents: Words, until: int) -> Contacts:
    """Callbacks agreed on, and their cancellations: those are `at` NEVER."""
    told = Gathered(dict.fromkeys(_PROMISE, np.int64))
    names = (name for name in _PROMISE if name != "agent")
    asked = select(*(callback.c[name] for name in names), worded(callback.c.agent), callback.c.cancelled)
    for batch in stream.batches(asked.where(known_by(callback, until))):
        columns = {name: whole(batch, name) for name in _PROMISE if name != "agent"}
        columns["at"][marked(batch, "cancelled")] = NEVER
        columns |= {
            "lead": leads.rows_of(columns["lead"]),
            "agent": agents.add(batch["agent"], columns["seq"]),
        }
        told.add(**columns)
    return told.take_all()


def read_touches(stream: Stream, leads: LeadColumns, agents: Words, until: int) -> Contacts:
    """Contacts by other channels."""
    told = Gathered(dict.fromkeys(_TOUCH, np.int64))
    names = ("lead", "seq", "at", "known_at", "direction", "channel")
    asked = select(*(touch.c[name] for name in names), worded(touch.c.agent))
    for batch in stream.batches(asked.where(known_by(touch, until))):
        seq = whole(batch, "seq")
        told.add(
            lead=leads.rows_of(whole(batch, "lead")), agent=agents.add(batch["agent"], seq), seq=seq,
            at=whole(batch, "at"), known_at=whole(batch, "known_at"), bits=_bits(batch),
        )  # fmt: skip
    return told.take_all()


def promises_told(told: Contacts) -> Batch:
    """The facts of promises; one that is told late, after a newer one, names no instant."""
    order = _by_lead(told)
    told = {name: column[order] for name, column in told.items()}
    at, event_at = told["at"], told["event_at"]
    return {
        "known": told["known_at"],
        "seq": told["seq"],
        "lead": told["lead"],
        "agent": told["agent"],
        "time": event_at,
        "seen": np.maximum(told["known_at"], event_at),
        "bits": np.where(at == NEVER, 0, BIT["promised"]),
        "promise": np.where(event_at >= _latest_before(told["lead"], event_at), at, -1),
    }


def touches_told(told: Contacts) -> Batch:
    """The facts of touches."""
    return {
        "known": told["known_at"],
        "seq": told["seq"],
        "lead": told["lead"],
        "agent": told["agent"],
        "time": told["at"],
        "seen": np.maximum(told["known_at"], told["at"]),
        "bits": told["bits"],
    }


def _by_lead(told: Contacts) -> Int64Array:
    return np.lexsort((told["seq"], told["known_at"], told["lead"]))


def _latest_before(lead: Int64Array, at: Int64Array) -> Int64Array:
    """The latest `at` of the rows before, of the same lead; -1 where there is none."""
    instants, rank = np.unique(at, return_inverse=True)
    group = np.cumsum(np.append(0, lead[1:] != lead[:-1]))[: lead.size] * (instants.size + 1)
    before = np.append(0, np.maximum.accumulate(group + rank + 1)[:-1])[: lead.size]
    found = np.maximum(before, group) - group
    latest: Int64Array = np.append(-1, instants)[found]
    return np.maximum(latest, -1)


def _bits(batch: Arrow) -> Int64Array:
    """The marks of touches by their direction and channel, of which there are few."""
    direction, channel = (batch[name].dictionary_encode() for name in ("direction", "channel"))
    table = np.array(
        [
            [touch_bits(way, by) for by in channel.dictionary.to_pylist()]
            for way in direction.dictionary.to_pylist()
        ]
    )
    rows, columns = (one.indices.to_numpy(zero_copy_only=False) for one in (direction, channel))
    return np.asarray(table[rows, columns], np.int64)
