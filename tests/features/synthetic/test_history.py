"""A history is the same bytes for the same seed, in the interface's words, and keeps the truth to itself."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.cli import app
from features.instants import DAY, HOUR, parse
from features.sources.wire import EVENTS, PREFIX, Envelope, LeadIn
from features.synthetic.dirty import dirtied
from features.synthetic.history import events_of, play_history, summary, write_history
from features.synthetic.parameters import family
from features.synthetic.world import make_world


def lines(path: Path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("dirty", [False, True])
def test_the_same_seed_gives_the_same_bytes(tmp_path, dirty):
    parameters = family("F0", scale=0.02, agents=1, days=7)

    for folder in ("one", "two"):
        write_history(play_history(make_world(parameters, seed=9), 7), tmp_path / folder, dirty=dirty)

    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_longer_world_has_the_same_first_week():
    weeks = [play_history(make_world(family("F0", scale=0.02, agents=1, days=d), 9), 7) for d in (7, 28)]

    assert weeks[0].result.log == weeks[1].result.log


@pytest.fixture(scope="module")
def written(history, tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    return (
        write_history(history, folder),
        lines(folder / "leads.ndjson"),
        lines(folder / "events.ndjson"),
        folder,
    )


def test_every_line_has_the_shape_of_the_interface(written):
    _, leads, events, _ = written

    for lead in leads:
        LeadIn.model_validate(lead)
    for event in events:
        Envelope.model_validate(event)
        EVENTS[event["type"].removeprefix(PREFIX)].model_validate(event["data"])


def test_counts_are_those_of_the_files(written, history):
    counts, leads, events, folder = written
    kinds = Counter(event["type"].removeprefix(PREFIX) for event in events)

    assert counts["leads"] == len(leads) == summary(history)["leads"]
    assert counts["events"] == len(events)
    assert counts["calls"] == kinds["call.attempted"] == len(history.result.log)
    assert kinds["agent.upserted"] == 1
    assert kinds["conversion.recorded"] <= history.result.calls.converted.sum()
    assert json.loads((folder / "world.json").read_text())["counts"] == counts


def test_events_are_unique_ordered_and_told_after_they_happen(written):
    _, leads, events, _ = written
    created = {lead["lead_id"]: parse(lead["created_at"]) for lead in leads}
    times = [parse(event["time"]) for event in events]

    assert len({(event["source"], event["id"]) for event in events}) == len(events)
    assert times == sorted(times)
    for event in events:
        if "started_at" in event["data"]:
            assert created[event["data"]["lead_id"]] <= parse(event["data"]["started_at"])
            assert parse(event["time"]) == parse(event["data"]["ended_at"])


def test_nothing_latent_is_written(written):
    _, leads, events, _ = written

    known = {"segment", "age_band", "area", *(f"x{k}" for k in range(1, 9))}
    assert all(lead["attributes"].keys() <= known for lead in leads)
    assert not {"need", "reach", "window", "confirmed_at", "cancelled_at"} & {
        k for e in events for k in e["data"]
    }


def test_the_dirty_feed_has_each_defect_at_about_its_rate():
    history = play_history(make_world(family("F0", scale=0.3, agents=3, days=6), seed=4), 6)
    clean = events_of(history)

    feed, defects = dirtied(history.floor.world, clean)

    calls = len(history.result.log)
    assert defects["duplicated"] == pytest.approx(0.01 * len(clean), rel=0.4)
    assert defects["delayed"] == pytest.approx(0.02 * len(clean), rel=0.3)
    assert defects["very_late"] == pytest.approx(0.005 * len(clean), rel=0.5)
    assert 0 < defects["impossible"] < 0.004 * calls
    assert 0 < defects["unknown_code"] < 0.008 * calls
    assert len(feed) == len(clean) + defects["duplicated"] - defects["no_end"]
    times = [parse(str(event["time"])) for event in feed]
    assert any(b < a - 24 * HOUR for a, b in pairwise(times))
    assert max(times) - min(times) < 7 * DAY


def test_the_command_writes_a_dirty_world_with_four_exports(tmp_path):
    arguments = "simulate history --seed 2 --scale 0.02 --agents 1 --days 3 --drift spam_label --dirty --out"

    outcome = CliRunner().invoke(app, [*arguments.split(), str(tmp_path)])

    assert outcome.exit_code == 0, outcome.output
    names = {path.name for path in tmp_path.iterdir()}
    exports = {f"calls-{kind}.csv" for kind in ("vicidial", "five9", "genesys", "free-text")}
    assert names == {"leads.ndjson", "events.ndjson", "world.json"} | exports
    rows = sum(len((tmp_path / name).read_text().splitlines()) - 1 for name in exports)
    assert rows == json.loads((tmp_path / "world.json").read_text())["counts"]["calls"]


def test_the_help_shows_examples():
    outcome = CliRunner().invoke(app, ["simulate", "history", "--help"])

    assert outcome.exit_code == 0
    assert "--drift vendor_drop" in outcome.output
