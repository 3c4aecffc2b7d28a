"""The calls told once and disposed at most once, by columns: the way nearly all calls go."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, FromClause, Select, func, select

from ...calls import COLUMNS, Outcome
from ...instants import SECOND
from ...kernel import Int64Array
from ..plain_calls import Calls
from ..tables import call, disposition
from .gathered import Gathered
from .leads import LeadColumns
from .stream import Arrow, Stream, known_by, marked, number, whole, worded
from .words import Words

TOLD = {
    **{name: COLUMNS[name] for name in ("lead", "started_at", "ended_at", "known_at", "outcome", "answered")},
    **{name: COLUMNS[name] for name in ("talk_s", "handle_s")},
    **dict.fromkeys(("agent", "campaign", "line", "script"), np.int32),
    "wrap_s": np.float32,
    "seq": np.int64,
}
"""What a call's row tells."""

_BLOCK = 1 << 18


@dataclass(frozen=True)
class CallWords:
    """What calls name, numbered in the order of the calls' first telling; campaigns among the leads' own."""

    campaign: Words
    agent: Words = field(default_factory=Words)
    line: Words = field(default_factory=Words)
    script: Words = field(default_factory=Words)

    @property
    def spoken(self) -> dict[str, Words]:
        """Those numbered by the calls alone."""
        return {"agent": self.agent, "line": self.line, "script": self.script}

    def add(self, batch: Arrow, order: Int64Array) -> dict[str, Int64Array]:
        """Provisional codes."""
        return self.add_spoken(batch, order) | {"campaign": self.campaign.add(batch["campaign"], order)}

    def add_spoken(self, batch: Arrow, order: Int64Array) -> dict[str, Int64Array]:
        """Those of all but the campaign."""
        return {name: words.add(batch[name], order) for name, words in self.spoken.items()}

    def end_stage(self) -> None:
        """Number what is heard from now on behind what was heard."""
        for words in self.spoken.values():
            words.settle()


def telling(table: FromClause) -> list[ColumnElement[Any]]:
    """What is asked of a call's version."""
    names = ("seq", "lead", "started_at", "ended_at", "known_at", "outcome", "human_answered")
    return [
        *(table.c[name] for name in names),
        *(worded(table.c[name]) for name in ("agent", "campaign", "script")),
        worded(func.coalesce(func.nullif(table.c.caller_hash, ""), table.c.dialer_id), "line"),
        *(func.coalesce(table.c[name], 0.0).label(name) for name in ("talk_s", "wrap_s")),
    ]


def read_calls(
    stream: Stream, leads: LeadColumns, words: CallWords, rare: Int64Array, until: int
) -> dict[str, NDArray[Any]]:
    """The columns of `TOLD`, in the order of `seq`, but for the `rare` calls; codes are provisional."""
    told = Gathered(TOLD)
    for batch in stream.batches(select(*telling(call)).where(known_by(call, until))):
        if rare.size and np.any(others := np.isin(whole(batch, "seq"), rare)):
            batch = batch.filter(~others)
        told.add(**_columns(batch, leads), **words.add(batch, whole(batch, "seq")))
    seq = told.take("seq")
    order = None if np.all(np.diff(seq) > 0) else np.argsort(seq)
    columns = told.take_all(order)
    return columns | {"seq": seq if order is None else seq[order]}


def _columns(batch: Arrow, leads: LeadColumns) -> dict[str, NDArray[Any]]:
    names = ("seq", "started_at", "ended_at", "known_at", "outcome")
    columns: dict[str, NDArray[Any]] = {name: whole(batch, name) for name in names}
    took, wrap_s = columns["ended_at"] - columns["started_at"], number(batch, "wrap_s")
    return columns | {
        "lead": leads.rows_of(whole(batch, "lead")),
        "answered": marked(batch, "human_answered"),
        "talk_s": number(batch, "talk_s"),
        "wrap_s": wrap_s,
        "handle_s": took / SECOND + wrap_s,
    }


def dispose(stream: Stream, calls: dict[str, NDArray[Any]], until: int) -> None:
    """Add what was told of the calls' outcomes; until a disposition comes the attempt's own stands."""
    outcome, size = calls["outcome"], calls["outcome"].size
    calls |= {
        "disposition": outcome.copy(),
        "converted": outcome == Outcome.CONVERTED,
        "disposed_at": calls["ended_at"].copy(),
        "disposed_known_at": calls["known_at"].copy(),
        "value": np.zeros(size),
        "told_at": np.full(size, -1),
        "told_seq": np.zeros(size, np.int64),
    }
    for batch in stream.batches(_dispositions(until)):
        seq = whole(batch, "call")
        place = np.searchsorted(calls["seq"], seq)
        of_ours = np.append(calls["seq"], -1)[place] == seq
        # The book takes a disposition where its event time is no earlier than -1, that of none.
        _write(calls, place, batch, of_ours & (whole(batch, "event_at") >= -1))


def _dispositions(until: int) -> Select[Any]:
    """Dispositions by the change numbers of their calls: the database joins them, not this process."""
    told = disposition
    return (
        select(
            *(told.c[name] for name in ("seq", "event_at", "known_at", "disposition", "converted")),
            func.coalesce(told.c.value, 0.0).label("value"),
            call.c.seq.label("call"),
        )
        .join_from(told, call, told.c.call_id == call.c.call_id)
        .where(known_by(told, until))
    )


def _write(calls: dict[str, NDArray[Any]], place: Int64Array, batch: Arrow, rows: NDArray[np.bool_]) -> None:
    at = place[rows]
    event_at = whole(batch, "event_at")[rows]
    calls["disposition"][at] = whole(batch, "disposition")[rows]
    calls["converted"][at] = marked(batch, "converted")[rows]
    calls["disposed_at"][at] = calls["told_at"][at] = event_at
    calls["disposed_known_at"][at] = whole(batch, "known_at")[rows]
    calls["told_seq"][at] = whole(batch, "seq")[rows]
    calls["value"][at] = number(batch, "value")[rows]


def blocks(calls: Calls) -> Iterator[Calls]:
    """The calls, some at a time, with their places."""
    size = len(calls["seq"])
    for first in range(0, size, _BLOCK):
        rows = slice(first, min(first + _BLOCK, size))
        columns = {name: column[rows] for name, column in calls.items()}
        yield columns | {"place": np.arange(rows.start, rows.stop)}
