"""Imports: in batches, resumable, rehearsed without a trace, told on the command line."""

import re

import orjson
import pytest
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from features.cli import app
from features.sources.record import Record
from features.store import imports
from features.store.engine import reading
from features.store.imports import ImportOrder, rehearse, run_import
from features.store.tables import call, lead
from tests.features.store.tellings import NOON, a_call, a_disposition, a_lead


def records(count: int) -> list[Record]:
    """Rows of a lead and its call."""
    return [
        Record((a_lead(f"l{n}"),), (a_call(f"c{n}", f"l{n}"), a_disposition(f"c{n}"))) for n in range(count)
    ]


def an_order(rows) -> ImportOrder:
    return ImportOrder("calls.csv", "digest", "mapping", rows, NOON)


def count(engine: Engine, table) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 4)


def test_an_import_that_broke_off_goes_on_where_it_stopped(engine: Engine):
    def breaking():
        yield from records(10)[:9]
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="disk"):
        run_import(engine, an_order(breaking()))
    done: list[int] = []
    tally = run_import(engine, an_order(records(10)), done.append)

    assert done == [8, 2]
    assert (tally.rows, tally.skipped, tally.accepted, tally.duplicates) == (10, 8, 30, 0)
    assert (count(engine, lead), count(engine, call)) == (10, 10)


def test_an_import_that_was_done_is_not_done_again(engine: Engine):
    run_import(engine, an_order(records(5)))

    tally = run_import(engine, an_order(records(5)))

    assert tally.was_done
    assert (tally.accepted, tally.duplicates) == (15, 0)


def test_what_is_rejected_is_told_with_the_first_row_of_its_kind_and_what_is_wrong_there(engine: Engine):
    nameless = a_lead("x") | {"lead_id": ""}
    rows = [
        *records(5),
        Record((nameless,)),
        Record(fault="bad_row"),
        Record((), ({"id": "e"},)),
        Record((nameless,)),
    ]

    tally = run_import(engine, an_order(rows))

    assert tally.rejected == {"lead malformed": 2, "bad_row": 1, "no_source": 1}
    assert tally.firsts["lead malformed"].startswith("row 6: lead_id: ")
    assert (tally.firsts["bad_row"], tally.firsts["no_source"]) == ("row 7", "row 8")


def test_a_rehearsal_tells_the_same_and_leaves_nothing(engine: Engine):
    rows = [*records(9), Record(events=(a_call("bad", "l1", talk_s=-1),)), Record(fault="not_json")]

    tally = rehearse(engine, an_order(rows))

    assert (tally.rows, tally.accepted) == (11, 27)
    assert (dict(tally.quarantined), dict(tally.rejected)) == ({"negative_duration": 1}, {"not_json": 1})
    assert (count(engine, lead), count(engine, call)) == (0, 0)


def run(tmp_path, *arguments: str):
    database = f"sqlite:///{tmp_path / 'var' / 'leadrank.db'}"
    return CliRunner().invoke(app, [*arguments, "--database", database])


def test_the_command_line_imports_maps_and_replays(tmp_path):
    path = tmp_path / "mixed.ndjson"
    items = [a_lead(), a_call(outcome="Q7"), a_disposition()]
    path.write_bytes(b"\n".join(map(orjson.dumps, items)))

    imported = run(tmp_path, "import", str(path), "--at", "2026-01-05T12:00:00Z")
    again = run(tmp_path, "import", str(path))
    listed = run(tmp_path, "quarantine", "list", "--code", "unmapped_outcome")
    mapped = run(tmp_path, "quarantine", "map", "test/dialer", "Q7", "busy")
    replayed = run(tmp_path, "quarantine", "replay")

    assert imported.exit_code == 0
    assert "1 unknown_call" in imported.stdout
    assert "already imported" in again.stdout
    assert "attempt-c1" in listed.stdout
    assert mapped.exit_code == 0
    assert "2 accepted now" in replayed.stdout
    assert "in quarantine now: nothing" in replayed.stdout


def test_an_outcome_with_brackets_is_listed_as_it_was_told(tmp_path):
    events = tmp_path / "events.ndjson"
    events.write_bytes(orjson.dumps(a_call(outcome="[/red] :smile:")))
    leads = tmp_path / "leads.ndjson"
    leads.write_bytes(orjson.dumps(a_lead()))

    read = run(tmp_path, "import", str(leads), str(events))
    listed = run(tmp_path, "quarantine", "list")

    assert (read.exit_code, listed.exit_code) == (0, 0)
    assert "[/red]" in listed.stdout
    assert ":smile:" in listed.stdout


@pytest.mark.parametrize(
    "arguments",
    [("import", "no-such-file.ndjson"), ("import", "x.csv"), ("quarantine", "map", "s", "Q7", "splendid")],
)
def test_what_can_t_be_done_is_said_in_a_line_with_exit_code_2(tmp_path, arguments):
    (tmp_path / "x.csv").write_text("a,b\n")
    named = [str(tmp_path / word) if word == "x.csv" else word for word in arguments]

    result = run(tmp_path, *named)

    assert result.exit_code == 2
    assert result.stderr.startswith("leadrank: ")


def test_the_command_line_tells_of_the_database(tmp_path):
    missing, made, current = (
        run(tmp_path, "db", "info"),
        run(tmp_path, "db", "upgrade"),
        run(tmp_path, "db", "info"),
    )

    assert "missing" in missing.stdout
    assert "revision" in made.stdout
    assert "current" in current.stdout


def test_of_several_files_none_is_taken_in_where_one_lacks_the_columns(tmp_path):
    (tmp_path / "ours.toml").write_text(
        'name = "ours"\nversion = 1\n[lead]\nlead_id = "id"\ncampaign = { value = "spring" }\n'
        'created_at = "created"\nchannel = { value = "other" }\n'
    )
    (tmp_path / "good.csv").write_text("id;created\nann;2026-01-05T08:00:00Z\n")
    (tmp_path / "bad.csv").write_text("id;made\nbob;2026-01-05T08:00:00Z\n")
    named = ["--mapping", str(tmp_path / "ours.toml"), str(tmp_path / "good.csv")]

    refused = run(tmp_path, "import", *named, str(tmp_path / "bad.csv"))
    told = run(tmp_path, "import", *named)

    assert refused.exit_code == 2
    assert "without=created" in refused.stderr
    assert re.search("1 +│ leads and events accepted", told.stdout)
