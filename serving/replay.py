"""Replay: a batch ranked again from its record, beside what was handed out then."""

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, RowMapping

from features.instants import render
from features.store.decisions import handed_out, leads_of, read_draw

from .draws import COLUMNS, INDEX, Replayed, Told, replay

Leads = Mapping[int, RowMapping]


def replayed(connection: Connection, found: RowMapping) -> dict[str, object]:
    """The same order and inputs again, and whether they are the same bit by bit; or what is gone, and why.

    `found` is the decision with its batch, as `read_decision` gives it.
    """
    record, given = read_draw(connection, found["batch_id"]), handed_out(connection, found["batch_id"])
    if record is None:
        return {"same": None, "gone": [{"input": "pool", "why": "kept_no_more"}]}
    again = replay(record, f"{found['campaign']}|{found['key_text']}")
    named = leads_of(connection, {key for pool in again.pool for key in pool["lead"]})
    return {
        "same": _same(again, given),
        "generator_key": f"{found['campaign']}|{found['key_text']}",
        "order": [_name(named, key) for key in again.lead.tolist()],
        "propensity": again.propensity,
        "drawn": [{**one, "kappa": _finite(one["kappa"])} for one in again.drawn],
        "pool": [line for pool in again.pool for line in _lines(pool, named)],
        "gone": _gone(named),
    }


def _same(again: Replayed, given: Sequence[RowMapping]) -> bool:
    leads, chances = [row["lead"] for row in given], [row["propensity"] for row in given]
    return again.lead.tolist() == leads and np.array_equal(again.propensity, np.array(chances, np.float64))


def _lines(pool: Told, named: Leads) -> list[dict[str, object]]:
    """What was known of each lead; the features are named by their print."""
    told = (*COLUMNS, INDEX) if INDEX in pool else COLUMNS
    rows = zip(*(pool[name] for name in told), strict=True)
    return [{**dict(zip(told, row, strict=True)), "lead": _name(named, row[0])} for row in rows]


def _finite(kappa: float) -> float | None:
    """None where all of the pool were taken."""
    return kappa if np.isfinite(kappa) else None


def _name(named: Leads, key: int) -> str | None:
    """The lead's id; None once it is erased."""
    row = named[key]
    return None if row["erased_at"] is not None else str(row["lead_id"])


def _gone(named: Leads) -> list[dict[str, object]]:
    """Leads of the pool that nobody may be told of any more."""
    erased = [row["erased_at"] for row in named.values() if row["erased_at"] is not None]
    return [{"input": "lead", "why": "erased", "at": render(at)} for at in sorted(erased)]
