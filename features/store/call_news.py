"""What rows read since the last time add to the facts: most calls many at a time, the others one by one."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..kernel import Int64Array
from .call_book import CallBook, CallRows
from .call_facts import call_news, score_news
from .contact_book import since
from .fact_book import Batch, News, of_call, of_scores
from .lead_book import LeadBook
from .plain_calls import Calls, calls_disposed, calls_told

Histories = dict[int, list[News]]
"""By unit all its facts, oldest knowledge first."""


@dataclass
class Update:
    """What changes of the facts."""

    batches: list[Batch] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    rewritten: set[int] = field(default_factory=set)
    """Units whose facts are all told anew."""

    def tell(self, before: Histories, after: Histories) -> None:
        """Add what units tell now and didn't before; one that contradicts itself is told anew."""
        for unit, told in after.items():
            kept = since(before.get(unit, ()), told)
            if kept < len(before.get(unit, ())):
                self.rewritten.add(unit)
            self.news += told[kept:]


def take_over(calls: CallBook, rows: CallRows, leads: LeadBook) -> Update:
    """Let the calls take over rows; tell what that changes of the facts."""
    first, update = len(calls), Update()
    sold = {leads.row_of_key(row.lead) for row in rows.conversions if leads.knows(row.lead)}
    rare = _retold(calls, rows, leads, sold)
    scored = _scored(calls, rows)
    before, scores_before = _of_calls(calls, rare, sold), _of_scores(calls, scored)
    calls.add(rows, leads)
    new = {place for row in rows.versions if (place := calls.row(row.call_id)) is not None and place >= first}
    rare |= {place for place in new if not calls.is_plain(place) or _sells(calls, place, sold)}
    after = _of_calls(calls, rare, sold)
    update.tell(before, after)
    update.tell(scores_before, _of_scores(calls, scored | _scored(calls, rows)))
    told = {unit for unit in after if unit >= of_call(first)}
    update.batches += calls_told_since(calls, first, {unit // 3 for unit in told})
    update.batches += calls_disposed(_taken(calls, _newly_disposed(calls, rows, first, after)))
    return update


def calls_told_since(calls: CallBook, first: int, but: Collection[int]) -> list[Batch]:
    """The facts of the calls from a row on that were told once, except some."""
    plain = np.ones(len(calls) - first, np.bool_)
    plain[np.array([*but], np.int64) - first] = False
    taken = _taken(calls, first + np.flatnonzero(plain))
    return [*calls_told(taken), *calls_disposed(taken)]


def _newly_disposed(calls: CallBook, rows: CallRows, first: int, told: Collection[int]) -> Int64Array:
    """Old calls with their first disposition, told after the call."""
    places = {calls.row(row.call_id) for row in rows.dispositions}
    return np.array(
        sorted(p for p in places if p is not None and p < first and of_call(p) not in told), np.int64
    )


def _taken(calls: CallBook, places: Int64Array) -> Calls:
    """The columns of some calls."""
    columns: dict[str, NDArray[np.generic]] = {name: calls.columns[name][places] for name in _COLUMNS}
    return columns | {"place": places}


def _retold(calls: CallBook, rows: CallRows, leads: LeadBook, sold: Collection[int]) -> set[int]:
    """Old calls of which something was said that doesn't simply add to their facts."""
    found: set[int] = set()
    for row in rows.versions:
        if (place := calls.row(row.call_id)) is not None:
            found.add(place)
        if leads.knows(row.lead) and ((lead := leads.row_of_key(row.lead)) in calls.sales or lead in sold):
            found.update(calls.calls_of(lead))
    disposed: set[int] = set()
    for row in rows.dispositions:
        place = calls.row(row.call_id)
        if place is not None and (
            place in disposed
            or calls.is_disposed(place)
            or not calls.is_plain(place)
            or row.known_at <= calls.columns["known_at"][place]
            or _sells(calls, place, sold)
        ):
            found.add(place)
        if place is not None:
            disposed.add(place)
    return found.union(*(calls.calls_of(lead) for lead in sold))


def _sells(calls: CallBook, place: int, sold: Collection[int]) -> bool:
    """Whether a sale was recorded of one of the call's leads."""
    return any(lead in calls.sales or lead in sold for lead in calls.leads_of(place))


def _scored(calls: CallBook, rows: CallRows) -> set[int]:
    """Known calls of whose voice scores something was told."""
    scored = {calls.row(row.call_id) for row in rows.scores}
    scored |= {place for row in rows.versions if (place := calls.row(row.call_id)) in calls.scores}
    return {place for place in scored if place is not None}


def _of_calls(calls: CallBook, places: Iterable[int], sold: Collection[int]) -> Histories:
    found: Histories = {}
    for unit, leads in _linked(calls, places, sold):
        sales = {lead: calls.sales[lead] for lead in leads if lead in calls.sales}
        news = call_news([calls.told(place) for place in unit], sales)
        found |= {of_call(place): told for place, told in news.items()}
    return found


def _of_scores(calls: CallBook, places: Iterable[int]) -> Histories:
    return {
        of_scores(place): score_news(place, calls.versions(place), calls.scores.get(place, ()))
        for place in places
    }


def _linked(
    calls: CallBook, places: Iterable[int], sold: Collection[int]
) -> Iterator[tuple[set[int], set[int]]]:
    """These calls, each with all that its leads' sales may be credited to instead; and those leads."""
    left = set(places)
    while left:
        unit, leads, asked = set[int](), set[int](), [left.pop()]
        while asked:
            place = asked.pop()
            if place not in unit:
                unit.add(place)
                new = {lead for lead in calls.leads_of(place) if lead in calls.sales or lead in sold} - leads
                leads |= new
                asked += [call for lead in new for call in calls.calls_of(lead)]
        left -= unit
        yield unit, leads


_COLUMNS = (
    *("lead", "agent", "line", "script", "ended_at", "known_at", "outcome", "answered"),
    *("talk_s", "wrap_s", "handle_s", "seq"),
    *("disposition", "converted", "value", "disposed_at", "disposed_known_at", "told_at", "told_seq"),
)
