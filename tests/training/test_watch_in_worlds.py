"""The watch in the simulated worlds: quiet where nothing drifts, and drifts are found within days.

Calls of 28 days teach; the 35 days after them are watched, as if a model had handed every call out and a
twentieth of the leads were logged. Drifts begin on the 22nd of these days.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features import Feature, FeatureMatrix, Moments, Past, compute, for_leads
from features.instants import DAY, HOUR, NEVER, parse
from features.statistics.attribute import Category
from features.store.columns_reader import read_snapshot
from features.store.engine import open_engine
from features.store.served_calls import ServedCalls
from features.store.served_matrices import ServedMatrix
from leadrank import main
from training.bundle import Bundle
from training.dataset import PRIOR_SECONDS, Examples, echoes, examples
from training.fit import Choice, fit_as
from training.head import Head
from training.heads import answer, conversion
from training.lesson import Lesson
from training.reference import Reference, shares_of
from training.splits import learnable, time_folds
from training.watch import Check, look

pytestmark = pytest.mark.slow
TAUGHT, WATCHED, BEGINS = 28, 35, 49
START = parse("2026-01-05T05:00:00Z")
CUT = START + TAUGHT * DAY
LOGGED = 0.05


def a_past(folder: Path, monkeypatch: pytest.MonkeyPatch, *world: str) -> Past:
    """A simulated floor of 63 days, taken in as files are."""
    store = f"sqlite:///{folder}/leadrank.db"
    monkeypatch.setenv("LEADRANK_DATABASE_URL", store)
    assert main(["simulate", "history", "--days", str(TAUGHT + WATCHED), "--out", str(folder), *world]) == 0
    assert main(["import", str(folder / "leads.ndjson"), str(folder / "events.ndjson")]) == 0
    engine = open_engine(store)
    past = read_snapshot(engine, NEVER).past
    engine.dispose()
    return past


def known_then(features: tuple[Feature, ...], past: Past) -> tuple[Feature, ...]:
    """The features of a training at the cut: no word that came later."""
    early = past.leads.created_at < CUT
    words = {
        name: {column.levels[code] for code in np.unique(column.codes[early]) if code >= 0}
        for name, column in past.leads.coded.items()
    }
    kept = [one for one in features if one.name != "age_of_partner"]
    return tuple(
        replace(one, levels=tuple(word for word in one.levels if word in words[one.attribute]))
        if isinstance(one, Category) and one.attribute in words
        else one
        for one in kept
    )


def said(head: Head, found: Examples, matrix: FeatureMatrix, pointless: tuple[str, ...]) -> np.ndarray:
    """What the head says of every call, taught those before the cut."""
    rows = np.flatnonzero(found.at < CUT - HOUR)
    taught = found.take(rows)
    lesson = Lesson.of(matrix.take(rows), taught, head.ignores + pointless, head.trusts, head.follows)
    folds = learnable(time_folds(taught.at, 4, 0.5, HOUR), taught.label)
    model = fit_as(lesson, head, Choice(0.01, None, 40), folds, 1).model
    return model.calibration.apply(model.score(matrix.values, 1))


def answers_and_sales(past: Past, features: tuple[Feature, ...]) -> tuple[FeatureMatrix, ServedCalls]:
    """Every call as if a model had handed it out: what it saw, said, and what came of it."""
    calls, contacts = (examples(past, head, NEVER // 2) for head in (answer.HEAD, conversion.HEAD))
    lead, at = calls.moments.lead, calls.at
    matrix = compute(past, Moments(lead, np.full(len(calls), -1), at), features)
    place = {pair: row for row, pair in enumerate(zip(lead.tolist(), at.tolist(), strict=True))}
    pairs = zip(contacts.moments.lead.tolist(), contacts.at.tolist(), strict=True)
    rows = np.array([place[pair] for pair in pairs])
    pointless = echoes(features, past.leads)
    p_convert, sold = np.full((2, len(calls)), np.nan)
    p_convert[rows] = said(conversion.HEAD, contacts, matrix.take(rows), pointless)
    sold[rows] = contacts.label
    channel = past.leads.coded["channel"]
    words = tuple(channel.levels[code] for code in channel.codes[lead])
    p_answer, names = said(answer.HEAD, calls, matrix, pointless), tuple(map(str, range(len(calls))))
    return matrix, ServedCalls(names, at, lead, words, p_answer, p_convert, calls.label, sold)


def a_champion(matrix: FeatureMatrix, calls: ServedCalls) -> Bundle:
    """Taught the calls before the cut."""
    early = np.flatnonzero(calls.at < CUT)
    columns = tuple(
        shares_of(matrix.values[early, k], calls.at[early], one.categorical)
        for k, one in enumerate(matrix.features)
    )
    known = tuple({calls.channel[row] for row in early})
    reference = Reference(early.size, columns, {}, known)
    return Bundle("v1", CUT, matrix.features, {}, PRIOR_SECONDS, reference=reference)


def until(calls: ServedCalls, end: int) -> ServedCalls:
    """The calls from the cut to an instant."""
    rows = np.flatnonzero((calls.at >= CUT) & (calls.at < end))
    names, words = (tuple(column[row] for row in rows) for column in (calls.decision_id, calls.channel))
    chances = calls.p_answer[rows], calls.p_convert[rows]
    return ServedCalls(
        names, calls.at[rows], calls.lead[rows], words, *chances, calls.answered[rows], calls.sold[rows]
    )


def watched(past: Past) -> dict[int, list[Check]]:
    """The checks of each day of the world on which the watch could tell."""
    matrix, calls = answers_and_sales(past, known_then(for_leads(past.leads), past))
    champion = a_champion(matrix, calls)
    sampled = np.random.default_rng(0).random(len(past.leads)) < LOGGED
    rows = np.flatnonzero((calls.at >= CUT) & sampled[calls.lead])
    vectors = [ServedMatrix(matrix.features, matrix.values[rows], calls.lead[rows], calls.at[rows])]
    ends = {day: START + (day + 1) * DAY for day in range(TAUGHT + 7, TAUGHT + WATCHED)}
    found = {day: look(champion, until(calls, end), vectors, end).checks for day, end in ends.items()}
    return {day: list(checks) for day, checks in found.items() if checks}


def drifts(found: dict[int, list[Check]], first: int = 0) -> dict[int, list[str]]:
    """The sentences of what alarmed, by day."""
    told = {day: [one.sentence for one in checks if one.drifted] for day, checks in found.items()}
    return {day: sentences for day, sentences in told.items() if sentences and day >= first}


@pytest.mark.parametrize(("family", "seed"), [("F0", 1), ("F0", 2), ("F2", 3), ("F4", 4), ("F0", 5)])
def test_a_world_that_does_not_drift_is_quiet(family: str, seed: int, tmp_path: Path, monkeypatch):
    past = a_past(
        tmp_path, monkeypatch, "--family", family, "--seed", str(seed), "--scale", "0.4", "--agents", "3"
    )

    found = watched(past)

    print(f"{family} {seed}: {len(found)} days watched, alarms: {drifts(found)}")  # noqa: T201
    assert drifts(found) == {}
    assert len(found) > 20


@pytest.mark.parametrize(
    ("kind", "seed", "agents", "within"),
    [
        ("vendor_drop", 1, 3, 5),
        ("vendor_drop", 2, 3, 5),
        ("new_channel", 1, 3, 3),
        ("new_channel", 2, 3, 3),
        ("price_shock", 1, 12, 6),
        ("price_shock", 2, 12, 6),
    ],
)
def test_a_drift_is_found_within_days(
    kind: str, seed: int, agents: int, within: int, tmp_path: Path, monkeypatch
):
    """Of a shock of the price, with few sales a day, three agents don't see enough; twelve do."""
    size = ["--scale", str(round(agents / 7.5, 1)), "--agents", str(agents)]
    past = a_past(
        tmp_path, monkeypatch, "--seed", str(seed), *size, "--drift", kind, "--drift-day", str(BEGINS)
    )

    found = watched(past)

    alarms = drifts(found)
    print(f"{kind} {seed}: {alarms}")  # noqa: T201
    assert min(alarms) >= BEGINS - 1  # a world's day begins at 05:00 UTC
    assert min(alarms) <= BEGINS + within
