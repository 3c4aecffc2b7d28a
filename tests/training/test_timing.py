"""The timing: it finds the hours that were planted, and says so of nothing else."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from features import Moments, Outcome, compute, for_leads
from features.instants import DAY
from features.kernel import Float64Array
from serving.week_ahead import best_windows
from tests.builders import MONDAY, a_call, a_past
from training.heads.answer import HEAD
from training.timing import BLOCKS, LEAST_GAIN, Leveller, fields_of, learn_timing, proof
from training.windows import Timing, expected

from .rhythms import LEGAL, Rhythms, rhythms


def learned(floor: Rhythms) -> Timing:
    return learn_timing(*floor.taught(), HEAD, 0.01)


@lru_cache(maxsize=2)
def by_kind() -> tuple[Rhythms, Timing]:
    """Kinds of lead with windows of their own, and what was learned of them."""
    floor = rhythms("kind")
    return floor, learned(floor)


def recommended(floor: Rhythms, timing: Timing) -> Float64Array:
    """The true chance at the hour that each lead is recommended; NaN without a recommendation."""
    rows, ahead = np.arange(len(floor.past.leads)), floor.ahead()
    weeks = timing.weeks(floor.past, floor.now(), rows, floor.until)
    told = best_windows(weeks, ahead, floor.until)
    place = [-1 if one is None else int(np.searchsorted(ahead.starts[0], one.start)) for one in told]
    chance = 1 / (1 + np.exp(-np.take_along_axis(floor.truth, ahead.hour, axis=1)))
    return np.array([np.nan if at < 0 else chance[row, at] for row, at in enumerate(place)])


def regrets(floor: Rhythms, timing: Timing) -> tuple[float, float, float]:
    """Ours, that of the best single hour, and the share of leads that got no recommendation."""
    chance = np.where(LEGAL, 1 / (1 + np.exp(-floor.truth)), 0.0)
    single = chance[:, chance.mean(axis=0).argmax()]
    told = recommended(floor, timing) if timing.proven else np.full(len(chance), np.nan)
    ours = np.where(np.isnan(told), single, told)
    best = chance.max(axis=1)
    return float((best - ours).mean()), float((best - single).mean()), float(np.isnan(told).mean())


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("confounded", [False, True], ids=["", "good leads first in the morning"])
def test_where_hours_do_not_matter_no_lead_is_told_one(seed, confounded):
    timing = learned(rhythms("flat", seed, confounded=confounded))

    assert not timing.proven
    assert timing.sentence.startswith("no timing evidence")


def test_the_level_of_a_call_hears_no_clock_but_the_one_that_is_left_out_again():
    """Whatever the floor, its lines and its hours are said to do lately, the level is the same."""
    floor, _ = by_kind()
    matrix, found = floor.taught()
    level = Leveller.of(matrix, found, HEAD, 0.01).margin(np.arange(len(found)))
    disguised = [
        place
        for place, name in enumerate(matrix.names)
        if name.startswith(("floor_", "line_", "campaign_", "script_", "local_")) or "_hour_" in name
    ]

    moved = matrix.values.copy()
    moved[:, disguised] += 0.3

    assert len(disguised) > 15
    assert np.array_equal(level.apply(moved), level.apply(matrix.values))


def test_an_hour_that_is_good_for_everybody_is_no_window_of_a_lead():
    assert not learned(rhythms("one", 2)).proven


def test_windows_by_kind_are_found_and_regretted_less_than_half_as_much_as_one_hour_for_all():
    floor, timing = by_kind()

    ours, single, without = regrets(floor, timing)

    assert [field.feature for field in timing.fields] == ["channel"]
    assert ours < single / 2
    assert without < 0.05


def test_windows_survive_that_good_leads_are_called_first():
    floor = rhythms("kind", 3, leads=2_000, confounded=True)

    ours, single, _ = regrets(floor, learned(floor))

    assert ours < single / 2


def test_leads_whose_windows_nothing_tells_but_their_own_calls_are_heard():
    floor = rhythms("own", 4, leads=300, each=40, height=2.5)
    timing = learned(floor)

    ours, single, _ = regrets(floor, timing)

    assert timing.calls.proven
    assert not timing.kinds.proven
    assert ours < single / 2


def test_an_hour_that_was_never_tried_is_never_recommended():
    _, timing = by_kind()

    assert not timing.tried[6 * 24 :].any()
    assert timing.tried[LEGAL][: 6 * 13].all()


def test_a_timing_says_the_same_after_a_journey_as_text():
    floor, timing = by_kind()
    rows = np.arange(20)

    read = Timing.from_json(timing.as_json())

    asked = floor.now().take(rows)
    told, again = (one.weeks(floor.past, asked, rows, floor.until) for one in (timing, read))
    assert told.log_odds.tolist() == again.log_odds.tolist()
    assert [a.tolist() for a in told.interval()] == [a.tolist() for a in again.interval()]
    assert (read.kinds, read.calls) == (timing.kinds, timing.calls)


def test_the_interval_holds_the_true_curve_of_most_hours_of_a_kind():
    """Of the mean lead of each kind, but for its level; steps are smoothed, so not of all hours."""
    floor, timing = by_kind()
    rows = np.arange(len(floor.past.leads))
    weeks = timing.weeks(floor.past, floor.now(), rows, floor.until)

    low, high = (np.log(end / (1 - end)) for end in weeks.interval())

    inside = []
    for kind in range(4):
        own = floor.past.leads.coded["channel"].codes == kind
        off = (weeks.log_odds - floor.truth)[own].mean(axis=0)
        reach = (high - low)[own].mean(axis=0) / 2
        inside.append(np.abs(off - off[timing.tried].mean())[timing.tried] < reach[timing.tried])

    assert np.mean(inside) > 0.8


def test_a_gain_counts_only_outside_the_noise_and_if_it_is_more_than_nothing():
    rng = np.random.default_rng(1)
    calls = 100 * BLOCKS

    assert not proof(rng.normal(0, 1, calls)).proven
    assert proof(rng.normal(0.1, 1, calls)).proven
    assert not proof(np.full(calls, LEAST_GAIN / 2)).proven
    assert not proof(np.ones(BLOCKS)).proven


def test_leads_are_told_apart_by_words_and_numbers_but_not_by_their_list():
    matrix, _ = rhythms("flat", leads=100).taught()

    assert [field.feature for field in fields_of(matrix)] == [
        "lead_value",
        "arrival_hour",
        "channel",
        "attribute_need",
    ]


def test_a_missing_value_and_an_unknown_word_are_groups_of_their_own():
    floor, _ = by_kind()
    fields = {field.feature: field for field in fields_of(floor.now())}

    words = fields["channel"].groups(np.array([0, 3, 99, np.nan], np.float32))
    numbers = fields["attribute_need"].groups(np.array([-9, 9, np.nan], np.float32))

    assert words.tolist() == [0, 3, 4, 4]
    assert numbers.tolist() == [0, 4, 5]
    assert fields["channel"].size == 5
    assert fields["attribute_need"].size == 6


def test_a_call_that_its_lead_expects_is_known_by_the_talk_before_or_by_the_time_agreed():
    """Asked back on Monday, called on Wednesday and Friday; the other lead refused, and was called too."""
    talk, refused = (
        a_call(lead, ended_at=MONDAY, disposition=of)
        for lead, of in ((0, Outcome.CALLBACK), (1, Outcome.CONTACT_REFUSED))
    )
    later = [a_call(lead, ended_at=MONDAY + day * DAY) for lead in (0, 1) for day in (2, 4)]
    past = a_past(talk, refused, *later)

    matrix = compute(past, Moments(past.log.lead, past.log.agent, past.log.started_at), for_leads(past.leads))

    told = zip(past.log.lead.tolist(), (past.log.ended_at // DAY - MONDAY // DAY).tolist(), strict=True)
    assert dict(zip(told, expected(matrix).tolist(), strict=True)) == {
        (0, 0): False, (1, 0): False, (0, 2): True, (1, 2): False, (0, 4): False, (1, 4): False,
    }  # fmt: skip
    due = matrix.values.copy()
    due[:, matrix.names.index("lead_hours_until_callback")] = 0.4
    assert expected(replace(matrix, values=due)).all()


def test_calls_that_were_expected_say_nothing_of_hours():
    """Callbacks that are kept in the evening, whoever the lead is, don't make it anybody's best time."""
    floor, timing = by_kind()
    matrix, found = floor.taught()
    kept = np.random.default_rng(1).choice(len(found), 2_000)
    label = np.append(found.label, np.ones(kept.size))
    values = np.vstack([matrix.values, matrix.values[kept]])
    values[len(found) :, matrix.names.index("lead_hours_until_callback")] = 0.0
    values[len(found) :, matrix.names.index("local_hour_of_week")] = 19.0
    both = np.append(np.arange(len(found)), kept)
    more = replace(found.take(both), label=label)
    order = np.argsort(more.at, kind="stable")

    beside = learn_timing(replace(matrix, values=values[order]), more.take(order), HEAD, 0.01)

    assert np.abs(beside.table - timing.table).max() < 1e-9


def test_nothing_is_proven_by_calls_of_a_single_minute():
    floor = rhythms("flat", 1)
    matrix, found = floor.taught()
    found = replace(found, moments=replace(found.moments, at=np.full(len(found), found.at[0])))

    timing = learn_timing(matrix, found, HEAD, 0.01)

    assert not timing.proven
    assert timing.sentence.startswith("no timing evidence")
