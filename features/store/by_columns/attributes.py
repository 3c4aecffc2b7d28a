"""The values that leads' attributes ever had, by columns."""

import numpy as np
from sqlalchemy import select

from ...catalogue import told_most
from ...kernel import Int64Array
from ...leads import AttributeHistory
from ...refused import refusal
from ..tables import lead_attribute
from .gathered import Gathered
from .leads import LeadColumns
from .stream import Arrow, Stream, known_by, number, numbered, whole, worded
from .words import Words

_KINDS = {"lead": np.int64, "known_at": np.int64, "seq": np.int64, "number": np.float64, "code": np.int64}


class _Attribute:
    """One attribute while it is read."""

    def __init__(self) -> None:
        self.rows, self.words = Gathered(_KINDS), Words()

    def history(self, leads: int) -> AttributeHistory:
        levels, places = self.words.final()
        rows = self.rows
        lead, since = rows.take("lead"), rows.take("known_at")
        order = np.lexsort((rows.take("seq"), since, lead))
        starts = np.concatenate([[0], np.cumsum(np.bincount(lead.astype(np.int64), minlength=leads))])
        number, code = rows.take("number")[order], places[rows.take("code")[order]]
        return AttributeHistory(starts, since[order], number, code, levels.levels)


def read_attributes(
    stream: Stream, leads: LeadColumns, until: int
) -> tuple[dict[str, AttributeHistory], int]:
    """By name, in the order in which they were first told of leads that are known; how many are left out.

    Left out are those that are told too seldom to become features: each has a row for every lead.
    """
    names, found = Words(), dict[int, _Attribute]()
    asked = select(
        lead_attribute.c.lead, lead_attribute.c.known_at, lead_attribute.c.seq,
        worded(lead_attribute.c.name), worded(lead_attribute.c.word), *numbered(lead_attribute.c.number),
    ).where(known_by(lead_attribute, until))  # fmt: skip
    for batch in stream.batches(asked):
        place = leads.rows_of(whole(batch, "lead"))
        if np.any(place < 0):
            batch, place = batch.filter(place >= 0), place[place >= 0]
        code = names.add(batch["name"], whole(batch, "seq"))
        order = np.argsort(code, kind="stable")
        said, first = np.unique(code[order], return_index=True)
        for name, rows in zip(said.tolist(), np.split(order, first[1:]), strict=True):
            _add(found.setdefault(name, _Attribute()), batch.take(rows), place[rows])
    levels, places = names.final()
    told = {levels.levels[places[code]]: one for code, one in found.items()}
    kept = _kept({name: len(one.rows) for name, one in told.items()})
    histories = {name: told[name].history(len(leads.ids)) for name in levels.levels if name in kept}
    return histories, len(told) - len(histories)


def _kept(told: dict[str, int]) -> set[str]:
    """What may become a feature whatever is allow-listed, and of what may not as many."""
    barred = {name: size for name, size in told.items() if refusal(name) is not None}
    free = {name: size for name, size in told.items() if name not in barred}
    return {*told_most(free), *told_most(barred)}


def _add(one: _Attribute, batch: Arrow, place: Int64Array) -> None:
    seq = whole(batch, "seq")
    one.rows.add(
        lead=place, known_at=whole(batch, "known_at"), seq=seq,
        number=number(batch, "number"), code=one.words.add(batch["word"], seq),
    )  # fmt: skip
