"""What if: another order of calls judged from the decisions of a campaign's model arm."""

from collections.abc import Callable, Sequence
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
from .kpi.intervals import Comparison
from .kpi.other_order import Drawn, OtherOrder, what_if
from .kpi.pools import FromPools, Pools, from_pools
from .kpi.quantities import Ledger
from .offers import Offers, read_offers, tried, waited
from .plan import Plan

BLIND: dict[str, Callable[[Draws], Float64Array]] = {
    "newest": lambda draws: draws.age.astype(np.float64),
    "oldest": lambda draws: -draws.age.astype(np.float64),
    "fewest_attempts": lambda draws: draws.attempt_no,
    "random": lambda draws: np.zeros(len(draws.decision_id)),
}
"""Orders that don't look at a model: by what each calls first, in terms that batches share."""

BLIND_POOLS: dict[str, Callable[[Connection, Offers], Float64Array]] = {
    "newest": lambda connection, offers: waited(connection, offers).astype(np.float64),
    "oldest": lambda connection, offers: -waited(connection, offers).astype(np.float64),
    "fewest_attempts": tried,
    "random": lambda _, offers: np.zeros(len(offers)),
}
"""The same orders among all leads of the pools."""

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
    """The share of the free leads that the pools offered; None where nobody wrote down how many were free."""
    sales_from_pools: FromPools | None
    """With the leads that weren't drawn; None for a challenger, who said nothing of those."""
    value_from_pools: FromPools | None


def judge(connection: Connection, stretch: Stretch, order: str) -> WhatIf:
    """What an order would have brought in the place of the model's draws."""
    settings = settings_of(connection, stretch)
    accounts = read_accounts(connection, stretch)
    draws, ledger = read_draws(connection, stretch), accounts.ledger()
    first = _first(connection, stretch, draws, order, Plan.of(settings, stretch.at))
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
    whole = _pools(connection, stretch, draws, order, (calls, sales, value, hours))
    by_pools = [None if one is None else from_pools(one, unseen) for one in whole]
    return WhatIf(order, what_if(drawn, unseen), what_if(of_value, unseen), len(drawn), offered, *by_pools)


def _pools(
    connection: Connection, stretch: Stretch, draws: Draws, order: str, outcomes: Sequence[Float64Array]
) -> tuple[Pools | None, Pools | None]:
    """The pools with the other order's preference: what sales came of them, and what value."""
    if order not in BLIND and order != SCORE:
        return None, None
    offers = read_offers(connection, stretch, draws)
    calls, sales, value, hours = (np.append(one, 0.0)[offers.row] for one in outcomes)
    of_sales = Pools(
        draw=offers.draw,
        first=-offers.score if order == SCORE else BLIND_POOLS[order](connection, offers),
        chance=offers.chance,
        drawn=offers.row >= 0,
        called=calls > 0,
        reward=sales,
        seconds=3600 * hours,
        expected=offers.sells,
        expected_s=offers.seconds,
    )
    return of_sales, replace(of_sales, reward=value, expected=offers.sells * offers.worth)


def told(stretch: Stretch, found: WhatIf) -> dict[str, object]:
    """As plain values."""
    span = {"campaign": stretch.campaign, "from": render(stretch.since), "to": render(stretch.until)}
    both = {
        "sales_per_agent_hour": _plain(found.sales, found.sales_from_pools),
        "value_per_agent_hour": _plain(found.value, found.value_from_pools),
    }
    return {**span, "order": found.order, "draws": found.draws, "offered": found.offered, **both}


def lines(found: WhatIf) -> list[str]:
    """What may be said, one sentence a line."""
    seen = "of the leads that were free nobody knows how many were offered"
    if found.offered is not None:
        seen = f"the draws offered {found.offered:.1%} of the leads that were free"
    said = [f"Order {found.order}: {found.draws:,} draws that were dialed, {seen}."]
    for name, one, pools in (
        ("sales", found.sales, found.sales_from_pools),
        ("value", found.value, found.value_from_pools),
    ):
        said.append(f"{name}: {_line(one)}")
        if pools is not None:
            said.append(f"{name}, from whole pools: {_line_of_pools(pools)}")
    return said


def _line(one: OtherOrder) -> str:
    if one.lift is None:
        return f"can't be told: {one.refusal}."
    figure = f"{one.other.value:.3f} per agent-hour, against {one.own.value:.3f} as it was"
    return f"{_ends(one.lift)}: {figure}."


def _line_of_pools(pools: FromPools) -> str:
    if pools.refusal:
        return f"can't be told: {pools.refusal}."
    told = [
        f"{how.replace('_', ' ')} {_ends(one.lift)}"
        for how, one in pools.estimates.items()
        if one.lift is not None
    ]
    return f"{'; '.join(told)}; {pools.draws:,} draws count as much as {pools.sample:,.0f} of its own."


def _ends(lift: Comparison) -> str:
    return f"{lift.difference:+.0%} ({lift.interval.low:+.0%} to {lift.interval.high:+.0%})"


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
    """The pools of the batches that drew, over the leads that were free."""
    _, first = np.unique(draws.batch.codes, return_index=True)
    pool, free = draws.pool[first], draws.free[first]
    known = (pool > 0) & ~np.isnan(free)
    return float(min(1.0, pool[known].sum() / free[known].sum())) if known.any() else None


def _of(draws: Draws, source: str) -> BoolArray:
    levels = draws.source.levels
    return np.asarray(draws.source.codes == (levels.index(source) if source in levels else -2))


def _plain(found: OtherOrder, by_pools: FromPools | None) -> dict[str, object]:
    return {
        "as_it_was": found.own.value,
        "other": found.other.value,
        "lift": None if found.lift is None else asdict(found.lift),
        "effective_sample": found.sample,
        "outside": found.outside,
        "refusal": found.refusal or None,
        "from_pools": None if by_pools is None else asdict(by_pools),
    }
