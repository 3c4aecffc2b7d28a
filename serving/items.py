"""Items: what a dialer is told of each lead that it was given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from features.kernel import Int64Array
from features.leads import LeadTable

from .handout import Item, Poll, Round
from .ranking.queue import Source
from .remarks import Remarked
from .scores import Expected
from .standing import Standing
from .view import View

_SOURCES = tuple(source.name.lower() for source in Source)


@dataclass(frozen=True)
class Known:
    """What is known of some leads beside their places in a queue, in their order."""

    rows: Int64Array
    standing: Standing
    callable_until: Int64Array
    remarks: Remarked
    said: Expected
    attributes: Sequence[dict[str, float | str]]


class Draft:
    """What is found out of the leads that a poll will probably win, while it claims them."""

    def __init__(self, know: Callable[[Int64Array], Known], rows: Int64Array) -> None:
        self._know, self._rows = know, rows
        self._made: Known | None = None

    def make(self) -> None:
        """Find it out."""
        self._made = self._know(self._rows)

    def forget(self) -> None:
        """There is news: what was found out may be otherwise."""
        self._made = None

    def of(self, rows: Int64Array) -> Known:
        """What is known of the leads that were won."""
        if self._made is not None and np.array_equal(rows, self._rows):
            return self._made
        return self._know(rows)


def items_of(
    poll: Poll, view: View, found: Round, known: Known, lead_ids: Sequence[str], first_rank: int
) -> list[Item]:
    """An item for each lead that a round won; `first_rank` is the first one's place in the answer."""
    places, standing, rows = found.queue.place[found.entries], known.standing, known.rows.tolist()
    arms, zones, size = view.lineup.terms.plan.policy.arms, standing.zones, len(rows)
    columns: dict[str, Sequence[object]] = {
        "lease_id": [claimed.lease_id for claimed in found.claims],
        "decision_id": [found.decision_id(poll, i) for i in range(size)],
        "lead_id": [lead_ids[row] for row in rows],
        "phone": found.numbers,
        "rank": range(first_rank, first_rank + size),
        "score": (view.score_of(places) * 3600).tolist(),
        "p_answer": known.said.p_answer.tolist(),
        "p_convert": known.said.p_convert.tolist(),
        "handle_s": view.seconds_of(places).tolist(),
        "source": [_SOURCES[source] for source in found.queue.source[found.entries].tolist()],
        "attempt_no": (standing.attempts + 1).tolist(),
        "timezone": [zones[zone][0] for zone in standing.zone.tolist()],
        "callable_until": known.callable_until.tolist(),
        "agent_id": [None] * size,
        "reasons": known.remarks.reasons,
        "best_window": known.remarks.windows,
        "attributes": known.attributes,
        "arm": [arms[arm].name for arm in view.lineup.columns["arm"][places].tolist()],
        "propensity": found.chances.tolist(),
        "row": rows,
    }
    return [Item._make(row) for row in zip(*(columns[name] for name in Item._fields), strict=True)]


def attributes_of(leads: LeadTable, rows: Int64Array) -> list[dict[str, float | str]]:
    """The latest value of each attribute of each lead; what is known to be missing is left out."""
    latest: list[dict[str, float | str]] = [{} for _ in range(rows.size)]
    for name, history in leads.attributes.items():
        told = np.flatnonzero(history.starts[rows + 1] > history.starts[rows])
        last = history.starts[rows[told] + 1] - 1
        codes, numbers = history.code[last].tolist(), history.number[last].tolist()
        for lead, code, number in zip(told.tolist(), codes, numbers, strict=True):
            if code >= 0:
                latest[lead][name] = history.levels[code]
            elif not isnan(number):
                latest[lead][name] = number
    return latest
