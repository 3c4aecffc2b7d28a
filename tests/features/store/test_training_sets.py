"""Training sets: built in pieces they are what they would be at once, and never say what was not written."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from sqlalchemy import Engine

from features import FeatureMatrix, Moments, Outcome, Past, compute
from features.catalogue import for_leads, standing
from features.compute import fingerprint
from features.errors import DamagedTrainingSet, NoTrainingSet, OtherFeatures, OtherTrainingSet
from features.instants import DAY, HOUR, MINUTE, NEVER, render
from features.leads import Coded
from features.store.engine import transaction
from features.store.set_builder import Plan, Source, build, compute_part, read_source
from features.store.training_sets import MANIFEST, Asked, encode, load_manifest, read_training_set
from features.store.writes import accept_events, accept_leads
from tests.builders import MONDAY, a_call, a_lead_table, a_past
from tests.builders import a_lead as a_known_lead

from .tellings import a_call as a_told_call
from .tellings import a_disposition, a_lead, an_event

ROOT = Path(__file__).parents[3]
FEATURES = standing()


def the_past() -> Past:
    """Twelve calls to four leads over four days, none on the Wednesday."""
    ends = [MONDAY + day * DAY + hour * HOUR for day in (0, 1, 3) for hour in (9, 11, 15, 20)]
    calls = [
        a_call(number % 4, number % 3 - 1, ended_at, answered=number % 2 == 0)
        for number, ended_at in enumerate(ends)
    ]
    return a_past(*calls, leads=4)


def a_source(past: Past, as_of: int = MONDAY + 4 * DAY, seq: int = 7, news_from: int = NEVER) -> Source:
    return Source(past, ("joe", "kim"), as_of, seq, lambda _seq, _as_of: news_from)


def digests(folder: Path) -> dict[int, str]:
    manifest = load_manifest(folder)
    assert manifest is not None
    return {part.since: part.digest for part in manifest.parts}


class Killed(BaseException):
    """What a killed process raises nowhere: the test's own end of a build."""


def killed_after(parts: int):
    """An `advance` that ends the build after so many parts."""
    done: list[int] = []

    def advance(until: int) -> None:
        done.append(until)
        if len(done) == parts:
            raise Killed

    return advance


def test_a_set_read_back_is_what_was_computed(tmp_path: Path):
    past = the_past()

    built = build(tmp_path, a_source(past), Plan(FEATURES))
    matrix, asked = read_training_set(tmp_path)

    log = past.log
    whole = compute(past, Moments(log.lead, log.agent, log.started_at), FEATURES)
    assert (built.computed, built.written, matrix.names) == (3, 3, whole.names)
    assert np.array_equal(matrix.values, whole.values, equal_nan=True)
    assert asked.at.tolist() == log.started_at.tolist()
    assert [asked.lead.levels[code] for code in asked.lead.codes] == [f"lead-{row:05d}" for row in log.lead]
    assert [None if code < 0 else asked.agent.levels[code] for code in asked.agent.codes] == [
        None if code < 0 else ("joe", "kim")[code] for code in log.agent
    ]


def test_a_part_has_the_columns_and_types_that_the_page_promises(tmp_path: Path):
    built = build(tmp_path, a_source(the_past()), Plan(FEATURES))

    schema = pyarrow.parquet.read_schema(tmp_path / built.manifest.parts[0].file)

    assert schema.names == ["lead_id", "agent", "at", *(feature.name for feature in FEATURES)]
    assert [str(schema.field(name).type) for name in ("lead_id", "at", "lead_calls_7d")] == [
        "dictionary<values=string, indices=int32, ordered=0>",
        "timestamp[us, tz=UTC]",
        "float",
    ]


def test_equal_pasts_give_equal_bytes_whatever_the_rows_are_called(tmp_path: Path):
    build(tmp_path / "one", a_source(the_past()), Plan(FEATURES))
    build(tmp_path / "two", a_source(the_past()), Plan(FEATURES))

    assert digests(tmp_path / "one") == digests(tmp_path / "two")

    matrix = FeatureMatrix(FEATURES[:1], np.array([[1.0], [2.0], [3.0]], np.float32))
    ids = Asked(
        Coded(("ann", "bob", "cid"), np.array([0, 2, 1])), Coded(("joe",), np.full(3, -1)), np.zeros(3, int)
    )
    turned = np.array([2, 0, 1])
    renamed = Asked(Coded(("bob", "cid", "ann"), np.array([0, 2, 1])), ids.agent, ids.at)
    assert encode(renamed, matrix.take(turned)) == encode(ids, matrix)


@pytest.mark.parametrize(("days", "parts"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_a_killed_build_goes_on_where_it_stopped(tmp_path: Path, days: int, parts: int):
    source = a_source(the_past())
    with pytest.raises(Killed):
        build(tmp_path / "killed", source, Plan(FEATURES), killed_after(days))

    resumed = build(tmp_path / "killed", source, Plan(FEATURES))
    build(tmp_path / "at_once", source, Plan(FEATURES))

    assert (resumed.kept, resumed.computed) == (parts, 3 - parts)
    assert digests(tmp_path / "killed") == digests(tmp_path / "at_once")


A_BUILD = """
import sys, time
from pathlib import Path
from tests.features.store.test_training_sets import FEATURES, Plan, a_source, build, the_past

def advance(_):
    print("a part is done", flush=True)
    time.sleep(60)

build(Path(sys.argv[1]), a_source(the_past()), Plan(FEATURES), advance)
"""


def test_a_process_killed_between_two_parts_leaves_what_the_next_one_goes_on_with(tmp_path: Path):
    command = [sys.executable, "-c", A_BUILD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = child.stdout.readline()
        child.kill()

    meanwhile, _ = read_training_set(tmp_path)
    resumed = build(tmp_path, a_source(the_past()), Plan(FEATURES))

    assert (said, child.returncode) == ("a part is done\n", -signal.SIGKILL)
    assert (len(meanwhile), resumed.kept, resumed.computed) == (4, 1, 2)


def test_what_a_kill_left_half_written_is_neither_read_nor_kept(tmp_path: Path):
    source = a_source(the_past())
    with pytest.raises(Killed):
        build(tmp_path, source, Plan(FEATURES), killed_after(2))
    (tmp_path / "part-20260107T000000Z-0123456789ab.parquet.new").write_bytes(b"PAR1")
    (tmp_path / "part-20260107T000000Z-0123456789ab.parquet").write_bytes(b"PAR1")
    (tmp_path / "notes.txt").write_text("mine")

    meanwhile, _ = read_training_set(tmp_path)
    built = build(tmp_path, source, Plan(FEATURES))

    assert len(meanwhile) == 8
    assert {path.name for path in tmp_path.iterdir()} == {
        MANIFEST, "notes.txt", *(part.file for part in built.manifest.parts),
    }  # fmt: skip


@pytest.mark.parametrize("damage", ["a flipped bit", "cut short", "gone"])
def test_a_damaged_part_is_refused(tmp_path: Path, damage: str):
    built = build(tmp_path, a_source(the_past()), Plan(FEATURES))
    part = tmp_path / built.manifest.parts[1].file
    whole = part.read_bytes()
    if damage == "gone":
        part.unlink()
    else:
        part.write_bytes(
            whole[:-9] if damage == "cut short" else bytes([*whole[:50], whole[50] ^ 1, *whole[51:]])
        )

    with pytest.raises(DamagedTrainingSet, match=part.name) as refused:
        read_training_set(tmp_path)

    assert refused.value.code == "damaged_training_set"


@pytest.mark.parametrize("text", ["", "{", '{"parts": 1}', "[]"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str):
    build(tmp_path, a_source(the_past()), Plan(FEATURES))
    (tmp_path / MANIFEST).write_text(text)

    with pytest.raises(DamagedTrainingSet, match=MANIFEST):
        read_training_set(tmp_path)
    with pytest.raises(DamagedTrainingSet):
        build(tmp_path, a_source(the_past()), Plan(FEATURES))
    assert build(tmp_path, a_source(the_past()), Plan(FEATURES, fresh=True)).computed == 3


def test_a_folder_without_a_set_says_so(tmp_path: Path):
    with pytest.raises(NoTrainingSet):
        read_training_set(tmp_path)


def test_other_features_are_refused_by_name_until_the_set_is_begun_anew(tmp_path: Path):
    build(tmp_path, a_source(the_past()), Plan(FEATURES))
    fewer = Plan(FEATURES[1:])

    with pytest.raises(OtherFeatures, match=FEATURES[0].name):
        build(tmp_path, a_source(the_past()), fewer)

    anew = build(tmp_path, a_source(the_past()), replace(fewer, fresh=True))
    matrix, _ = read_training_set(tmp_path)
    assert (anew.computed, matrix.fingerprint) == (3, fingerprint(FEATURES[1:]))


def test_a_manifest_whose_features_mean_something_else_now_is_refused(tmp_path: Path):
    build(tmp_path, a_source(the_past()), Plan(FEATURES))
    said = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(said | {"fingerprint": "another"}))

    with pytest.raises(OtherFeatures):
        read_training_set(tmp_path)


@pytest.mark.parametrize("other", [Plan(FEATURES, moments="ends"), Plan(FEATURES, part_days=7)])
def test_a_set_of_another_kind_is_not_mixed_with_this_one(tmp_path: Path, other: Plan):
    build(tmp_path, a_source(the_past()), Plan(FEATURES))

    with pytest.raises(OtherTrainingSet):
        build(tmp_path, a_source(the_past()), other)


def test_a_set_keeps_its_levels_when_new_words_are_heard(tmp_path: Path):
    web, expo = a_known_lead(source="web"), a_known_lead(source="expo")
    now = a_past(a_call(0), a_call(1), leads=a_lead_table(web, expo))
    later = a_past(
        a_call(0), a_call(1), a_call(2), leads=a_lead_table(web, expo, a_known_lead(source="fair"))
    )
    first = build(tmp_path, a_source(now), Plan(for_leads(now.leads)))

    second = build(tmp_path, a_source(later, seq=8, news_from=0), Plan(for_leads(later.leads)))

    assert second.manifest.features == first.manifest.features
    assert second.manifest.rows == 3


def test_the_last_day_is_completed_and_nothing_else_is_computed(tmp_path: Path):
    past = the_past()
    noon = MONDAY + DAY + 12 * HOUR
    morning = Past(past.log.take(past.log.known_at < noon), past.leads)
    build(tmp_path / "daily", a_source(morning, noon), Plan(FEATURES))

    more = build(tmp_path / "daily", a_source(past, seq=8, news_from=noon), Plan(FEATURES))
    build(tmp_path / "at_once", a_source(past, seq=8), Plan(FEATURES))

    assert (more.kept, more.computed) == (1, 2)
    assert digests(tmp_path / "daily") == digests(tmp_path / "at_once")


def test_a_day_whose_calls_are_gone_has_no_part_any_more(tmp_path: Path):
    past = the_past()
    build(tmp_path, a_source(past), Plan(FEATURES))
    left = Past(past.log.take(past.log.ended_at > MONDAY + DAY), past.leads)

    built = build(tmp_path, a_source(left, seq=8, news_from=MONDAY), Plan(FEATURES))

    assert [part.since for part in built.manifest.parts] == [MONDAY + DAY, MONDAY + 3 * DAY]
    assert len(list(tmp_path.glob("*.parquet"))) == 2


def test_a_part_that_comes_out_equal_is_not_written_again(tmp_path: Path):
    build(tmp_path, a_source(the_past()), Plan(FEATURES))

    again = build(tmp_path, a_source(the_past(), seq=8, news_from=MONDAY), Plan(FEATURES))

    assert (again.computed, again.written) == (3, 0)
    assert {part.seq for part in again.manifest.parts} == {8}


def test_a_build_as_of_an_earlier_instant_forgets_nothing(tmp_path: Path):
    built = build(tmp_path, a_source(the_past()), Plan(FEATURES))

    earlier = build(
        tmp_path, a_source(a_past(leads=4), MONDAY + DAY, seq=9, news_from=MONDAY), Plan(FEATURES)
    )

    assert earlier.manifest == built.manifest


def test_the_moments_are_those_that_training_takes(tmp_path: Path):
    failed = a_call(0, ended_at=MONDAY + HOUR, outcome=Outcome.ERROR)
    past = a_past(failed, a_call(0, ended_at=MONDAY + 2 * HOUR))

    starts, _ = compute_part(past, FEATURES, "starts", MONDAY, MONDAY + DAY)
    ends, _ = compute_part(past, FEATURES, "ends", MONDAY, MONDAY + DAY)

    assert starts.at.tolist() == [MONDAY + 2 * HOUR - MINUTE]
    assert ends.at.tolist() == [MONDAY + HOUR, MONDAY + 2 * HOUR]


def a_day(rng: np.random.Generator, day: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Leads and events told on one day: some late, some correcting what was told before."""
    now = MONDAY + day * DAY
    names = [f"lead{number}" for number in range(5)]
    leads = [
        a_lead(name, updated_at=render(now), source=str(rng.choice(["web", "expo"])), value=day)
        for name in rng.choice(names, 2, replace=False)
    ] if day else [a_lead(name) for name in names]  # fmt: skip
    events = []
    for number in range(6):
        told_of = max(0, day - int(rng.integers(0, 3)) * int(rng.random() < 0.3))
        start = MONDAY + told_of * DAY + (8 + number) * HOUR
        call = f"call-{told_of}-{number}"
        answered = bool(rng.random() < 0.5)
        said = {"outcome": "contact_no_decision" if answered else "no_answer", "human_answered": answered}
        events.append(
            a_told_call(call, str(rng.choice(names)), name=f"{call}-{day}", started_at=render(start),
                        ended_at=render(start + 5 * MINUTE), talk_s=60.0 * answered, **said)
            | {"time": render(now + number * HOUR)}
        )  # fmt: skip
        if answered and rng.random() < 0.5:
            sold = str(rng.choice(["converted", "contact_refused"]))
            events.append(
                a_disposition(call, sold, name=f"said-{call}-{day}") | {"time": render(now + number * HOUR)}
            )
    if rng.random() < 0.5:
        lead = str(rng.choice(names))
        events.append(
            an_event(
                "conversion.recorded", f"sale-{day}", now, lead_id=lead, goal="sale", value=9, at=render(now)
            )
        )
    return leads, events


@pytest.mark.parametrize("seed", range(6))
def test_a_set_extended_day_by_day_equals_one_built_at_once(engine: Engine, tmp_path: Path, seed: int):
    rng = np.random.default_rng(seed)
    for day in range(5):
        leads, events = a_day(rng, day)
        told_at = MONDAY + day * DAY + 18 * HOUR
        with transaction(engine) as connection:
            accept_leads(connection, leads, told_at)
            accept_events(connection, events, told_at)
        source = read_source(engine, told_at + int(rng.integers(1, 4)) * HOUR)
        build(tmp_path / "daily", source, Plan(FEATURES))

    build(tmp_path / "at_once", source, Plan(FEATURES))

    assert digests(tmp_path / "daily") == digests(tmp_path / "at_once")
    assert load_manifest(tmp_path / "daily").rows > 15  # type: ignore[union-attr]


def test_news_without_bearing_on_a_day_leaves_it_alone(engine: Engine, tmp_path: Path):
    leads, events = a_day(np.random.default_rng(1), 0)
    told_at = MONDAY + 18 * HOUR
    with transaction(engine) as connection:
        accept_leads(connection, leads, told_at)
        accept_events(connection, events, told_at)
    build(tmp_path, read_source(engine, MONDAY + 2 * DAY), Plan(FEATURES))
    with transaction(engine) as connection:
        accept_leads(connection, [a_lead("new")], MONDAY + 2 * DAY)
        call = a_told_call(
            "c9", "new", started_at=render(MONDAY + 2 * DAY), ended_at=render(MONDAY + 2 * DAY + 1)
        )
        accept_events(connection, [call], MONDAY + 2 * DAY + HOUR)

    more = build(tmp_path, read_source(engine, MONDAY + 3 * DAY), Plan(FEATURES))

    assert (more.kept, more.computed, more.manifest.parts[-1].rows) == (1, 1, 1)
