"""The values that leads' attributes ever had, by columns."""

import numpy as np
from sqlalchemy import select

from ...kernel import Int64Array
from ...leads import AttributeHistory
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


def read_attributes(stream: Stream, leads: LeadColumns, until: int) -> dict[str, AttributeHistory]:
    """By name, in the order in which they were first told of leads that are known."""
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
        for name in np.unique(code):
            rows = np.flatnonzero(code == name)
            _add(found.setdefault(int(name), _Attribute()), batch.take(rows), place[rows])
    levels, places = names.final()
    told = {levels.word(int(places[code])): one for code, one in found.items()}
    return {name: told[name].history(len(leads.ids)) for name in levels.levels}


def _add(one: _Attribute, batch: Arrow, place: Int64Array) -> None:
    seq = whole(batch, "seq")
    one.rows.add(
        lead=place, known_at=whole(batch, "known_at"), seq=seq,
        number=number(batch, "number"), code=one.words.add(batch["word"], seq),
    )  # fmt: skip
