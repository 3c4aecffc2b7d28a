"""A backfill by stretches writes the rows of the one by days, and leaves nothing else behind."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from features.instants import DAY, HOUR, parse, render
from features.store.backfill import Order, backfill
from features.store.engine import transaction
from features.store.set_builder import Plan, build, read_source
from features.store.spool import open_spool, write_spool
from features.store.training_sets import read_training_set
from features.store.writes import accept_events, accept_leads
from features.stretches import bucket_of, some_leads
from tests.builders import a_lead as lead_of
from tests.builders import a_lead_table, a_past, moments
from tests.features.store.tellings import NOON, a_call, a_lead
from tests.features.store.test_feature_cli import run

UNTIL = NOON + 5 * DAY
LEADS = ("ann", "bob", "cid", "dan", "eve")


@pytest.fixture
def floor(engine: Engine) -> Engine:
    """Three days of calls to five leads, some of them told otherwise a day later."""
    with transaction(engine) as connection:
        told = [a_lead(name, source=name[0], attributes={"need": 2.5}) for name in LEADS]
        accept_leads(connection, told, NOON - HOUR)
        for day in range(3):
            for place, name in enumerate(LEADS):
                start = NOON + day * DAY + place * HOUR
                times = {"started_at": render(start), "ended_at": render(start + HOUR)}
                call = a_call(f"{name}-{day}", name, **times) | {"time": render(start + HOUR)}
                accept_events(connection, [call], start + HOUR, "event")
        changed = [a_lead(name, updated_at=render(NOON + DAY), source="z") for name in LEADS[:2]]
        accept_leads(connection, changed, NOON + DAY)
    return engine


def rows_of(folder: Path) -> tuple[np.ndarray, list[tuple[int, str, str]]]:
    matrix, asked = read_training_set(folder)
    order = asked.in_order()
    names = [
        (int(asked.at[row]), asked.lead.levels[asked.lead.codes[row]], str(asked.agent.codes[row] >= 0))
        for row in order
    ]
    return matrix.values[order], names


def test_the_rows_are_those_of_the_backfill_by_days(floor: Engine, tmp_path: Path):
    order = Order(tmp_path / "far", tmp_path / "spool", 0, UNTIL, stretch=4)
    done: list[int] = []

    built = backfill(floor, order, lambda one, of: done.append(one))

    build(tmp_path / "near", read_source(floor, UNTIL), Plan(built.manifest.features, "ends", 7))
    (far, asked), (near, wanted) = rows_of(tmp_path / "far"), rows_of(tmp_path / "near")
    assert far.tobytes() == near.tobytes()
    assert asked == wanted
    assert len(asked) == 15
    assert done
    assert not list((tmp_path / "spool").iterdir())


def test_moments_before_the_first_one_asked_are_no_rows(floor: Engine, tmp_path: Path):
    backfill(floor, Order(tmp_path / "far", tmp_path / "spool", NOON + DAY, UNTIL, stretch=4))

    _, asked = rows_of(tmp_path / "far")

    assert len(asked) == 10
    assert min(at for at, _, _ in asked) >= NOON + DAY


def test_a_set_by_days_is_not_written_over_unless_asked(template: Path, tmp_path: Path):
    (tmp_path / "leadrank.db").write_bytes(template.read_bytes())
    words = ("--out", str(tmp_path / "out"), "--until", render(parse("2026-01-08T00:00:00Z")))
    database = f"sqlite:///{tmp_path / 'leadrank.db'}"
    spool = ("--spool", str(tmp_path / "spool"))

    by_days = run(database, "backfill", *words)
    refused = run(database, "backfill", *words, *spool)
    anew = run(database, "backfill", *words, *spool, "--fresh")

    assert (by_days.exit_code, refused.exit_code, anew.exit_code) == (0, 2, 0)
    assert "another kind" in refused.stderr


def test_a_spool_is_read_as_it_was_written(tmp_path: Path):
    leads = a_lead_table(
        lead_of(source="é", attributes={"income": [(1, 2.0), (3, 4.0)]}), lead_of(), lead_of()
    )
    past = a_past((0, 1, 10, True, True), (1, 0, 20, False, False), (2, 1, 30, True, False), leads=leads)
    asked = moments((0, 1, 11), (2, -1, 40))

    write_spool(tmp_path / "spool", past, asked, (), ["joe", "sue"], 2)
    read = open_spool(tmp_path / "spool")

    stretches = [read.stretch(place) for place in range(read.stretches)]
    assert [stretch.facts.seen.tolist() for stretch in stretches] == [[10, 20], [30]]
    assert [stretch.moments.at.tolist() for stretch in stretches] == [[11], [40]]
    assert [read.leads.lead_id[row] for row in range(3)] == list(leads.lead_id)
    assert read.leads.coded["source"].levels == leads.coded["source"].levels
    assert read.leads.attributes["income"].number.tolist() == [2.0, 4.0]
    assert (read.agents, read.buckets) == (("joe", "sue"), 2)


def test_some_leads_keep_their_words_and_histories():
    leads = a_lead_table(*[lead_of(source=word, attributes={"n": [(place, 1.0 * place)]}) for place, word in
                           enumerate(("a", "b", "c"))])  # fmt: skip

    some = some_leads(leads, np.array([2, 0]))

    assert list(some.lead_id) == ["lead-00002", "lead-00000"]
    assert some.words("source", np.array([0, 1]), np.array([9, 9])).tolist() == [2, 0]
    assert some.attributes["n"].number.tolist() == [2.0, 0.0]


def test_buckets_are_about_equally_full_and_a_lead_always_falls_into_the_same():
    leads = np.arange(10_000)

    buckets = bucket_of(leads, 8)

    assert np.array_equal(buckets[5_000:], bucket_of(leads[5_000:], 8))
    assert np.bincount(buckets).min() > 1_100
