"""ContactBook: contacts other than calls, and the callbacks that leads were promised, as facts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from ..columns import Codes
from ..facts import BIT
from ..instants import NEVER
from .call_facts import Promised, promise_news
from .fact_book import OF_NOBODY, News, of_promises
from .lead_book import LeadBook

_CHANNELS = ("email", "sms", "chat", "form", "social")
"""Channels with a mark of their own; touches by others are touches."""


class ContactBook:
    """Touches are told as they come; of each lead's promises all are kept, to tell which stands."""

    def __init__(self, agents: Codes) -> None:
        self._agents = agents
        self._promises: dict[int, list[Promised]] = {}

    def add_touches(self, rows: Sequence[Row[Any]], leads: LeadBook) -> list[News]:
        """The facts of new touches."""
        return [self._touch(row, leads.row_of_key(row.lead)) for row in rows if leads.knows(row.lead)]

    def add_callbacks(self, rows: Sequence[Row[Any]], leads: LeadBook) -> tuple[list[News], set[int]]:
        """The facts of new promises, and the units whose facts are all told anew."""
        told: dict[int, list[Promised]] = {}
        for row in rows:
            if leads.knows(row.lead):
                at, agent = NEVER if row.cancelled else row.at, self._agents.of(row.agent)
                promise = Promised(row.event_at, row.seq, row.known_at, at, agent)
                told.setdefault(leads.row_of_key(row.lead), []).append(promise)
        news: list[News] = []
        rewritten: set[int] = set()
        for lead, promises in told.items():
            before = promise_news(lead, self._promises.get(lead, ()))
            after = promise_news(lead, self._promises.setdefault(lead, []) + promises)
            self._promises[lead] += promises
            kept = since(before, after)
            if kept < len(before):
                rewritten.add(of_promises(lead))
            news += after[kept:]
        return news, rewritten

    def _touch(self, row: Row[Any], lead: int) -> News:
        bits = touch_bits(row.direction, row.channel)
        seen = max(row.known_at, row.at)
        agent = self._agents.of(row.agent)
        return News(row.known_at, row.seq, OF_NOBODY, lead, agent, row.at, seen, bits)


def touch_bits(direction: str, channel: str) -> int:
    """The marks of a touch."""
    return BIT["touches"] | BIT[direction] | (BIT[channel] if channel in _CHANNELS else 0)


def since(before: Sequence[News], after: Sequence[News]) -> int:
    """From which fact on `after` is news; 0 where it says something else of what `before` has told."""
    return len(before) if list(after[: len(before)]) == list(before) else 0
