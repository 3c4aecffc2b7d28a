"""Reading by columns: whatever a store was told, bit for bit what a ledger says of it."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.calls import COLUMNS
from features.instants import NEVER
from features.leads import FIELDS, AttributeHistory, LeadTable
from features.past import Past
from features.store.by_columns import rare_calls
from features.store.columns_reader import Snapshot, read_columns, read_snapshot
from features.store.engine import reading
from features.store.ledger import Ledger

from . import test_history, test_ledger
from .test_history import Story, after, told_in

GENERATED = settings(
    deadline=None, max_examples=60, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


def bits(column: np.ndarray) -> tuple[str, bytes]:
    return str(column.dtype), column.tobytes()


def of_history(told: AttributeHistory) -> list[object]:
    columns = (told.starts, told.known_at, told.number, told.code)
    return [*map(bits, columns), told.levels]


def of_leads(leads: LeadTable) -> dict[str, object]:
    """All that a table of leads says, in the order in which it says it."""
    return {
        "lead_id": list(leads.lead_id),
        "created_at": bits(leads.created_at),
        "value": bits(leads.value),
        **{name: (leads.coded[name].levels, bits(leads.coded[name].codes)) for name in FIELDS},
        "attributes": [(name, of_history(told)) for name, told in leads.attributes.items()],
        "changes": [(name, of_history(told)) for name, told in leads.changes.items()],
    }


def said(past: Past) -> dict[str, object]:
    """All that a past says, bit for bit."""
    facts = past.facts
    columns = {
        one.name: bits(getattr(facts, one.name))
        for one in fields(facts)
        if one.name not in ("quantities", "words")
    }
    return {
        "log": {name: bits(getattr(past.log, name)) for name in COLUMNS},
        "facts": columns | {name: bits(column) for name, column in {**facts.quantities, **facts.words}.items()},
        **of_leads(past.leads),
    }


def by_rows(engine: Engine, until: int = NEVER) -> Snapshot:
    ledger = Ledger()
    with reading(engine) as connection:
        ledger.follow(connection, until)
    return Snapshot(ledger.past(), ledger.calls.agents.levels, ledger.seq)


def differing(engine: Engine, until: int = NEVER) -> list[object]:
    """Where the two ways of reading say something else."""
    columns, rows = read_columns(engine, until), by_rows(engine, until)
    one, other = said(columns.past), said(rows.past)
    found = [(name, one[name], other[name]) for name in one if one[name] != other[name]]
    return found if (columns.agents, columns.seq) == (rows.agents, rows.seq) else [*found, columns.agents, rows.agents, columns.seq, rows.seq]


@GENERATED
@given(steps=test_history.steps, quarter=st.integers(0, 10), beside=st.sampled_from([0, 1]))
def test_columns_say_what_a_ledger_says(engine: Engine, steps, quarter: int, beside: int):
    told_in(engine, [step for step in steps if step != "follow"])

    assert differing(engine) == []
    assert differing(engine, after(quarter) + beside) == []
