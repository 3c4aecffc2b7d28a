"""Replay: what a moment sees of a store is, bit for bit, what one would say that was told no more by then."""

from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features import Feature, Moments, compute, for_leads
from features.instants import DAY, HOUR, MINUTE, NEVER, render
from features.statistics.rate import Load, Rate
from features.statistics.recency import Promise, Recency, Tenure
from features.statistics.window import Count, Share, Sum
from features.store.engine import reading, transaction
from features.store.lead_versions import ALWAYS, LeadVersion, Said, Steps, differ_since, of_field, steps_of
from features.store.ledger import Ledger
from features.store.writes import Known, accept_events, accept_leads
from tests.conftest import empty

from .tellings import CALL_ENDED, NOON, a_call, a_disposition, a_lead, a_phone, an_event

LEADS, AGENTS = ("ann", "bob", "cid"), ("joe", "sue")
LATER = NOON + 3 * DAY

MORE: tuple[Feature, ...] = (
    Count("line_calls", "line", DAY),
    Rate("line_sale_rate", "line", "converted", (0.1, 5), half_life=DAY),
    Share("script_sales", "script", DAY, "converted", (0.1, 5)),
    Count("channel_touches", "channel", DAY, "touches"),
    Rate("campaign_refusals", "campaign", "contact_refused", (0.1, 5), half_life=HOUR),
    Rate("country_answers", "country", "answered", (0.1, 5), half_life=7 * DAY),
    Rate("agent_zone", "agent×zone", "converted", (0.1, 5), per="told", half_life=DAY),
    Count("hour_calls", "hour", 7 * DAY),
    Sum("lead_value", "lead", 30 * DAY, "value"),
    Sum("agent_wrap", "agent", DAY, "wrap_s"),
    Load("source_email", "source", HOUR, "email"),
    Recency("lead_touch", "lead", "touches"),
    Tenure("agent_tenure", "agent"),
    Promise("lead_promise", "lead"),
    Count("lead_promises", "lead", DAY, "promised"),
    Rate("agent_sentiment", "agent", "sentiment", (0.5, 1), per="scored", half_life=DAY),
    Sum("lead_silence", "lead", DAY, "silence_s"),
)
"""Lines that ask what the catalogue doesn't: every word, mark and quantity of facts."""

quarters = st.integers(0, 8)
"""Quarters of an hour after the first call ended: few, so that everything coincides now and then."""


def after(quarter: int) -> int:
    return CALL_ENDED + quarter * 15 * MINUTE


times = st.builds(after, quarters)
people, agents = st.sampled_from(LEADS), st.sampled_from([*AGENTS, None])
call_ids = st.sampled_from(["c1", "c2", "c3", "c4"])
outcomes = st.sampled_from(["no_answer", "contact_refused", "contact_no_decision", "converted", "busy"])


def attempts(
    call_id: str, lead: str, agent: str | None, outcome: str, ended: int, caller: str | None, script: str
) -> dict[str, object]:
    return a_call(
        call_id, lead, agent_id=agent, outcome=outcome, human_answered=outcome not in ("no_answer", "busy"),
        started_at=render(ended - 2 * MINUTE), ended_at=render(ended), talk_s=ended % 7 + 0.3, wrap_s=12.7,
        caller_id=caller, script=script,
    )  # fmt: skip


kinds = st.one_of(
    st.builds(
        attempts, call_ids, people, agents, outcomes, times, st.sampled_from([None, a_phone("line")]),
        st.sampled_from(["a", "b"]),
    ),
    st.builds(a_disposition, call_ids, outcomes, value=st.sampled_from([None, 55])),
    st.builds(
        lambda lead, at: an_event("conversion.recorded", lead_id=lead, goal="sale", at=render(at), value=70),
        people, times,
    ),
    st.builds(
        lambda kind, lead, at, agent: an_event(kind, lead_id=lead, at=render(at), agent_id=agent),
        st.sampled_from(["callback.scheduled", "callback.cancelled"]), people, times, agents,
    ),
    st.builds(
        lambda lead, channel, direction, at, agent: an_event(
            "touch.recorded", lead_id=lead, channel=channel, kind="note", direction=direction,
            at=render(at), agent_id=agent,
        ),
        people, st.sampled_from(["email", "letter"]), st.sampled_from(["inbound", "outbound"]), times, agents,
    ),
    st.builds(
        lambda call_id, mood: an_event("voice.scored", call_id=call_id, sentiment=mood, silence_s=3),
        call_ids, st.sampled_from([None, -0.5, 0.25]),
    ),
)  # fmt: skip
events = st.lists(
    st.builds(lambda body, at: body | {"time": render(at)}, kinds, times), min_size=1, max_size=6
)
leads = st.lists(
    st.builds(
        lambda name, at, source, campaign, zone, value: a_lead(
            name, updated_at=render(at), source=source, campaign=campaign, timezone=zone, value=value
        ),
        people, times, st.sampled_from(["web", None]), st.sampled_from(["spring", "autumn"]),
        st.sampled_from([None, "Asia/Kolkata"]), st.sampled_from([None, 10, 99.5]),
    ),
    min_size=1, max_size=2,
)  # fmt: skip
modes: st.SearchStrategy[Known] = st.sampled_from(["event", "received"])
steps = st.lists(st.one_of(st.just("follow"), st.tuples(modes, st.one_of(leads, events, events))), max_size=8)


@dataclass
class Story:
    """Tells a store batch after batch, a quarter of an hour apart, each event with an id of its own."""

    engine: Engine
    ledger: Ledger = field(default_factory=Ledger)
    at: int = CALL_ENDED
    told: int = 0

    def tell(self, known: Known, batch: list[dict[str, object]]) -> None:
        self.at += 15 * MINUTE
        with transaction(self.engine) as connection:
            if "specversion" in batch[0]:
                named = [body | {"id": f"e{self.told + number}"} for number, body in enumerate(batch)]
                accept_events(connection, named, self.at, known)
                self.told += len(batch)
            else:
                accept_leads(connection, batch, self.at, known)

    def follow(self) -> None:
        with reading(self.engine) as connection:
            self.ledger.follow(connection)

    def read(self, until: int = NEVER) -> Ledger:
        """A ledger that was told no more by an instant."""
        ledger = Ledger()
        with reading(self.engine) as connection:
            ledger.follow(connection, until)
        return ledger


def told_in(engine: Engine, steps: list[str | tuple[Known, list[dict[str, object]]]]) -> Story:
    """A store told step by step, its ledger and its tapes following where the steps say so."""
    empty(engine)
    story = Story(engine)
    story.tell("event", [a_lead(name, campaign="spring") for name in LEADS])
    for step in steps:
        if isinstance(step, tuple):
            story.tell(*step)
        else:
            story.follow()
            answers(story.ledger, LATER, MORE)
    story.follow()
    return story


UNHEARD_OF = 7


def answers(ledger: Ledger, at: int, features: tuple[Feature, ...]) -> dict[tuple[str, str, str], str]:
    """The features of every lead with every agent and with none, every bit of them."""
    codes = {agent: ledger.calls.agents.known(agent) for agent in AGENTS}
    codes = {"": -1} | {agent: code if code >= 0 else UNHEARD_OF for agent, code in codes.items()}
    asked = list(product(range(len(ledger.leads)), codes))
    moments = Moments(
        np.array([lead for lead, _ in asked], np.int64),
        np.array([codes[agent] for _, agent in asked], np.int64),
        np.full(len(asked), at),
    )
    values = compute(ledger.past(), moments, features).values.astype(float)
    return {
        (ledger.leads.ids[lead], agent, feature.name): values[row, column].hex()
        for row, (lead, agent) in enumerate(asked)
        for column, feature in enumerate(features)
    }


def differing(one: dict[tuple[str, str, str], str], other: dict[tuple[str, str, str], str]) -> list[object]:
    """What both say of the same, where they differ."""
    return [(key, one[key], other[key]) for key in one.keys() & other.keys() if one[key] != other[key]]


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, quarter=st.integers(0, 10), beside=st.sampled_from([0, 1]))
def test_a_moment_sees_what_a_store_knew_by_then(engine: Engine, steps, quarter: int, beside: int):
    story, at = told_in(engine, steps), after(quarter) + beside
    features = (*for_leads(story.ledger.past().leads), *MORE)

    then = story.read(until=at)

    assert differing(answers(story.ledger, at, features), answers(then, at, features)) == []


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_facts_followed_in_pieces_are_those_read_from_nothing(engine: Engine, steps):
    story = told_in(engine, steps)
    features = (*for_leads(story.ledger.past().leads), *MORE)

    afresh = story.read()

    assert differing(answers(story.ledger, LATER, features), answers(afresh, LATER, features)) == []


@pytest.fixture
def story(engine: Engine) -> Story:
    """A store of three leads and one call, followed."""
    story = told_in(engine, [("received", [a_call("c1", "ann"), a_call("c2", "bob", agent_id="sue")])])
    answers(story.ledger, LATER, MORE)
    return story


def tapes_after(story: Story, *batch: dict[str, object], known: Known = "received") -> bool:
    """Whether the tapes are still the same after another batch, which must change the past."""
    before = story.ledger.past()
    story.tell(known, list(batch))
    story.follow()
    return story.ledger.past().tapes is before.tapes and story.ledger.past() is not before


def a_sale(lead: str) -> dict[str, object]:
    return an_event("conversion.recorded", lead_id=lead, goal="sale", at=render(after(1)))


def test_tapes_go_on_while_news_comes_in_order(story: Story):
    corrected = a_call("c1", "ann", name="again", agent_id="sue") | {"time": render(after(1))}

    assert tapes_after(story, a_call("c3", "cid"), a_disposition("c1", "converted"))
    assert tapes_after(story, corrected, a_disposition("c1", "busy", name="other"))
    assert tapes_after(
        story, an_event("conversion.recorded", lead_id="bob", goal="sale", at=render(after(1)))
    )
    assert tapes_after(story, a_lead("ann", campaign="autumn", updated_at=render(after(9))))


def test_tapes_are_written_anew_when_an_import_tells_of_earlier(story: Story):
    earlier = a_disposition("c1", "converted") | {"time": render(CALL_ENDED - HOUR)}

    assert not tapes_after(story, earlier, known="event")
    assert not tapes_after(story, a_lead("ann", source="expo", updated_at=render(CALL_ENDED)), known="event")


def test_tapes_of_an_erased_lead_are_written_anew(story: Story):
    tapes_after(story, a_lead("ann", source="expo", updated_at=render(after(9))))

    assert not tapes_after(story, an_event("lead.erased", lead_id="ann"))
    assert story.ledger.past().leads.changes == {}


@pytest.mark.parametrize(
    "event",
    [
        an_event(
            "touch.recorded", lead_id="ann", channel="email", kind="note", direction="inbound",
            at=render(NOON),
        ),
        an_event("callback.scheduled", lead_id="ann", at=render(NOON)),
        an_event("voice.scored", call_id="c1", sentiment=0.5),
    ],
    ids=["touch", "callback", "voice"],
)  # fmt: skip
def test_leads_of_touches_callbacks_and_voice_scores_are_touched(story: Story, event: dict[str, object]):
    story.ledger.take_touched()

    story.tell("received", [event])
    story.follow()

    assert {story.ledger.leads.ids[row] for row in story.ledger.take_touched()} == {"ann"}


def test_a_corrected_call_was_what_it_was_until_it_was_corrected(story: Story):
    first = story.at
    story.tell("received", [a_call("c1", "ann", "again", agent_id="sue") | {"time": render(after(1))}])
    story.follow()

    told = story.ledger.past().facts
    agents = story.ledger.calls.agents
    mine = [
        (agents.word(told.agent[i]), int(told.sign[i]), int(told.seen[i]))
        for i in range(len(told))
        if story.ledger.leads.ids[told.lead[i]] == "ann"
    ]
    assert mine == [("joe", 1, first), ("joe", -1, story.at), ("joe", -1, story.at), ("sue", 1, story.at)]
    assert story.ledger.past().log.agent.tolist() == [agents.known("sue"), agents.known("sue")]


def test_an_older_promise_that_is_told_late_names_no_instant(story: Story):
    def promised(event_at: int, at: int) -> dict[str, object]:
        return an_event("callback.scheduled", f"p{at}", event_at, lead_id="ann", at=render(at))

    lines = Promise("left", "lead"), Count("promises", "lead", DAY, "promised")
    story.tell("received", [promised(after(3), after(20))])
    story.tell("received", [promised(after(1), after(40))])
    story.follow()

    seen = answers(story.ledger, after(12), lines)
    assert float.fromhex(seen["ann", "", "left"]) == 2
    assert float.fromhex(seen["ann", "", "promises"]) == 2


def test_what_was_said_of_a_lead_holds_until_it_is_said_anew(story: Story):
    first = story.at
    story.tell("received", [a_lead("ann", campaign="autumn", value=7, updated_at=render(after(9)))])
    story.follow()

    leads = story.ledger.past().leads
    ann, levels = np.zeros(2, np.int64), leads.coded["campaign"].levels
    at = np.array([first, story.at + 1])
    assert [levels[code] for code in leads.words("campaign", ann, at)] == ["spring", "autumn"]
    assert leads.values(ann, at).tolist()[1] == 7
    assert np.isnan(leads.values(ann, at)[0])
    assert set(leads.changes) == {"campaign", "value"}


SPRING: Said = (1.0, None)
AUTUMN: Said = (2.0, None)


def test_of_versions_known_the_one_updated_last_stands():
    told = [LeadVersion(10, 1, 10, SPRING), LeadVersion(30, 2, 30, SPRING), LeadVersion(20, 3, 20, AUTUMN)]

    assert steps_of(told) == [(ALWAYS, SPRING), (20, AUTUMN), (30, SPRING)]
    assert steps_of(told, until=21) == [(ALWAYS, SPRING), (20, AUTUMN)]
    assert steps_of(told, until=5) == [(ALWAYS, SPRING)]


def test_an_old_version_that_is_told_last_never_stands():
    told = [LeadVersion(20, 1, 100, SPRING), LeadVersion(10, 2, 200, AUTUMN)]

    assert steps_of(told) == [(ALWAYS, SPRING)]


def test_histories_differ_from_the_first_step_that_one_lacks():
    steps: Steps = [(ALWAYS, SPRING), (20, AUTUMN), (30, SPRING)]

    assert differ_since(steps, steps) == NEVER
    assert differ_since(steps[:1], steps) == 20
    assert differ_since(steps, [*steps[:1], (25, AUTUMN)]) == 20
    assert differ_since([(ALWAYS, AUTUMN)], steps) == ALWAYS


def test_only_a_field_that_changed_has_a_history():
    steps: Steps = [(ALWAYS, SPRING), (20, AUTUMN)]

    assert of_field(steps, 0) == [(ALWAYS, 1.0), (20, 2.0)]
    assert of_field(steps, 1) == []
