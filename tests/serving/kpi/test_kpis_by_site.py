"""KPIs by the site's own clock and over its leads' whole histories, against counting one by one."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from features.instants import DAY, HOUR, MINUTE, parse, render, to_datetime
from features.site import Site
from features.store.campaigns import write_campaign
from features.store.engine import reading, transaction
from features.store.reads import Stretch
from serving.trials import account_of
from tests.features.store.tellings import a_lead, an_event
from tests.serving.desks import a_dial, tell, tell_leads
from tests.serving.kpi.test_kpis_against_sql import NOW, START, asked, fill

ZONE = "America/New_York"
SHIFTS = [
    {"name": "day", "start": "06:00", "end": "18:00"},
    {"name": "night", "start": "18:00", "end": "06:00"},
]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LATER = parse("2026-06-01T00:00Z")


def set_up(engine: Engine, settings: dict[str, object]) -> None:
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale", **settings}, START)


def test_hours_weekdays_and_shifts_are_the_sites_own_over_the_day_of_23_hours(engine: Engine):
    fill(engine)
    set_up(engine, {"timezone": ZONE, "shifts": SHIFTS})
    with reading(engine) as connection:
        started = list(connection.execute(text("SELECT started_at FROM call")).scalars())
    clocks = [to_datetime(at).astimezone(ZoneInfo(ZONE)) for at in started]
    wanted = {
        "hour": Counter(f"{one.hour:02d}" for one in clocks),
        "weekday": Counter(WEEKDAYS[one.weekday()] for one in clocks),
        "shift": Counter("day" if 6 <= one.hour < 18 else "night" for one in clocks),
    }

    for by, counts in wanted.items():
        found = asked(engine, "contact_rate", (by,))["rows"]
        assert {row["group"][by]: row["n"] for row in found if row["n"]} == counts, by
    assert {one.date().isoformat() for one in clocks} >= {"2026-03-07", "2026-03-08", "2026-03-09"}


def test_the_sales_of_days_sum_to_those_of_all(engine: Engine):
    fill(engine)
    whole = asked(engine, "call_conversion_rate")["rows"][0]

    days = [
        asked(engine, "call_conversion_rate", since=day, until=day + DAY)["rows"][0]
        for day in range(START, NOW, DAY)
    ]

    for name in ("net", "gross"):
        assert sum(day["detail"][name] for day in days) == whole["detail"][name]
    assert sum(day["n"] for day in days) == whole["n"]


def test_a_sale_long_before_the_stretch_is_the_leads_only_one(engine: Engine):
    tell_leads(engine, [a_lead("ann")])
    sold = [a_dial(f"c{at}", "ann", at, "converted", human_answered=True) for at in (START, START + 35 * DAY)]
    tell(engine, *sold, at=START + 36 * DAY)

    (found,) = asked(engine, "call_conversion_rate", since=START + DAY)["rows"]

    assert (found["n"], found["value"]) == (1, 0)


def test_a_sale_to_a_lead_called_long_before_the_horizon_is_outside_the_window(engine: Engine):
    tell_leads(engine, [a_lead("ann"), a_lead("bob")])
    tell(engine, a_dial("c1", "ann", START), at=START + HOUR)
    bought = START + 40 * DAY
    said = {"goal": "sale", "value": 10.0, "at": render(bought)}
    told = [an_event("conversion.recorded", name, bought, lead_id=name, **said) for name in ("ann", "bob")]
    tell(engine, *told, at=bought + MINUTE)

    with reading(engine) as connection:
        found = account_of(connection, Stretch(bought - HOUR, bought + HOUR, LATER, "spring")).arms.sales

    assert (found.credited.number, found.organic.number, found.outside_window.number) == (0, 1, 1)


def test_a_response_is_timed_by_the_wall_clock_and_by_the_hours_of_business(engine: Engine):
    site = Site(ZONE, hours={"mon": [{"start": "09:00", "end": "17:00"}]})
    sunday = site.begins(site.day(parse("2026-01-04T12:00Z"))) + 12 * HOUR
    set_up(engine, {"timezone": ZONE, "business_hours": site.hours})
    tell_leads(engine, [a_lead("ann", created_at=render(sunday), updated_at=render(sunday))], sunday)
    called = sunday + 21 * HOUR + 30 * MINUTE
    tell(engine, a_dial("c1", "ann", called), at=called + HOUR)

    row = asked(engine, "lead_response_time", since=0)["rows"][0]

    assert row["value"] == pytest.approx(21.5 * 3600)
    assert (row["detail"]["business_mean"], row["detail"]["business_median"]) == (1800, 1800)
