"""Reading by columns: whatever a store was told, bit for bit what a ledger says of it."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from features import for_leads
from features.calls import COLUMNS
from features.instants import DAY, HOUR, NEVER, render
from features.leads import FIELDS, AttributeHistory, LeadTable
from features.past import Past
from features.statistics.attribute import Attribute
from features.store.by_columns.leads import read_leads
from features.store.by_columns.stream import streaming
from features.store.columns_reader import Snapshot, read_columns, read_snapshot
from features.store.engine import open_engine, reading, transaction
from features.store.ledger import Ledger
from features.store.migrations import upgrade
from features.store.tables import call
from features.store.writes import accept_events, accept_leads
from features.synthetic.history import play_history, write_history
from features.synthetic.parameters import family
from features.synthetic.world import make_world
from tests.builders import MONDAY
from tests.conftest import empty

from . import test_history, test_ledger
from .tellings import NOON, a_call, a_disposition, a_lead, an_event
from .test_history import after, told_in
from .test_ledger import Telling

GENERATED = settings(
    deadline=None, max_examples=20, phases=[Phase.generate],
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
    more = {**facts.quantities, **facts.words}
    columns = {
        one.name: bits(getattr(facts, one.name))
        for one in fields(facts)
        if one.name not in ("quantities", "words")
    }
    return {
        "log": {name: bits(getattr(past.log, name)) for name in COLUMNS},
        "horizon": bits(past.horizon),
        "facts": columns | {name: bits(column) for name, column in more.items()},
        **of_leads(past.leads),
    }


def by_rows(engine: Engine, until: int = NEVER) -> Snapshot:
    ledger = Ledger()
    with reading(engine) as connection:
        ledger.follow(connection, until)
    return Snapshot(ledger.past(), ledger.calls.agents.levels, ledger.seq)


def differing(engine: Engine, until: int = NEVER) -> list[object]:
    """Where the two ways of reading say something else; many small parts make more of what may go wrong."""
    columns, rows = read_columns(engine, until, at_once=2), by_rows(engine, until)
    one, other = ({**said(found.past), "agents": found.agents, "seq": found.seq} for found in (columns, rows))
    return [(name, one[name], other[name]) for name in one if one[name] != other[name]]


@GENERATED
@given(steps=test_history.steps, quarter=st.integers(0, 10), beside=st.sampled_from([0, 1]))
def test_columns_say_what_a_ledger_says(engine: Engine, steps, quarter: int, beside: int):
    told_in(engine, [step for step in steps if step != "follow"])

    assert differing(engine) == []
    assert differing(engine, after(quarter) + beside) == []


def telling(engine: Engine, batches: list[list[dict[str, object]]]) -> Telling:
    empty(engine)
    tell = Telling(engine)
    tell([a_lead(name) for name in test_ledger.LEADS])
    for batch in batches:
        tell(batch)
    return tell


@GENERATED
@given(steps=test_ledger.steps, hour=st.integers(0, 12), beside=st.sampled_from([0, 1]))
def test_columns_say_of_leads_what_a_ledger_says(engine: Engine, steps, hour: int, beside: int):
    telling(engine, [step for step in steps if step != "follow"])

    assert differing(engine) == []
    assert differing(engine, NOON + hour * HOUR + beside) == []


def lines(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_a_call_of_a_sold_lead_that_is_told_anew_only_later_is_there_before(engine: Engine):
    """Its one version that was known by then is kept as a past one."""
    tell = Telling(engine)
    tell([a_lead("ann")])
    quiet: dict[str, Any] = {"outcome": "no_answer", "human_answered": False, "talk_s": 0}
    tell([a_call("c1", "ann", **quiet)])
    tell([an_event("conversion.recorded", lead_id="ann", goal="sale", at=render(NOON), value=70)])
    before = tell.at + 1
    tell([a_call("c1", "ann", wrap_s=20, **quiet) | {"time": render(NOON + HOUR)}])

    assert differing(engine, before) == []
    assert len(read_columns(engine, before).past.log) == 1


def test_goals_that_a_campaign_doesnt_sell_read_the_same_both_ways(engine: Engine):
    tell = Telling(engine)
    tell([a_lead("ann"), a_lead("bob")])
    tell([a_call("c1", "ann"), a_call("c2", "bob")])
    for name, goal in (("ann", "sale"), ("bob", "newsletter")):
        tell([an_event("conversion.recorded", lead_id=name, goal=goal, at=render(tell.at), value=70)])

    assert differing(engine) == []
    assert read_columns(engine).past.log.converted.tolist() == [True, False]


def test_a_dirty_world_reads_the_same_both_ways(engine: Engine, tmp_path):
    world = make_world(family("F0", scale=0.02, agents=2, days=14), seed=3)
    write_history(play_history(world, 14), tmp_path, dirty=True)
    with transaction(engine) as connection:
        accept_leads(connection, lines(tmp_path / "leads.ndjson"), MONDAY, "event")
        accept_events(connection, lines(tmp_path / "events.ndjson"), MONDAY + 300 * DAY, "event")

    log = read_columns(engine).past.log

    assert len(log) > 100
    assert differing(engine) == []
    for day in (3, 8):
        assert differing(engine, int(log.known_at.min()) + day * DAY) == []


def test_what_is_told_while_a_store_is_read_is_not_seen(engine: Engine):
    tell = telling(engine, [[a_call("c1")]])
    with streaming(engine) as stream:
        read_leads(stream, NEVER)
        tell([a_call("c2"), a_disposition("c1", "converted")])
        rows = [batch.num_rows for batch in stream.batches(select(call.c.seq))]

    assert rows == [1]
    assert len(read_columns(engine).past.log) == 2


def test_the_store_can_be_written_to_after_it_was_read(engine: Engine):
    """The driver's own copy of SQLite must not take the write-ahead log away from under ours."""
    tell = telling(engine, [])
    with reading(engine) as connection:
        for number in range(3):
            tell([a_call(f"c{number}")])
            assert len(read_columns(engine).past.log) == number + 1
        connection.execute(select(call.c.seq))

    assert len(by_rows(engine).past.log) == 3


def test_a_database_in_memory_is_read_by_rows_with_a_note():
    engine = open_engine("sqlite://")
    upgrade(engine)

    found = read_snapshot(engine)

    assert (len(found.past.log), found.note) == (0, "a database in memory is read row by row")


def test_without_the_drivers_the_ledger_reads_and_says_what_to_install(template: Path):
    """The note names the extra; the process has no pyarrow."""
    code = f"""
import sys
sys.modules["pyarrow"] = None
from features.store.columns_reader import read_snapshot
from features.store.engine import open_engine
print(read_snapshot(open_engine("sqlite:///{template}")).note)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("read row by row: ")
    assert "extra=train" in done.stdout


def test_of_countless_attributes_those_told_most_often_are_read_and_the_others_counted(engine: Engine):
    """Four leads have names of their own; two names are shared, one of them protected."""
    shared = {"zeal": 1, "gender": "f"}
    own = [{f"own_{lead}_{place:03}": place for place in range(200)} for lead in range(4)]
    items = [a_lead(lead_id=f"lead-{lead}", attributes=own[lead] | shared) for lead in range(4)]
    with transaction(engine) as connection:
        accept_leads(connection, items, NOON)

    found = read_columns(engine)

    names = sorted({*own[0], *own[1], *list(own[2])[:99], "zeal"})
    assert sorted(found.past.leads.attributes) == sorted([*names, "gender"])
    assert found.note.startswith("301 attributes are left out")
    lines = for_leads(found.past.leads)
    assert [line.attribute for line in lines if isinstance(line, Attribute)] == names
    assert for_leads(by_rows(engine).past.leads) == lines
