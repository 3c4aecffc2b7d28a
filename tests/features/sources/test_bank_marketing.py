"""Bank Marketing: row order is time, the call's own length is no input, both doors tell the same past."""

import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from features import Feature, Moments, Outcome, compute, for_leads
from features.instants import DAY, HOUR, parse, render
from features.refused import refusal
from features.sources.bank_marketing import ALLOWED, INPUTS, bank_past, started_at
from features.sources.csv_file import read_csv
from features.sources.loading import load_mapping
from features.store.engine import reading
from features.store.imports import ImportOrder, run_import
from features.store.ledger import Ledger

COLUMNS = [*INPUTS[:10], "duration", *INPUTS[10:], "y"]


def a_file(tmp_path: Path, rows: int = 12) -> Path:
    """A small file of the bank's shape: three days in May, one in June."""
    days = [("may", "mon"), ("may", "tue"), ("may", "fri"), ("jun", "mon")]
    lines = [";".join(COLUMNS)]
    for number in range(rows):
        month, weekday = days[number * len(days) // rows]
        words = {"month": month, "day_of_week": weekday, "duration": str(60 + number * 7)}
        words |= {"y": "yes" if number % 3 == 0 else "no", "pdays": "999" if number % 2 else "3"}
        words |= {"age": str(30 + number), "job": "admin.", "marital": "single", "euribor3m": "4.857"}
        lines.append(";".join(words.get(name, "unknown") for name in COLUMNS))
    path = tmp_path / "bank-additional-full.csv"
    path.write_text("\n".join(lines))
    return path


def test_days_follow_each_other_from_may_2008():
    days = [("may", "mon"), ("may", "tue"), ("may", "mon"), ("jun", "fri"), ("may", "wed")]

    starts = [render(int(at))[:10] for at in started_at(days)]

    assert starts == ["2008-05-05", "2008-05-06", "2008-05-12", "2008-06-06", "2009-05-06"]


def test_the_calls_of_a_day_are_spread_over_its_hours():
    starts = started_at([("may", "mon")] * 4)

    assert ((starts - parse("2008-05-05T00:00:00Z")) / HOUR).tolist() == [9, 11, 13, 15]


def test_a_call_has_its_length_and_a_lead_has_not(tmp_path):
    past = bank_past(a_file(tmp_path))

    assert past.log.talk_s.tolist() == [60 + number * 7 for number in range(12)]
    assert past.log.converted.tolist() == [number % 3 == 0 for number in range(12)]
    assert set(past.leads.attributes) == set(INPUTS)
    assert refusal("duration") is not None
    assert refusal("y") is not None


def test_a_lead_is_known_just_before_its_call(tmp_path):
    past = bank_past(a_file(tmp_path))

    ages = compute(
        past,
        Moments(past.log.lead, past.log.agent, past.log.started_at),
        [feature for feature in for_leads(past.leads, allowed=ALLOWED) if feature.name == "attribute_age"],
    )

    assert ages.values[:, 0].tolist() == [30 + number for number in range(12)]


def _asks_its_line(feature: Feature) -> bool:
    """Whether a feature asks of the line or script, of which a log says nothing."""
    return not {"line", "script"}.isdisjoint(getattr(feature, "by", "").split("×"))


def test_the_import_and_the_direct_reader_tell_the_same_past(engine: Engine, tmp_path):
    path = a_file(tmp_path)
    mapping, version = load_mapping("bank-marketing")

    run_import(
        engine,
        ImportOrder(path.name, "file", version, read_csv(path, mapping), parse("2026-01-05T12:00:00Z")),
    )

    stored, direct = Ledger(), bank_past(path)
    with reading(engine) as connection:
        stored.follow(connection)
    past = stored.past()
    assert list(past.leads.lead_id) == list(direct.leads.lead_id)
    for name in (
        "lead",
        "started_at",
        "ended_at",
        "known_at",
        "disposed_at",
        "disposed_known_at",
        "converted",
    ):
        np.testing.assert_array_equal(getattr(past.log, name), getattr(direct.log, name), err_msg=name)
    features = for_leads(direct.leads, allowed=ALLOWED)
    moments = Moments(direct.log.lead, direct.log.agent, direct.log.started_at)
    same = [feature for feature in features if not feature.categorical and not _asks_its_line(feature)]
    np.testing.assert_array_equal(compute(past, moments, same).values, compute(direct, moments, same).values)


def test_the_import_and_the_direct_reader_keep_the_same_columns_out():
    mapping, _ = load_mapping("bank-marketing")

    assert set(mapping.attribute_cells) == set(INPUTS)
    assert {"duration", "y"} <= set(mapping.withheld)
    assert not set(INPUTS) & set(mapping.withheld)


@pytest.mark.skipif("LEADRANK_BANK_DATA" not in os.environ, reason="LEADRANK_BANK_DATA names no file")
def test_the_real_file_spans_may_2008_to_november_2010():
    past = bank_past(Path(os.environ["LEADRANK_BANK_DATA"]))

    assert len(past.log) == 41_188
    assert int(past.log.converted.sum()) == 4_640
    assert render(int(past.log.started_at.min())) == "2008-05-05T09:00:00Z"
    assert render(int(past.log.ended_at[-1]))[:10] == "2010-11-26"
    assert set(np.unique(past.log.outcome)) == {Outcome.CONTACT_NO_DECISION}
    assert np.all(past.leads.created_at < past.log.ended_at.max() + DAY)
