"""What if: another order of calls judged from the decisions of a campaign's model arm."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
from sqlalchemy import Connection

from features.instants import render
from features.kernel import BoolArray, Float64Array
from features.store.draws import Draws, read_draws, shadowing
from features.store.reads import Stretch
from features.store.shadow_scores import read_shadow

from .accounts import read_accounts, settings_of
from .errors import BadQuery
from .kpi.other_order import Drawn, OtherOrder, what_if
from .kpi.quantities import Ledger
from .plan import Plan

BLIND: dict[str, Callable[[Draws], Float64Array]] = {
    "newest": lambda draws: draws.age.astype(np.float64),
    "oldest": lambda draws: -draws.age.astype(np.float64),
    "fewest_attempts": lambda draws: draws.attempt_no,
    "random": lambda draws: np.zeros(len(draws.decision_id)),
}
"""Orders that don't look at a model: by what each calls first, in terms that batches share."""

SCORE = "score"
"""The model's own order without the draw's noise."""


@dataclass(frozen=True)
class WhatIf:
    """Sales and value per agent-hour under another order."""

    order: str
    sales: OtherOrder
    value: OtherOrder
    draws: int
    """That were dialed."""
    offered: float | None
    """The share of the free leads that the pools offered; None where nothing was drawn at random to tell."""


def judge(connection: Connection, stretch: Stretch, order: str) -> WhatIf:
    """What an order would have brought in the place of the model's draws."""
    settings = settings_of(connection, stretch)
    accounts = read_accounts(connection, stretch)
    draws, ledger = read_draws(connection, stretch), accounts.ledger()
    first = _first(connection, stretch, draws, order, Plan.of(settings))
    calls, sales, value, hours = _outcomes(ledger, len(draws.decision_id))
    mine = _of(draws, "ranked") & (draws.pool > 0) & ~np.isnan(draws.chance) & ~np.isnan(first) & (calls > 0)
    offered = _offered(draws)
    unseen = 0.0 if order not in BLIND else 1.0 if offered is None else 1 - offered
    drawn = Drawn(
        batch=draws.batch.codes[mine],
        pool=draws.pool[mine],
        chance=draws.chance[mine],
        first=first[mine],
        reward=sales[mine],
        seconds=3600 * hours[mine],
    )
    of_value = replace(drawn, reward=value[mine])
    return WhatIf(order, what_if(drawn, unseen), what_if(of_value, unseen), len(drawn), offered)


def told(stretch: Stretch, found: WhatIf) -> dict[str, object]:
    """As plain values."""
    span = {"campaign": stretch.campaign, "from": render(stretch.since), "to": render(stretch.until)}
    both = {"sales_per_agent_hour": _plain(found.sales), "value_per_agent_hour": _plain(found.value)}
    return {**span, "order": found.order, "draws": found.draws, "offered": found.offered, **both}


def lines(found: WhatIf) -> list[str]:
    """What may be said, one sentence a line."""
    seen = "of the leads that were free nobody knows how many were offered"
    if found.offered is not None:
        seen = f"the draws offered {found.offered:.1%} of the leads that were free"
    said = [f"Order {found.order}: {found.draws:,} draws that were dialed, {seen}."]
    for name, one in (("sales", found.sales), ("value", found.value)):
        if one.lift is None:
            said.append(f"{name}: can't be told: {one.refusal}.")
            continue
        ends = f"{one.lift.interval.low:+.0%} to {one.lift.interval.high:+.0%}"
        figure = f"{one.other.value:.3f} per agent-hour, against {one.own.value:.3f} as it was"
        said.append(f"{name}: {one.lift.difference:+.0%} ({ends}): {figure}.")
    return said


def _first(connection: Connection, stretch: Stretch, draws: Draws, order: str, plan: Plan) -> Float64Array:
    """The other order's preference among the decisions, NaN where it has none."""
    if order in BLIND:
        return BLIND[order](draws)
    if order == SCORE:
        return -draws.score
    versions = shadowing(connection, stretch)
    if order not in versions:
        raise BadQuery(order=order, known=", ".join([*BLIND, SCORE, *versions]))
    shadow = read_shadow(connection, order)
    answer, convert = np.array([shadow.get(name, (np.nan, np.nan)) for name in draws.decision_id]).T
    worth = plan.worth(np.nan_to_num(draws.worth, nan=1.0))
    return np.asarray(-(answer * convert * worth) / draws.handle_s)


def _outcomes(ledger: Ledger, decisions: int) -> list[Float64Array]:
    """Calls, net sales, net value and agent hours that came of each decision."""
    carried = ledger.credits.decision >= 0
    row = ledger.credits.decision[carried]

    def total(name: str) -> Float64Array:
        return np.bincount(row, ledger.quantity(name)[carried], decisions).astype(np.float64)

    return [total(name) for name in ("attempts", "net", "net_value", "agent_hours")]


def _offered(draws: Draws) -> float | None:
    """Batches that drew some leads from all that were free tell how many those were: m drawn, chance m/N."""
    random = _of(draws, "explore") & ~np.isnan(draws.chance)
    if not random.any():
        return None
    batches, drawn = np.unique(draws.batch.codes[random], return_counts=True)
    places = np.array([np.flatnonzero(random & (draws.batch.codes == one))[0] for one in batches])
    free = drawn / draws.chance[places]
    return float(min(1.0, np.nansum(draws.pool[places]) / free.sum()))


def _of(draws: Draws, source: str) -> BoolArray:
    levels = draws.source.levels
    return np.asarray(draws.source.codes == (levels.index(source) if source in levels else -2))


def _plain(found: OtherOrder) -> dict[str, object]:
    return {
        "as_it_was": found.own.value,
        "other": found.other.value,
        "lift": None if found.lift is None else asdict(found.lift),
        "effective_sample": found.sample,
        "outside": found.outside,
        "refusal": found.refusal or None,
    }
