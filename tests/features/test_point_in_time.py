"""The moment's rule, over every line of the catalogue: only facts known strictly before a moment count."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Feature, Moments, Past, compute, for_leads
from features.catalogue import standing
from features.instants import DAY, HOUR, MINUTE, NEVER
from features.statistics.rate import Rate
from features.statistics.recency import Recency
from features.statistics.window import Count
from tests.builders import MONDAY, Call, CallFacts, Lead, a_call, a_lead, a_lead_table, a_past, moments
from tests.strategies import (
    WORDS,
    Story,
    Verdict,
    asked,
    calls,
    dispositions,
    everyone,
    instants,
    leads,
    redisposed,
    stories,
)

LINES = for_leads(
    a_lead_table(
        *[
            a_lead(
                attributes={"income": [(0, 1.0)], "colour": [(0, word)]},
                source=word, list=word, region=word, channel=word,
            )
            for word in WORDS
        ]
    )
)  # fmt: skip
"""Every standing line, and those of fields and attributes."""

UNTOLD = {"touches", "inbound", "email", "sms", "chat", "form", "promised", "sentiment"}
"""Marks of facts that no log of calls tells."""

PAST_LINES = [
    line
    for line in standing()
    if isinstance(line, Count | Rate | Recency)
    and not {line.of, getattr(line, "per", "")} & (UNTOLD | {"scored"})
    and not {"line", "script"} & set(line.by.split("×"))
]


def differing(one: Past, other: Past, at: Moments, lines: Iterable[Feature] = LINES) -> list[str]:
    """The names of the lines whose columns differ in any bit."""
    ours, theirs = compute(one, at, tuple(lines)), compute(other, at, tuple(lines))
    return [
        name
        for place, name in enumerate(ours.names)
        if ours.values[:, place].tobytes() != theirs.values[:, place].tobytes()
    ]


def call_is_known(call: Call, at: int) -> bool:
    row = call.row()
    return row["ended_at"] < at and row["known_at"] < at


def disposition_is_known(call: Call, at: int) -> bool:
    row = call.row()
    return call_is_known(call, at) and row["disposed_at"] < at and row["disposed_known_at"] < at


def unseen_verdict(call: Call, verdict: Verdict | None, at: int) -> Call:
    """The call with another disposition that is unknown at `at`, or with none."""
    other = redisposed(call, verdict)
    return redisposed(call, None) if disposition_is_known(other, at) else other


def unseen_call(call: Call, at: int) -> Call:
    """The call, moved behind `at` if it would be known there."""
    return replace(call, ended_at=max(call.ended_at, at)) if call_is_known(call, at) else call


@st.composite
def retold(draw: st.DrawFn, story: Story, at: int) -> Story:
    """Another story that tells the same of all that was known before `at`, and anything else of the rest."""
    told = []
    for call in story.calls:
        if disposition_is_known(call, at):
            told.append(call)
        elif call_is_known(call, at):
            told.append(unseen_verdict(call, draw(dispositions()), at))
    newcomers = draw(st.lists(leads, max_size=2))
    everybody = len(story.leads) + len(newcomers)
    for call in draw(st.lists(calls(leads=everybody, agents=6), max_size=6)):
        told.insert(draw(st.integers(0, len(told))), unseen_call(call, at))
    return Story(told, [draw(reattributed(lead, at)) for lead in story.leads] + newcomers)


@st.composite
def reattributed(draw: st.DrawFn, lead: Lead, at: int) -> Lead:
    """The lead with other values wherever they became known at or after `at`."""
    other = draw(leads)
    return replace(
        lead,
        attributes={
            name: [(since, value) for since, value in lead.attributes[name] if since < at]
            + [(max(since, at), value) for since, value in other.attributes[name]]
            for name in lead.attributes
        },
    )


@settings(deadline=None, max_examples=80)
@given(story=stories(), at=instants, choice=st.data())
def test_the_future_is_invisible(story: Story, at: int, choice: st.DataObject):
    """Calls, dispositions and attributes unknown at a moment may be added, changed or removed."""
    other = choice.draw(retold(story, at))

    seen = differing(story.past(), other.past(), everyone(at))

    assert seen == []


@settings(deadline=None, max_examples=60)
@given(story=stories(), at=instants, later=st.sampled_from([1, HOUR, 400 * DAY]))
def test_a_future_that_comes_later_is_as_invisible(story: Story, at: int, later: int):
    shifted = Past(pushed_back(story.past().log, at, later), story.past().leads)

    seen = differing(story.past(), shifted, everyone(at))

    assert seen == []


def pushed_back(log: CallLog, at: int, by: int) -> CallLog:
    """The log with every instant at or after `at` so much later."""

    def pushed(when: np.ndarray) -> np.ndarray:
        return np.where((when >= at) & (when < NEVER), when + by, when)

    whens = ("ended_at", "known_at", "disposed_at", "disposed_known_at")
    later = replace(log, **{name: pushed(getattr(log, name)) for name in whens})
    return later.take(np.argsort(later.ended_at, kind="stable"))


@settings(deadline=None, max_examples=60)
@given(story=stories(), late=calls(), wait=st.integers(1, 40 * DAY), choice=st.data())
def test_what_is_told_late_is_invisible_until_told_and_then_as_if_told_at_once(
    story: Story, late: Call, wait: int, choice: st.DataObject
):
    late = redisposed(late, Verdict(0, wait, 9, 100.0))
    told_at = late.ended_at + wait
    late = replace(late, facts=late.facts | CallFacts(known_at=told_at))
    at_once = replace(
        late, facts=late.facts | CallFacts(known_at=late.ended_at, disposed_known_at=late.ended_at)
    )
    place = choice.draw(st.integers(0, len(story.calls)))
    without, with_late, with_prompt = (
        Story([*story.calls[:place], *added, *story.calls[place:]], story.leads).past()
        for added in ([], [late], [at_once])
    )

    before = differing(without, with_late, everyone(told_at))
    after = differing(with_late, with_prompt, everyone(told_at + 1))

    assert before == []
    assert after == []


@settings(deadline=None, max_examples=60)
@given(story=stories(), questions=asked, choice=st.data())
def test_logs_joined_from_any_two_parts_give_the_same_columns(
    story: Story, questions: list[tuple[int, int, int]], choice: st.DataObject
):
    past = story.past()
    cut = choice.draw(st.integers(0, len(past.log)))
    rows = np.arange(len(past.log))
    joined = past.log.take(rows[:cut]).joined(past.log.take(rows[cut:]))

    seen = differing(past, Past(joined, past.leads), moments(*questions))

    assert seen == []


@settings(deadline=None, max_examples=60)
@given(story=stories(), questions=asked, choice=st.data())
def test_logs_joined_out_of_order_answer_alike(
    story: Story, questions: list[tuple[int, int, int]], choice: st.DataObject
):
    """Ties may then change places, so the last bit of a sum may."""
    past = story.past()
    late = np.array(
        choice.draw(st.lists(st.booleans(), min_size=len(past.log), max_size=len(past.log))), bool
    )
    joined = past.log.take(~late).joined(past.log.take(late))

    ours = compute(past, moments(*questions), LINES).values
    theirs = compute(Past(joined, past.leads), moments(*questions), LINES).values

    assert np.all(np.diff(joined.ended_at) >= 0)
    np.testing.assert_allclose(theirs, ours, rtol=1e-6)


OUTCOME = {
    "machine": 2,
    "busy": 1,
    "disconnected": 3,
    "abandoned": 5,
    "contact_no_decision": 7,
    "callback": 8,
    "converted": 9,
}


def a_call_that_tells(line: Count | Rate | Recency) -> Call:
    """A call that bears the line's mark, half an hour before Monday, known at midnight."""
    code = OUTCOME.get(line.of, 6)
    return a_call(
        ended_at=MONDAY - 30 * MINUTE, known_at=MONDAY, disposed_known_at=MONDAY,
        disposed_at=MONDAY - 30 * MINUTE, outcome=code, disposition=code, converted=code == 9,
        answered=line.of not in OUTCOME or code >= 6,
    )  # fmt: skip


@pytest.mark.parametrize("line", PAST_LINES, ids=lambda line: line.name)
def test_a_call_counts_from_right_after_it_became_known(line: Count | Rate | Recency):
    """So the tests above can't hold for want of anything to see; in India it is the same hour at both."""
    table = a_lead_table(a_lead(source="red", list="red", region="red", zone="Asia/Kolkata"))
    empty, told = a_past(leads=table), a_past(a_call_that_tells(line), leads=table)

    at_midnight = differing(empty, told, moments((0, 0, MONDAY)), [line])
    after = differing(empty, told, moments((0, 0, MONDAY + 1)), [line])

    assert at_midnight == []
    assert after == [line.name]


@pytest.mark.parametrize("line", PAST_LINES, ids=lambda line: line.name)
def test_a_call_that_ends_at_the_moment_is_not_yet_known(line: Count | Rate | Recency):
    table = a_lead_table(a_lead(source="red", list="red", region="red"))
    call = a_call_that_tells(line)
    now = replace(
        call,
        ended_at=MONDAY,
        facts=call.facts | CallFacts(known_at=MONDAY - 1, disposed_at=MONDAY, disposed_known_at=MONDAY - 1),
    )

    at_its_end = differing(a_past(leads=table), a_past(now, leads=table), moments((0, 0, MONDAY)), [line])
    after = differing(a_past(leads=table), a_past(now, leads=table), moments((0, 0, MONDAY + 1)), [line])

    assert at_its_end == []
    assert after == [line.name]


def test_an_attribute_is_unknown_at_the_instant_it_is_told():
    table = a_lead_table(a_lead(attributes={"income": [(MONDAY, 5.0)], "colour": [(MONDAY, "blue")]}))

    matrix = compute(
        Past(CallLog.empty(), table), moments((0, -1, MONDAY), (0, -1, MONDAY + 1)), for_leads(table)
    )

    told = {name: matrix.values[:, place].tolist() for place, name in enumerate(matrix.names)}
    assert np.isnan(told["attribute_income"][0])
    assert told["attribute_income"][1] == 5
    assert np.isnan(told["attribute_colour"][0])
    assert told["attribute_colour"][1] == 0
