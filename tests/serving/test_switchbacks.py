"""Switchbacks: which days the rules hold on, and that polls, the gate and the record obey the day's."""

from dataclasses import asdict
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from features.instants import DAY, HOUR, MINUTE, SECOND, render
from features.site import Site, midnight
from features.store.campaigns import write_campaign
from features.store.decisions import read_decision, rules_on_record
from features.store.engine import reading, transaction
from features.store.tables import batch
from serving.inquiry import check, diagnose
from serving.leases import Ack
from serving.plan import Plan
from serving.replay import replayed
from serving.switchbacks import Switchback, in_force

from .desks import a_desk, a_dial, ids, many_leads, poll, tell, tell_leads

ZONES = (
    "UTC",
    "Europe/Helsinki",
    "Africa/Cairo",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
)
salts = st.binary(min_size=1, max_size=64)
names = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
dates = st.dates(date(2020, 1, 1), date(2035, 12, 31))
RULES = {"abandon_cap": 0.01, "caps": {"min_gap_s": 60}}
TOLD = {"mode": "predictive", "abandon_cap": 0.05, "caps": {"per_day": 3, "lifetime": 8, "min_gap_s": 7200}}


def a_switchback(name: str, begins: date, zone: str) -> Switchback:
    return Switchback(name, RULES, {"mode": "predictive", "timezone": zone}, midnight(begins, zone))


def campaign(one: Switchback) -> dict[str, object]:
    return {**TOLD, "timezone": one.site.zone, "switchbacks": [asdict(one)]}


@settings(deadline=None)
@given(salt=salts, name=names, begins=dates, zone=st.sampled_from(ZONES), block=st.integers(-50, 500))
def test_each_block_of_two_days_has_one_of_each_side(
    salt: bytes, name: str, begins: date, zone: str, block: int
):
    one = a_switchback(name, begins, zone)
    day = one.first + 2 * block

    assert one.on(salt, day) != one.on(salt, day + 1)


@settings(deadline=None)
@given(salt=salts, name=names, begins=st.lists(dates, min_size=2, max_size=2), block=st.integers(0, 500))
def test_the_deal_depends_on_nothing_but_key_name_and_block(
    salt: bytes, name: str, begins: list[date], block: int
):
    one, other = (a_switchback(name, day, zone) for day, zone in zip(begins, ZONES, strict=False))
    other = Switchback(**{**asdict(other), "rules": {"abandon_cap": 0.5}})

    assert one.on(salt, one.first + 2 * block) == other.on(salt, other.first + 2 * block)


def test_names_and_keys_deal_anew_and_half_the_blocks_begin_on():
    one = a_switchback("slow", date(2026, 1, 5), "UTC")
    deals = [
        [Switchback(**{**asdict(one), "name": name}).on(salt, one.first + 2 * block) for block in range(2000)]
        for name, salt in (("slow", b"a"), ("slower", b"a"), ("slow", b"b"))
    ]

    assert all(900 < sum(deal) < 1100 for deal in deals)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert 900 < sum(a == b for a, b in zip(deals[first], deals[second], strict=True)) < 1100


@settings(deadline=None)
@given(
    salt=salts,
    begins=dates,
    zone=st.sampled_from(ZONES),
    later=st.integers(0, 400),
    past=st.integers(0, DAY - 1),
)
def test_the_rules_of_an_instant_are_those_of_its_local_day_on_days_of_any_length(
    salt: bytes, begins: date, zone: str, later: int, past: int
):
    one = a_switchback("slow", begins, zone)
    day = one.first + later
    ends = one.site.begins(day + 1)
    at = min(one.site.begins(day) + past, ends - 1)

    for instant, on in (
        (at, one.on(salt, day)),
        (ends - 1, one.on(salt, day)),
        (ends, one.on(salt, day + 1)),
    ):
        plan = Plan.of(in_force(campaign(one), salt, instant), instant)
        assert plan.policy.side == f"slow:{'on' if on else 'off'}"
        assert plan.abandon_cap == (0.01 if on else 0.05)
        assert plan.caps.min_gap == (60 if on else 7200) * SECOND
        assert (plan.caps.per_day, plan.caps.lifetime) == (3, 8)


@settings(deadline=None)
@given(salt=salts, begins=dates, zone=st.sampled_from(ZONES), gone=st.integers(1, 30 * DAY))
def test_before_it_begins_and_after_it_ends_the_campaigns_own_rules_hold(
    salt: bytes, begins: date, zone: str, gone: int
):
    one = a_switchback("slow", begins, zone)
    ended = Switchback(**{**asdict(one), "until": one.since + gone})

    for at in (one.since - 1, ended.until):
        assert in_force(campaign(ended), salt, at) == campaign(ended)


@settings(deadline=None)
@given(
    salt=salts, begins=dates, since=st.integers(-40, 40), length=st.integers(0, 60), cut=st.integers(0, DAY)
)
def test_a_deal_has_whole_blocks_alone(salt: bytes, begins: date, since: int, length: int, cut: int):
    one = a_switchback("slow", begins, "Europe/Helsinki")
    start = one.site.begins(one.first + since) + cut
    until = start + length * DAY

    deal = one.deal(salt, start, until)

    assert deal.day.size % 2 == 0
    if deal.day.size:
        assert (int(deal.day[0]) - one.first) % 2 == 0
        assert start <= one.span(deal)[0]
        assert one.span(deal)[1] <= until
        assert deal.side(deal.day).tolist() == deal.on.tolist()
    assert length * DAY - (one.span(deal)[1] - one.span(deal)[0]) <= 4 * DAY + 2 * HOUR


NIGHTS = [
    ("Asia/Bangkok", date(2026, 1, 13)),  # midnight is noon in New York
    ("Europe/Helsinki", date(2026, 3, 30)),  # after a day of 23 hours
    ("Europe/Helsinki", date(2026, 10, 26)),  # after one of 25
    ("Africa/Cairo", date(2026, 4, 24)),  # whose clocks go forward at midnight
]


@pytest.mark.parametrize(("zone", "morrow"), NIGHTS)
def test_polls_the_gate_and_the_record_obey_the_rules_of_either_side_of_midnight(
    engine: Engine, zone: str, morrow: date
):
    """A lead dialed half an hour before midnight may be called again where the day's gap is a minute."""
    night = midnight(morrow, zone)
    since = Site(zone).begins(Site(zone).day(night) - 1)
    one = Switchback("slow", {"caps": {"min_gap_s": 60}}, {"timezone": zone}, since)
    with transaction(engine) as connection:
        write_campaign(connection, "spring", campaign(one), since)
    received = render(since)
    tell_leads(engine, many_leads(3, created_at=received, updated_at=received), at=since)
    called = night - 30 * MINUTE
    tell(
        engine,
        a_dial("c1", "lead-0001", called) | {"time": render(called + 2 * MINUTE)},
        at=night - 20 * MINUTE,
    )
    desk = a_desk(engine)

    for at, day in ((night - SECOND, one.first), (night, one.first + 1)):
        allowed = one.on(desk.salt, day)
        withheld = diagnose(desk, "spring", at).withheld.get("min_gap", 0)
        checked = check(desk, "spring", "lead-0001", None, None, at)
        given = poll(desk, at, 9, key=str(at))
        assert ("lead-0001" in ids(given)) == allowed
        assert (withheld, given.withheld.get("min_gap", 0)) == ((0, 0) if allowed else (1, 1))
        assert checked.allow == allowed
        with reading(engine) as connection:
            side = f"slow:{'on' if allowed else 'off'}"
            kept = connection.execute(
                select(batch.c.rules).where(batch.c.batch_id == given.batch_id)
            ).scalar_one()
            assert kept == [side]
            assert [said for _, said in rules_on_record(connection, "spring", at, at + 1)] == [[side]]
            for item in given.items[:1]:
                found = read_decision(connection, item.decision_id)
                assert found is not None
                assert replayed(connection, found)["same"] is True
        desk.acknowledge([Ack(item.lease_id, "released") for item in given.items], at)
