"""Exports of the same calls, again and put right: what is unchanged is known, what is told later stands."""

from typing import Any

import pytest
from sqlalchemy import Engine, Row, select

from features.calls import Outcome
from features.sources.csv_file import read_csv
from features.sources.loading import load_mapping
from features.store.engine import reading
from features.store.imports import ImportOrder, Tally, run_import
from features.store.ledger import Ledger
from features.store.tables import call, quarantine
from tests.features.store.tellings import NOON

MAPPING = """
name = "ours"
version = 1
[lead]
lead_id = "lead"
campaign = { value = "spring" }
created_at = { value = "2026-01-01T00:00:00Z" }
channel = { value = "web_form" }
[call]
call_id = "call"
lead_id = "lead"
campaign = { value = "spring" }
dialer_id = { value = "d1" }
started_at = { value = "2026-01-02T10:00:00Z" }
ended_at = { value = "2026-01-02T10:05:00Z" }
outcome = "code"
talk_s = "talk"
human_answered = { value = "yes" }
abandoned = { value = "no" }
[disposition]
disposition = "code"
value = "sum"
"""


@pytest.fixture
def take(engine: Engine, tmp_path):
    """Import an export of these lines, each a second after the one before."""
    (tmp_path / "ours.toml").write_text(MAPPING)
    mapping, version = load_mapping(str(tmp_path / "ours.toml"))
    path, taken = tmp_path / "export.csv", list[str]()

    def taking(*lines: str) -> Tally:
        taken.append("")
        path.write_text("\n".join(["lead,call,code,talk,sum", *lines]))
        at = NOON + len(taken) * 1_000_000
        return run_import(
            engine, ImportOrder("export.csv", f"{len(taken)}", version, read_csv(path, mapping, at), at)
        )

    return taking


def stands(engine: Engine) -> Row[Any]:
    with reading(engine) as connection:
        return connection.execute(select(call)).one()


def test_rows_without_a_call_id_are_all_counted_with_their_reason_and_known_again(engine: Engine, take):
    rows = [f"l{number},,busy,," for number in range(3)]

    first, again = take(*rows), take(*rows)

    assert (first.accepted, first.duplicates, dict(first.quarantined)) == (3, 0, {"malformed_data": 6})
    assert (again.accepted, again.duplicates, dict(again.quarantined)) == (0, 9, {})
    with reading(engine) as connection:
        details = connection.execute(select(quarantine.c.detail)).scalars().all()
    assert all("call_id" in detail for detail in details)


def test_an_unchanged_row_of_a_later_export_is_known_already(take):
    take("l1,c1,busy,10,")

    again = take("l1,c1,busy,10,")

    assert (again.accepted, again.duplicates) == (0, 3)


@pytest.mark.parametrize("seconds", range(11, 15))
def test_of_two_versions_of_a_call_the_one_imported_later_stands(engine: Engine, take, seconds):
    take("l1,c1,busy,10,")

    tally = take(f"l1,c1,busy,{seconds},")

    assert (tally.accepted, tally.duplicates) == (1, 2)
    assert stands(engine).talk_s == seconds


@pytest.mark.parametrize("seconds", range(11, 15))
def test_of_two_rows_of_one_call_the_lower_one_stands(engine: Engine, take, seconds):
    take("l1,c1,busy,10,", f"l1,c1,converted,{seconds},{seconds}")

    assert stands(engine).talk_s == seconds
    with reading(engine) as connection:
        ledger = Ledger()
        ledger.follow(connection)
    log = ledger.past().log
    assert log.disposition.tolist() == [Outcome.CONVERTED]


def test_a_sale_entered_later_is_in_next_week_s_export(engine: Engine, take):
    take("l1,c1,contact_no_decision,10,")

    take("l1,c1,converted,10,99")

    with reading(engine) as connection:
        ledger = Ledger()
        ledger.follow(connection)
    log = ledger.past().log
    assert (log.converted.tolist(), log.value.tolist()) == ([True], [99.0])
