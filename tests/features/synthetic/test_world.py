"""A world is made by parameters and seed alone, and looks as specified."""

from dataclasses import replace

import numpy as np
import pytest

from features.instants import DAY, HOUR
from features.synthetic.parameters import DRIFTS, FAMILIES, drifted, family
from features.synthetic.world import make_world, phone, zone_name


def same(one, other, rows):
    return all(
        np.array_equal(getattr(one, name)[:rows], getattr(other, name)[:rows], equal_nan=name == "x")
        for name in one.__dataclass_fields__
    )


def test_more_days_only_append_to_a_world():
    short = make_world(family("F0", scale=0.05, days=7), seed=5)

    long = make_world(family("F0", scale=0.05, days=21), seed=5)

    assert same(short.leads, long.leads, len(short.leads))
    assert len(long.leads) > len(short.leads)
    assert np.array_equal(short.answer_shift[:, :7], long.answer_shift[:, :7])


def test_another_seed_is_another_world():
    worlds = [make_world(family("F0", scale=0.05, days=7), seed) for seed in (1, 2)]

    assert not np.array_equal(worlds[0].leads.need[:50], worlds[1].leads.need[:50])


def test_a_new_channel_leaves_the_old_leads_as_they_were():
    plain = family("F0", scale=0.05, days=14)

    drift = make_world(drifted(plain, "new_channel", 7), seed=5).leads

    before = make_world(plain, seed=5).leads
    old = drift.take(np.flatnonzero(drift.channel < len(plain.channels)))
    assert same(before, old, len(before))
    assert drift.arrived[drift.channel == len(plain.channels)].min() >= plain.epoch + 7 * DAY


@pytest.fixture(scope="module")
def large():
    """Four weeks at scale 1."""
    return make_world(family("F0", scale=1, days=28), seed=11)


def test_leads_arrive_as_specified(large):
    leads, channels = large.leads, large.parameters.channels
    per_week = {c.name: (leads.channel == k).sum() / 4 for k, c in enumerate(channels)}

    assert len(leads) / 4 == pytest.approx(15_400, rel=0.08)
    assert per_week["bought_list"] == pytest.approx(12_000, rel=0.08)
    assert per_week["event"] == pytest.approx(500, rel=0.15)
    assert np.all(np.diff(leads.arrived) >= 0)
    bought = leads.arrived[leads.channel == 3]
    assert set(((bought - large.start) % (7 * DAY)).tolist()) == {6 * HOUR}


def test_what_is_observed_tells_a_third_of_the_need(large):
    leads = large.leads

    share = np.corrcoef(leads.need, leads.need_hat)[0, 1] ** 2
    slope = np.polyfit(leads.need_hat, leads.need, 1)[0]

    assert share == pytest.approx(0.36, abs=0.01)
    assert slope == pytest.approx(1, abs=0.02)
    assert np.isnan(leads.x[:, 2]).mean() == pytest.approx(0.20, abs=0.01)
    assert np.abs(np.corrcoef(leads.need, leads.x[:, -1])[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("after_s", "share"),
    [(60, 0.978), (300, 0.900), (1800, 0.648), (3600, 0.567), (7200, 0.540), (86400, 0.428)],
)
def test_interest_of_web_leads_fades_as_specified(large, after_s, share):
    window = large.leads.window[large.leads.channel == 0]

    assert (window > after_s * 1e6).mean() == pytest.approx(share, abs=0.012)


def test_values_have_their_mean_and_cents(large):
    leads = large.leads
    plain = leads.value[leads.segment == 0]

    assert plain.mean() == pytest.approx(400 * np.exp(0.15**2 / 2), rel=0.01)
    assert np.allclose(np.round(leads.value, 2), leads.value)


def test_phones_are_unique_and_zones_are_fixed_offsets(large):
    phones = {phone(lead) for lead in range(len(large.leads))}

    assert len(phones) == len(large.leads)
    assert all(len(number) == 12 for number in phones)
    assert [zone_name(large.parameters, h) for h in (0, -1, -2, -3)] == [f"Etc/GMT+{h}" for h in (5, 6, 7, 8)]


def test_breaks_leave_the_specified_occupancy(large):
    shift = large.shifts(0)[0]

    away = sum(end - begin for begin, end in shift.breaks)

    assert away / (shift.stop - shift.start) == pytest.approx(0.15, abs=1e-6)
    assert all(shift.start <= begin < end <= shift.stop for begin, end in shift.breaks)
    assert shift.ready_from(shift.breaks[0][0]) == shift.breaks[0][1]


def test_sunday_is_closed_and_early_and_late_seats_differ(large):
    starts = {(shift.start - large.day(0)) // HOUR for shift in large.shifts(0)}

    assert large.shifts(6) == []
    assert starts == {9, 12}
    assert {(s.stop - s.start) // HOUR for s in large.shifts(5)} == {6}


def test_who_leaves_is_followed_by_a_novice_on_the_same_seat():
    parameters = replace(family("F0", scale=0.05, days=28), agents=20, attrition_weekly=0.3)

    world = make_world(parameters, seed=2)

    assert len(world.agents) > 20
    for day in range(0, 28, 7):
        assert sorted(world.agents.seat[[s.agent for s in world.shifts(day)]].tolist()) == list(range(20))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("kind", DRIFTS)
def test_every_family_bears_every_drift(name, kind):
    world = make_world(drifted(family(name, scale=0.02, days=14), kind, 7), seed=1)

    assert len(world.leads) > 0
    assert np.isfinite(world.answer_shift).all()


def test_a_vendor_drop_lowers_the_bought_lists_alone_and_from_its_day():
    plain = make_world(family("F0", scale=0.02, days=14), seed=1)

    drift = make_world(drifted(plain.parameters, "vendor_drop", 7), seed=1)

    step = drift.answer_shift - plain.answer_shift
    assert np.allclose(step[:, :7], 0)
    assert np.allclose(step[:, 7:].T, [0, 0, 0, -0.7, -0.7, -0.7])


def test_an_unknown_family_or_drift_is_refused():
    with pytest.raises(ValueError, match="F9"):
        family("F9")
    with pytest.raises(ValueError, match="storm"):
        drifted(family("F0"), "storm", 1)
