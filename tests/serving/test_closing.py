"""Days that are over: what later closes draw up anew is what a close from nothing would draw up."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from features.instants import DAY, HOUR, MINUTE, parse, render
from features.store.campaigns import write_campaign
from features.store.engine import reading, transaction
from features.store.kpi_days import read_close, read_column, read_days
from features.store.reads import Stretch
from features.store.tables import kpi_close, kpi_column, kpi_day
from serving.accounts import Question, ask, attribution_of
from serving.closing import close, closed, is_due
from serving.kpi.kept import COLUMNS
from serving.trials import account_of
from tests.features.store.tellings import a_disposition, a_lead, an_event
from tests.serving.desks import a_dial, a_stop, tell, tell_leads

ZONE = "America/New_York"
BEGIN = parse("2026-03-06T05:00Z")
"""Midnight in New York, two days before a day of 23 hours."""
DAYS = 6
LATER = BEGIN + 60 * DAY


@dataclass
class Floor:
    """A campaign's store; what is told gets names of its own."""

    engine: Engine
    at: int = LATER
    told: int = field(default=0)

    def set_up(self, leads: int = 4, **more: object) -> "Floor":
        with transaction(self.engine) as connection:
            write_campaign(connection, "spring", {"goal": "sale", "timezone": ZONE, **more}, BEGIN)
        received = {"created_at": render(BEGIN - DAY), "updated_at": render(BEGIN - DAY)}
        tell_leads(self.engine, [a_lead(f"l{i}", value=50, **received) for i in range(leads)], BEGIN)
        return self

    def tell(self, event: dict[str, object]) -> None:
        """Tell an event under a name of its own, after all before it."""
        self.told += 1
        self.at += MINUTE
        tell(self.engine, event | {"id": f"e{self.told}", "time": render(self.at)}, at=self.at + MINUTE)

    def close(self, until: int = LATER) -> list[int]:
        return list(close(self.engine, "spring", until))

    def kept(self) -> tuple[dict[int, object], dict[str, dict[int, bytes]]]:
        """The sums of the days on which something was, and the columns of their attempts."""
        with reading(self.engine) as connection:
            found = read_days(connection, "spring").items()
            columns = {name: read_column(connection, "spring", name, 0, LATER // DAY) for name in COLUMNS}
            return {day: sums for day, (_, sums) in found if sums["day"]}, columns

    def drawn_up_anew(self) -> tuple[dict[int, object], dict[str, dict[int, bytes]]]:
        """What a close from nothing keeps."""
        with transaction(self.engine) as connection:
            for table in (kpi_day, kpi_column, kpi_close):
                connection.execute(delete(table))
        self.close()
        return self.kept()


leads = st.integers(0, 3).map(lambda i: f"l{i}")
calls = st.integers(0, 5).map(lambda i: f"c{i}")
starts = st.integers(0, DAYS * 24 * 2 - 1).map(lambda half: BEGIN + half * HOUR // 2)
outcomes = st.sampled_from(["no_answer", "contact_refused", "converted"])
dials = st.builds(
    lambda call_id, lead, start, outcome: a_dial(
        call_id, lead, start, outcome, human_answered=outcome != "no_answer", talk_s=30, wrap_s=10
    ),
    calls, leads, starts, outcomes,
)  # fmt: skip
dispositions = st.builds(
    lambda call_id, said: a_disposition(call_id, said, converted=said == "converted"),
    calls, st.sampled_from(["contact_refused", "converted", "do_not_call"]),
)  # fmt: skip
sales = st.builds(
    lambda kind, lead, at: an_event(kind, "", at, lead_id=lead, goal="sale", value=20.0, at=render(at)),
    st.sampled_from(["conversion.recorded", "conversion.cancelled"]), leads, starts,
)  # fmt: skip
closes = st.sampled_from([BEGIN + day * DAY + HOUR for day in range(1, DAYS + 1)])


@given(
    told=st.lists(st.one_of(dials, dials, dispositions, sales, closes), max_size=24),
    confirmation=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_a_close_that_follows_the_news_keeps_what_one_from_nothing_would(
    fresh: Callable[[], Engine], told: list[object], confirmation: bool
):
    """Late, corrected, moved, repeated, cancelled; over midnight, a day of 23 hours, a horizon of 2 days."""
    floor = Floor(fresh()).set_up(confirmation=confirmation, horizon_days=2)
    for one in told:
        if isinstance(one, int):
            floor.close(one)
        else:
            assert isinstance(one, dict)
            floor.tell(one)

    floor.close()

    kept = floor.kept()
    assert kept == floor.drawn_up_anew()


def test_a_second_close_has_nothing_to_do(engine: Engine):
    floor = Floor(engine).set_up()
    floor.tell(a_dial("c1", "l1", BEGIN + HOUR))

    first, second = floor.close(BEGIN + 3 * DAY), floor.close(BEGIN + 3 * DAY)

    assert (len(first), second) == (3, [])


def test_a_late_call_touches_its_own_day_alone(engine: Engine):
    floor = Floor(engine).set_up()
    for day in range(4):
        floor.tell(a_dial(f"c{day}", "l1", BEGIN + day * DAY + HOUR))
    floor.close(BEGIN + 4 * DAY)

    floor.tell(a_dial("late", "l1", BEGIN + DAY + 2 * HOUR))

    site_day = BEGIN // DAY
    assert floor.close(BEGIN + 4 * DAY) == [site_day + 1]


def test_a_cancellation_touches_the_day_that_sold(engine: Engine):
    floor = Floor(engine).set_up()
    for day, outcome in enumerate(["no_answer", "converted", "no_answer"]):
        floor.tell(a_dial(f"c{day}", "l1", BEGIN + day * DAY + HOUR, outcome))
    floor.close(BEGIN + 3 * DAY)

    at = BEGIN + 2 * DAY
    floor.tell(an_event("conversion.cancelled", "", at, lead_id="l1", goal="sale", value=0.0, at=render(at)))

    assert floor.close(BEGIN + 3 * DAY) == [BEGIN // DAY + 1]


def test_a_close_that_was_stopped_goes_on_where_it_was(engine: Engine):
    floor = Floor(engine).set_up()
    for day in (0, 3):
        floor.tell(a_dial(f"c{day}", "l1", BEGIN + day * DAY + HOUR))

    class Stopped(Exception):
        pass

    def stop(done: int, of: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        close(engine, "spring", BEGIN + 4 * DAY, stop, at_once=0)
    with reading(engine) as connection:
        found = read_close(connection, "spring")

    assert found is not None
    assert len(found.pending) == 3
    assert floor.close(BEGIN + 4 * DAY) == sorted(found.pending)


def test_another_clock_draws_up_all_days_anew(engine: Engine):
    floor = Floor(engine).set_up()
    floor.tell(a_dial("c1", "l1", BEGIN + HOUR))
    floor.close()
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale", "timezone": "UTC"}, BEGIN)

    floor.close()

    assert floor.kept() == floor.drawn_up_anew()


def test_the_sums_of_days_tell_what_the_kpis_and_the_lift_tell(engine: Engine):
    floor = Floor(engine).set_up(8)
    for i in range(8):
        outcome = "converted" if i % 3 == 0 else "contact_refused"
        floor.tell(
            a_dial(f"c{i}", f"l{i}", BEGIN + i * 7 * HOUR, outcome, human_answered=True, talk_s=60, wrap_s=30)
        )
    floor.tell(a_stop("dnc.added", BEGIN + DAY, lead_id="l2"))
    floor.close()
    ever = Stretch(0, LATER, floor.at + HOUR, "spring")

    with reading(engine) as connection:
        cells = closed(connection, "spring").cells
        for kpi, of, per in (
            ("call_conversion_rate", "net", "attempts"),
            ("average_call_duration", "call_s", "attempts"),
            ("conversions_per_agent_hour", "net", "agent_hours"),
        ):
            (row,) = ask(connection, Question(kpi, 0, LATER, ever.at, "spring")).rows
            scale = 100 if row.value and kpi.endswith("rate") else 1
            assert row.value == pytest.approx(scale * cells.total(of) / cells.total(per)), kpi
        assert attribution_of(connection, ever, cells) == account_of(connection, ever).arms


def test_a_day_is_due_once_it_is_over_where_the_floor_is(engine: Engine):
    floor = Floor(engine).set_up()
    with reading(engine) as connection:
        assert not is_due(connection, "spring", LATER)
    floor.tell(a_dial("c1", "l1", BEGIN + HOUR))

    with reading(engine) as connection:
        assert [is_due(connection, "spring", BEGIN + DAY + offset) for offset in (-1, 0)] == [False, True]
    floor.close(BEGIN + DAY)

    with reading(engine) as connection:
        assert not is_due(connection, "spring", BEGIN + DAY)
