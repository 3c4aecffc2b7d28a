"""Partners: which of the ready agents gets which of the leads just won, by what each pair promises."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from features import Moments, compute
from features.kernel import BoolArray, Float64Array, Int64Array
from features.store.decisions import agents_promised
from features.store.ledger import Ledger

from .handout import Item, Poll
from .lineup import Terms
from .ranking.pairing import pair
from .ranking.queue import Source
from .ranking.value import value_per_second

MOST_PAIRS = 20_000
"""So many pairs are weighed: of more agents only the first named take part."""

CALLBACK = Source.CALLBACK.name.lower()


def with_agents(
    connection: Connection, items: tuple[Item, ...], poll: Poll, ledger: Ledger, terms: Terms
) -> tuple[Item, ...]:
    """The leads in their order, each with an agent where the poll names who is ready.

    Nobody gets more than their share of the leads. Whoever was promised a callback by an agent who is ready
    gets that one. Without a model any other pair is as good as another.
    """
    if not items or not poll.order.agents_ready:
        return items
    ready = poll.order.agents_ready[: max(MOST_PAIRS // len(items), 1)]
    codes = np.array([ledger.calls.agents.known(agent) for agent in ready], np.int64)
    worth = _worth(ledger, terms, np.array([item.row for item in items]), codes, poll.at)
    worth[_promised(connection, items, ready, ledger)] += np.ptp(worth) * len(items) + 1.0
    chosen = pair(worth).tolist()
    return tuple(item._replace(agent_id=ready[agent]) for item, agent in zip(items, chosen, strict=True))


def _promised(
    connection: Connection, items: Sequence[Item], ready: Sequence[str], ledger: Ledger
) -> BoolArray:
    """Which pairs were promised to talk, shape (leads, agents): worth more than all that others can gain."""
    rows = {place: item.row for place, item in enumerate(items) if item.source == CALLBACK}
    keys = ledger.leads.columns["key"][list(rows.values())].tolist()
    told, found = agents_promised(connection, keys), np.zeros((len(items), len(ready)), np.bool_)
    for place, key in zip(rows, keys, strict=True):
        if told.get(key) in ready:
            found[place, ready.index(told[key])] = True
    return found


def _worth(ledger: Ledger, terms: Terms, rows: Int64Array, agents: Int64Array, at: int) -> Float64Array:
    """Expected value per second of each pair, shape (leads, agents); -1 is an agent nobody knows yet."""
    shape = rows.size, agents.size
    if terms.bundle is None:
        return np.zeros(shape)
    asked = Moments(
        np.repeat(rows, agents.size), np.tile(agents, rows.size), np.full(rows.size * agents.size, at)
    )
    said = terms.bundle.predict(compute(ledger.past(), asked, terms.bundle.features))
    worth = terms.plan.worth(said.sale_value)
    return value_per_second(said.answer, said.conversion, worth, said.handle_s).reshape(shape)
