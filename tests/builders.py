"""Builders: small pasts in a line, so that a test shows only what it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, Unpack, cast

import numpy as np

from features import CallLog, LeadTable, Moments, Outcome, Past
from features.calls import COLUMNS
from features.instants import DAY, MINUTE, NEVER, parse
from features.leads import FIELDS, AttributeHistory, Coded

MONDAY = parse("2026-01-05T00:00:00Z")
"""A Monday, midnight in UTC: where a test's time starts unless it says otherwise."""

SALE, REFUSAL, NO_ANSWER = Outcome.CONVERTED, Outcome.CONTACT_REFUSED, Outcome.NO_ANSWER


class CallFacts(TypedDict, total=False):
    """What a test may say of a call; the rest follows from it."""

    campaign: int
    started_at: int
    known_at: int
    disposed_at: int
    disposed_known_at: int
    outcome: int
    disposition: int
    answered: bool
    converted: bool
    value: float
    talk_s: float
    handle_s: float


@dataclass(frozen=True)
class Call:
    """One row of a CallLog."""

    lead: int
    agent: int
    ended_at: int
    facts: CallFacts

    def row(self) -> dict[str, float]:
        """All columns: known when it ended, disposed at once if a human answered, a minute long."""
        said = cast("dict[str, float]", self.facts)
        answered = said.get("answered", said.get("converted", False) or "disposition" in said)
        converted = said.get("converted", said.get("disposition") == SALE)
        disposed_at = said.get("disposed_at", self.ended_at if answered else NEVER)
        disposition = said.get("disposition", -1 if disposed_at == NEVER else SALE if converted else REFUSAL)
        return {
            "lead": self.lead, "agent": self.agent, "campaign": 0, "ended_at": self.ended_at,
            "started_at": self.ended_at - MINUTE, "known_at": self.ended_at,
            "disposed_at": disposed_at, "disposed_known_at": disposed_at,
            "outcome": disposition if answered and disposition >= 0 else NO_ANSWER,
            "disposition": disposition, "answered": answered, "converted": converted,
            "value": 100.0 if converted else 0.0, "talk_s": 40.0 if answered else 0.0, "handle_s": 60.0,
        } | said  # fmt: skip


def a_call(lead: int = 0, agent: int = 0, ended_at: int = MONDAY, **facts: Unpack[CallFacts]) -> Call:
    """A call that nobody answered; `answered`, `converted` or `disposition` make it a conversation."""
    return Call(lead, agent, ended_at, facts)


def a_log(*calls: Call | tuple[int, int, int, bool, bool]) -> CallLog:
    """A log of calls in any order; a tuple is (lead, agent, ended_at, answered, converted)."""
    rows = [
        (call if isinstance(call, Call) else a_call(*call[:3], answered=call[3], converted=call[4])).row()
        for call in calls
    ]
    rows.sort(key=lambda row: row["ended_at"])
    return CallLog(**{name: np.array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()})


@dataclass(frozen=True)
class Lead:
    """One row of a LeadTable; attributes as (known_at, value) pairs."""

    created_at: int = MONDAY - DAY
    value: float = 100.0
    words: Mapping[str, str | None] = field(default_factory=dict)
    attributes: Mapping[str, Sequence[tuple[int, float | str]]] = field(default_factory=dict)


def a_lead(
    created_at: int = MONDAY - DAY,
    value: float = 100.0,
    attributes: Mapping[str, Sequence[tuple[int, float | str]]] | None = None,
    **words: str | None,
) -> Lead:
    """A lead of one campaign, received on the Sunday; `words` are the coded `FIELDS`."""
    return Lead(created_at, value, {"campaign": "spring", "channel": "web_form"} | words, attributes or {})


def a_lead_table(*leads: Lead, names: Sequence[str] = ()) -> LeadTable:
    """A table of these leads; `names` adds attributes of which no lead has a value."""
    coded = {name: Coded.of([lead.words.get(name) for lead in leads]) for name in FIELDS}
    known = sorted({name for lead in leads for name in lead.attributes} | set(names))
    return LeadTable(
        tuple(f"lead-{number:05d}" for number in range(len(leads))),
        np.array([lead.created_at for lead in leads], np.int64),
        np.array([lead.value for lead in leads], np.float64),
        coded,
        {name: _history(leads, name) for name in known},
    )


def _history(leads: Sequence[Lead], name: str) -> AttributeHistory:
    told = [(row, *pair) for row, lead in enumerate(leads) for pair in lead.attributes.get(name, ())]
    return AttributeHistory.of(
        len(leads), [row for row, _, _ in told], [since for _, since, _ in told], [v for _, _, v in told]
    )


def a_past(*calls: Call | tuple[int, int, int, bool, bool], leads: LeadTable | int | None = None) -> Past:
    """The past of these calls, among so many plain leads (as many as the calls name, if unsaid)."""
    log = a_log(*calls)
    if leads is None:
        leads = int(log.lead.max(initial=-1)) + 1
    return Past(log, a_lead_table(*[a_lead()] * leads) if isinstance(leads, int) else leads)


def moments(*asked: tuple[int, int, int]) -> Moments:
    """Moments from (lead, agent, at) triples."""
    lead, agent, at = np.array(asked, np.int64).reshape(-1, 3).T.copy()
    return Moments(lead, agent, at)
