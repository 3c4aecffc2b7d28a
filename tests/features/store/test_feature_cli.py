"""The commands `leadrank features ...`, as somebody types them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner, Result

from features import Moments, compute, for_leads
from features.cli import app
from features.compute import fingerprint
from features.instants import DAY, HOUR, MINUTE, parse, render
from features.served import ServedVector, encode
from features.store.engine import open_engine, reading, transaction
from features.store.ledger import Ledger
from features.store.tables import decision
from features.store.training_sets import load_manifest, read_training_set
from features.store.writes import accept_events, accept_leads
from tests.features.store.served import write_served
from tests.features.store.tellings import NOON, a_call, a_lead, an_event

FIRST = parse("2026-01-05T00:00:00Z")
AT = NOON + 2 * DAY
LEADS = ("ann", "bob", "cid")


def a_short_call(call_id: str, lead: str, start: int, **more: object) -> dict[str, object]:
    """A call of two minutes, told as it ended."""
    end = start + 2 * MINUTE
    told = a_call(call_id, lead, "", started_at=render(start), ended_at=render(end), **more)
    return told | {"time": render(end)}


@pytest.fixture
def database(template: Path, tmp_path: Path) -> str:
    """Three leads, and three days with a call to each."""
    (tmp_path / "leadrank.db").write_bytes(template.read_bytes())
    url = f"sqlite:///{tmp_path / 'leadrank.db'}"
    engine = open_engine(url)
    told = [
        a_lead(name, source="expo" if name == "bob" else "web", attributes={"need": 2.5}) for name in LEADS
    ]
    calls = [
        a_short_call(f"{name}-{day}", name, NOON + day * DAY + place * HOUR)
        for day in range(3)
        for place, name in enumerate(LEADS)
    ]
    with transaction(engine) as connection:
        accept_leads(connection, told, NOON - HOUR)
        accept_events(connection, calls, NOON + 3 * DAY, "event")
    engine.dispose()
    return url


def run(database: str, *words: str) -> Result:
    return CliRunner().invoke(
        app, ["features", *words, "--database", database], env={"COLUMNS": "200"}, catch_exceptions=False
    )


def ledger_of(database: str) -> Ledger:
    ledger = Ledger()
    with reading(open_engine(database)) as connection:
        ledger.follow(connection)
    return ledger


def test_a_build_makes_a_set_and_the_next_one_adds_what_is_new(database: str, tmp_path: Path):
    out = tmp_path / "set"
    first = run(database, "build", "--out", str(out), "--until", render(FIRST + 2 * DAY))
    again = run(database, "build", "--out", str(out), "--until", render(FIRST + 3 * DAY))

    matrix, asked = read_training_set(out)

    past = ledger_of(database).past()
    log = past.log
    order = np.argsort(log.started_at)
    whole = compute(past, Moments(log.lead, log.agent, log.started_at).take(order), matrix.features)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "6" in first.stdout
    assert np.array_equal(matrix.values, whole.values, equal_nan=True)
    assert asked.at.tolist() == log.started_at[order].tolist()


def test_a_set_of_other_features_is_refused_in_a_line_and_begun_anew_when_asked(
    database: str, tmp_path: Path
):
    out = ("--out", str(tmp_path / "set"))
    run(database, "build", *out, "--allow", "need")
    with transaction(open_engine(database)) as connection:
        told = a_lead("dan", updated_at=render(NOON), attributes={"mood": "warm"})
        accept_leads(connection, [told], NOON + 4 * DAY)

    refused, anew = run(database, "build", *out), run(database, "build", *out, "--fresh")

    assert (refused.exit_code, anew.exit_code) == (2, 0)
    assert "attribute_mood" in refused.stderr
    assert "--fresh" in refused.stderr


def test_without_pyarrow_the_extra_is_named(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    refused = run(database, "build", "--out", str(tmp_path / "set"))

    assert refused.exit_code == 2
    assert "extra=train" in refused.stderr


def test_a_backfill_asks_as_calls_end_and_goes_on_where_it_stopped(database: str, tmp_path: Path):
    words = (
        "backfill",
        "--out",
        str(tmp_path / "past"),
        "--until",
        render(FIRST + 3 * DAY),
        "--part-days",
        "2",
    )
    run(database, *words)
    manifest = load_manifest(tmp_path / "past")
    assert manifest is not None
    (tmp_path / "past" / manifest.parts[0].file).touch()

    again = run(database, *words)

    _, asked = read_training_set(tmp_path / "past")
    log = ledger_of(database).past().log
    assert len(manifest.parts) == 2
    assert asked.at.tolist() == sorted(log.ended_at.tolist())
    assert "0" in next(line for line in again.stdout.splitlines() if "written now" in line)


def test_show_says_what_compute_says_with_words_for_codes(database: str):
    shown = json.loads(run(database, "show", "bob", "--at", render(AT), "--agent", "joe", "--json").stdout)

    ledger = ledger_of(database)
    past = ledger.past()
    features = for_leads(past.leads)
    row = ledger.leads.row("bob")
    assert row is not None
    moment = Moments(np.array([row]), np.array([ledger.calls.agents.known("joe")]), np.array([AT]))
    values = compute(past, moment, features).values[0]
    told = {one["name"]: one["value"] for one in shown["features"]}
    words = {feature.name: getattr(feature, "levels", None) for feature in features}
    assert list(told) == [feature.name for feature in features]
    for name, value in zip(told, values.tolist(), strict=True):
        if np.isnan(value):
            assert told[name] is None
        else:
            levels = words[name]
            assert told[name] == (value if levels is None else levels[int(value)])
    assert told["source"] == "expo"
    assert told["lead_calls_7d"] == 2


def test_show_says_how_fresh_each_fact_is(database: str):
    shown = json.loads(run(database, "show", "bob", "--at", render(AT), "--json").stdout)
    table = run(database, "show", "bob", "--at", render(AT))

    by_name = {one["name"]: one for one in shown["features"]}
    assert by_name["lead_calls_1d"]["newest_fact_s"] == pytest.approx(23 * 3600 - 120, abs=1)
    assert by_name["lead_calls_1d"]["looks_back_s"] == 24 * 3600
    assert by_name["lead_hours_since_callback"]["looks_back_s"] is None
    assert "expo" in table.stdout
    assert "Count of the lead: calls, last 7 days" in table.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nobody",), "No lead of that id"),
        (("ann", "--agent", "nobody"), "No agent of that name"),
        (("ann", "--at", "2025-01-01T00:00:00Z"), "received=2026-01-05T08:00:00Z"),
    ],
)
def test_who_is_unknown_is_said_in_a_line(database: str, words: tuple[str, ...], why: str):
    told = run(database, "show", *words)

    assert told.exit_code == 2
    assert why in told.stderr


def test_describe_says_how_far_each_line_looks_back_and_how_many_leads_have_a_value(database: str):
    told = json.loads(run(database, "describe", "--at", render(AT + 40 * DAY), "--json").stdout)
    table = run(database, "describe", "--at", render(AT + 40 * DAY))

    by_name = {one["name"]: one for one in told["features"]}
    assert (by_name["lead_calls_7d"]["state"], by_name["lead_hours_since_call"]["state"]) == (
        "stale",
        "fresh",
    )
    assert by_name["attribute_need"]["share_of_leads"] == 1.0
    assert by_name["lead_hours_since_callback"]["share_of_leads"] == 0.0
    assert "7 days" in table.stdout


def a_served_vector(database: str, lead: str, spoilt: bool) -> None:
    """Put a decision and what the model saw of its lead on record."""
    ledger, engine = ledger_of(database), open_engine(database)
    past = ledger.past()
    features = for_leads(past.leads)
    row = ledger.leads.row(lead)
    assert row is not None
    values = compute(past, Moments.at_once(np.array([row]), AT), features).values[0]
    if spoilt:
        values[[feature.name for feature in features].index("lead_calls_30d")] += 1
    made = {
        "decision_id": f"d-{lead}", "batch_id": "b", "lease_id": f"l-{lead}", "campaign": "spring",
        "lead": int(ledger.leads.columns["key"][row]), "at": AT, "arm": "model", "source": "ranked",
        "rank": 1, "attempt_no": 1,
    }  # fmt: skip
    served = ServedVector(AT, ledger.seq, features, fingerprint(features), "bundle", encode(values))
    with transaction(engine) as connection:
        connection.execute(insert(decision).values(**made))
        write_served(connection, {f"d-{lead}": served})
    engine.dispose()


def test_verify_is_content_with_what_was_served_truly(database: str):
    a_served_vector(database, "ann", spoilt=False)

    told = run(database, "verify")

    assert told.exit_code == 0
    assert "1 served vectors" in told.stdout


def test_verify_finds_a_planted_mismatch_and_fails(database: str):
    a_served_vector(database, "ann", spoilt=False)
    a_served_vector(database, "bob", spoilt=True)

    told = run(database, "verify")
    before = run(database, "verify", "--until", render(AT))

    line = next(line for line in told.stdout.splitlines() if "lead_calls_30d" in line)
    assert (told.exit_code, before.exit_code) == (1, 0)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "lead_calls_30d", "1", "0", "0", "3", "2", "d-bob",
    ]  # fmt: skip
    assert "0 served vectors" in before.stdout


def test_a_correction_told_later_leaves_what_was_known_before(database: str):
    a_served_vector(database, "ann", spoilt=False)
    engine = open_engine(database)
    later = AT + HOUR
    corrected = a_short_call("ann-0", "ann", NOON, outcome="no_answer", human_answered=False, talk_s=0)
    corrected |= {"id": "again", "time": render(later)}
    sale = an_event("conversion.recorded", "", later, lead_id="ann", goal="sale", value=5, at=render(later))
    with transaction(engine) as connection:
        accept_events(connection, [corrected, sale], later)
        accept_leads(connection, [a_lead("ann", source="fair", updated_at=render(later))], later)

    told = run(database, "verify")

    assert told.exit_code == 0
    assert "0" in next(line for line in told.stdout.splitlines() if "told since" in line)
