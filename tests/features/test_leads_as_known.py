"""Leads' fields as they were known: what was said later of one changes nothing before."""

from dataclasses import replace

import numpy as np

from features import CallLog, Feature, Past, compute
from features.facts import BIT
from features.instants import DAY, HOUR
from features.leads import AttributeHistory
from features.statistics.attribute import Age, Category, Worth
from features.statistics.calendar import Calendar
from features.statistics.delay import Delay
from features.statistics.window import Count
from tests.builders import MONDAY, a_lead, a_lead_table, moments
from tests.strategies import facts_of

TOLD = MONDAY + HOUR
"""When it was said that the lead is another: worth 50, from an expo, received an hour later."""

CALLS = Count("source_calls", by="source", within=DAY, of="calls")


def changed_lead() -> Past:
    table = a_lead_table(a_lead(created_at=MONDAY - DAY + HOUR, value=50.0, source="expo"))
    source = table.coded["source"]
    levels = (*source.levels, "web")
    words = AttributeHistory(
        np.array([0, 2]), np.array([0, TOLD]), np.full(2, np.nan), np.array([1, 0]), levels
    )
    changes = {
        "source": words,
        "value": AttributeHistory.of(1, [0, 0], [0, TOLD], [100.0, 50.0]),
        "created_at": AttributeHistory.of(1, [0, 0], [0, TOLD], [MONDAY - DAY, MONDAY - DAY + HOUR]),
    }
    coded = {**table.coded, "source": replace(source, levels=levels)}
    return Past(CallLog.empty(), replace(table, coded=coded, changes=changes))


def test_a_fact_that_is_taken_back_leaves_the_word_it_was_told_to():
    """A call was told while the lead's source was the web, and taken back when it was the expo."""
    fact = {
        "lead": 0, "agent": 0, "time": MONDAY, "seen": MONDAY, "bits": BIT["calls"], "sign": 1,
        "talk_s": 0.0, "sentiment": 0.0, "line": -1, "script": -1, "promise": -1,
    }  # fmt: skip
    back = fact | {"sign": -1, "seen": TOLD + HOUR, "first_seen": MONDAY}
    past = replace(changed_lead(), told=facts_of([fact, back]))

    codes = past.actors_of("source", past.facts)
    matrix = compute(past, moments((0, -1, MONDAY + 1), (0, -1, TOLD + 2 * HOUR)), [CALLS])

    assert codes.tolist() == [1, 1]
    assert matrix.values.tolist() == [[1], [0]]


def test_a_moment_sees_the_fields_as_they_were_known_strictly_before_it():
    lines: list[Feature] = [
        Worth("worth"), Age("age"), Category("source", "source", ("web", "expo")),
        Calendar("arrival", part="hour", when="arrival"), Delay("wait"),
    ]  # fmt: skip

    matrix = compute(changed_lead(), moments((0, -1, TOLD), (0, -1, TOLD + 1)), lines)

    np.testing.assert_allclose(matrix.values, [[100, 25, 0, 0, 25], [50, 24, 1, 1, 24]])
