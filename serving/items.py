"""Items: what a dialer is told of each lead that it was given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.kernel import Int64Array
from features.leads import LeadTable

from .handout import Item, Poll, Round
from .ranking.queue import Source
from .remarks import Remark
from .rules.hours import open_until
from .scores import Expected
from .standing import Standing
from .view import View

_SOURCES = tuple(source.name.lower() for source in Source)


@dataclass(frozen=True)
class Known:
    """What is known of the leads that a round won, in their order."""

    rows: Int64Array
    standing: Standing
    remarks: Sequence[Remark]
    said: Expected
    numbers: Sequence[str]


def items_of(
    poll: Poll, view: View, found: Round, known: Known, leads: LeadTable, first_rank: int
) -> list[Item]:
    """An item for each lead that a round won; `first_rank` is the first one's place in the answer."""
    places, standing = found.queue.place[found.entries], known.standing
    arms, zones = view.lineup.terms.plan.policy.arms, standing.zones
    columns = (
        view.score_of(places) * 3600, known.said.p_answer, known.said.p_convert, view.seconds_of(places),
        found.queue.source[found.entries], standing.attempts + 1, standing.zone,
        open_until(standing, poll.at), view.lineup.columns["arm"][places], found.chances, known.rows,
    )  # fmt: skip
    told = zip(
        found.claims, known.numbers, known.remarks, *(column.tolist() for column in columns), strict=True
    )
    return [
        Item(
            lease_id=claimed.lease_id,
            decision_id=found.decision_id(poll, i),
            lead_id=leads.lead_id[row],
            phone=number,
            rank=first_rank + i,
            score=score,
            p_answer=p_answer,
            p_convert=p_convert,
            handle_s=seconds,
            source=_SOURCES[source],
            attempt_no=attempt,
            timezone=zones[zone][0],
            callable_until=closes,
            agent_id=None,
            reasons=remark.reasons,
            best_window=remark.window,
            attributes=attributes_of(leads, row),
            arm=arms[arm].name,
            propensity=chance,
            row=row,
        )
        for i, (
            claimed, number, remark, score, p_answer, p_convert, seconds, source, attempt, zone, closes, arm,
            chance, row,
        ) in enumerate(told)
    ]  # fmt: skip


def attributes_of(leads: LeadTable, row: int) -> dict[str, float | str]:
    """The latest value of each attribute of a lead; what is known to be missing is left out."""
    latest: dict[str, float | str] = {}
    for name, history in leads.attributes.items():
        last = int(history.starts[row + 1]) - 1
        if last < history.starts[row]:
            continue
        code = int(history.code[last])
        if code >= 0:
            latest[name] = history.levels[code]
        elif not np.isnan(history.number[last]):
            latest[name] = float(history.number[last])
    return latest
