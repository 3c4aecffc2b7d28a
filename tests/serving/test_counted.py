"""Questions answered from closed days and open ones: what they say is what the calls say, to the last bit."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from features.attempts import LeftOut
from features.instants import DAY, HOUR, MINUTE, render
from features.store.engine import reading, transaction
from features.store.reads import Stretch
from features.store.tables import call
from features.store.writes import accept_leads
from serving.accounts import Question, ask
from serving.bearing import read_calls
from serving.counted import read_counted
from serving.kpi.kept import Joined, Kept
from serving.kpi.measures import MEASURES, OF_AGENTS, OF_LEADS
from serving.kpi.report import KpiReport, of_attempts
from tests.features.store.tellings import a_lead, an_event
from tests.serving.desks import a_dial
from tests.serving.kpi.test_dimensions_against_sql import DIMENSIONS
from tests.serving.test_closing import (
    BEGIN,
    DAYS,
    LATER,
    Floor,
    calls,
    closes,
    dispositions,
    leads,
    outcomes,
    sales,
    starts,
)  # fmt: skip

OF_ATTEMPTS = [measure for measure in MEASURES if measure.per not in OF_AGENTS | OF_LEADS]
GROUPS = [(), *((by,) for by in DIMENSIONS), ("channel", "source", "script", "team", "shift", "weekday")]

agents = st.integers(0, 2).map(lambda i: f"a{i}")
words = st.sampled_from([None, "one", "two"])
dials = st.builds(
    lambda call_id, lead, start, outcome, agent, word, talk: a_dial(
        call_id, lead, start, outcome, human_answered=outcome != "no_answer", talk_s=talk, hold_s=2.5,
        wrap_s=10.1, agent_id=agent, script=word, shift=word,
    ),
    calls, leads, starts, outcomes, agents, words, st.sampled_from([None, 3.3, 30.7, 71.9]),
)  # fmt: skip
moves = st.builds(
    lambda agent, team: an_event("agent.upserted", agent_id=agent, team=team, skills=[]),
    agents, st.sampled_from(["red", "blue"]),
)  # fmt: skip
erasures = st.builds(lambda lead: an_event("lead.erased", lead_id=lead), leads)
renamed = st.tuples(leads, st.sampled_from(["web_form", "partner"]), words)


Reports = dict[tuple[str, tuple[str, ...]], KpiReport]


def answers(engine: Engine, since: int, until: int, at: int) -> Reports:
    with reading(engine) as connection:
        counted = read_counted(connection, Stretch(since, until, at, "spring"))
        return {
            (measure.kpi, by): of_attempts(counted, at, LeftOut(), measure, by)
            for measure in OF_ATTEMPTS
            for by in GROUPS
        }


def from_calls(engine: Engine, since: int, until: int, at: int) -> Reports:
    with reading(engine) as connection:
        ledger = read_calls(connection, Stretch(since, until, at, "spring")).ledger()
    return {
        (measure.kpi, by): of_attempts(ledger, at, LeftOut(), measure, by)
        for measure in OF_ATTEMPTS
        for by in GROUPS
    }


def kept(engine: Engine, since: int, until: int, at: int) -> list[int]:
    """The days that aren't asked of the calls."""
    with reading(engine) as connection:
        counted = read_counted(connection, Stretch(since, until, at, "spring"))
    assert isinstance(counted, Joined)
    return [day for part in counted.parts if isinstance(part, Kept) for day in part.sizes]


@given(
    told=st.lists(
        st.one_of(dials, dials, dispositions, sales, moves, erasures, renamed, closes), max_size=20
    ),
    since=st.sampled_from([0, BEGIN + DAY, BEGIN + DAY + 7 * HOUR]),
    until=st.sampled_from([BEGIN + 4 * DAY - 9 * MINUTE, BEGIN + 5 * DAY, LATER]),
    ripe=st.integers(0, 12),
)
@settings(deadline=None, max_examples=25)
def test_closed_and_open_days_together_say_what_the_calls_say(
    fresh: Callable[[], Engine], told: list[object], since: int, until: int, ripe: int
):
    """Late, corrected, moved, cancelled, erased; leads of another source, agents of another team."""
    floor = Floor(fresh()).set_up(
        horizon_days=60, shifts=[{"name": "early", "start": "00:00", "end": "09:00"}]
    )
    for one in [BEGIN + 2 * DAY, *told]:
        if isinstance(one, int):
            floor.close(one)
        elif isinstance(one, tuple):
            renew(floor, *one)
        else:
            assert isinstance(one, dict)
            floor.tell(one)
    at = floor.at + HOUR + ripe * DAY // 2

    assert answers(floor.engine, since, until, at) == from_calls(floor.engine, since, until, at)


def renew(floor: Floor, lead: str, channel: str, source: str | None) -> None:
    """Tell of a lead anew, from another channel or source."""
    floor.at += MINUTE
    received = {"created_at": render(BEGIN - DAY), "updated_at": render(floor.at)}
    said = {} if source is None else {"source": source}
    with transaction(floor.engine) as connection:
        accept_leads(connection, [a_lead(lead, channel=channel, value=50, **received, **said)], floor.at)


FIRST = BEGIN // DAY
CLOSED = list(range(FIRST, FIRST + DAYS - 1))


def a_floor(engine: Engine) -> Floor:
    """A call a day; all days but the last are closed."""
    floor = Floor(engine).set_up()
    for day in range(DAYS):
        told = {"agent_id": f"a{day % 2}", "human_answered": True, "talk_s": 30}
        outcome = "converted" if day < DAYS - 1 else "no_answer"
        floor.tell(a_dial(f"c{day}", f"l{day % 2}", BEGIN + day * DAY + HOUR, outcome, **told))
    floor.close(BEGIN + (DAYS - 1) * DAY)
    return floor


def test_closed_days_are_answered_without_their_calls(engine: Engine):
    floor = a_floor(engine)
    told = answers(engine, 0, LATER, floor.at + HOUR)
    question = Question("call_conversion_rate", 0, LATER, floor.at + HOUR, "spring", ("channel",))
    with reading(engine) as connection:
        asked = ask(connection, question)
    with transaction(engine) as connection:
        connection.execute(delete(call).where(call.c.started_at < BEGIN + (DAYS - 1) * DAY))

    assert kept(engine, 0, LATER, floor.at + HOUR) == CLOSED
    assert answers(engine, 0, LATER, floor.at + HOUR) == told
    with reading(engine) as connection:
        assert ask(connection, question) == asked


def test_of_a_stretch_whole_days_alone_are_taken_as_closed(engine: Engine):
    at = a_floor(engine).at + HOUR

    third_ends = BEGIN + 3 * DAY - HOUR  # it has 23 hours
    assert kept(engine, BEGIN + HOUR, third_ends, at) == CLOSED[1:3]
    assert kept(engine, BEGIN, third_ends - 1, at) == CLOSED[:2]


def test_news_takes_out_the_days_it_bears_on_until_they_are_closed_again(engine: Engine):
    floor = a_floor(engine)

    floor.tell(a_dial("late", "l1", BEGIN + 2 * DAY + 2 * HOUR))
    after = kept(engine, 0, LATER, floor.at + HOUR)
    floor.close(BEGIN + (DAYS - 1) * DAY)

    assert after == [*CLOSED[:2], *CLOSED[3:]]
    assert kept(engine, 0, LATER, floor.at + HOUR) == CLOSED


def test_a_lead_of_another_source_or_erased_takes_out_the_days_of_its_calls(engine: Engine):
    floor = a_floor(engine)

    renew(floor, "l0", "partner", None)
    renamed = kept(engine, 0, LATER, floor.at + HOUR)
    floor.tell(an_event("lead.erased", lead_id="l1"))

    assert renamed == CLOSED[1::2]
    assert kept(engine, 0, LATER, floor.at + HOUR) == []


def test_an_agent_of_another_team_takes_no_day_out(engine: Engine):
    floor = a_floor(engine)

    floor.tell(an_event("agent.upserted", agent_id="a1", team="red", skills=[]))

    at = floor.at + HOUR
    assert kept(engine, 0, LATER, at) == CLOSED
    assert answers(engine, 0, LATER, at) == from_calls(engine, 0, LATER, at)


def test_what_was_known_earlier_is_asked_of_the_calls(engine: Engine):
    floor = a_floor(engine)

    assert kept(engine, 0, LATER, floor.at - HOUR) == []


def test_days_closed_under_other_shifts_are_asked_of_the_calls(engine: Engine):
    floor = a_floor(engine)
    floor.set_up(shifts=[{"name": "early", "start": "00:00", "end": "09:00"}])

    assert kept(engine, 0, LATER, floor.at + HOUR) == []
