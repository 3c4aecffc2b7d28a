"""Adjusted lift: the arms compared per agent-hour, with what was known of the agents before taken out.

Which agents happened to serve an arm is chance. What an agent had brought per hour in both arms on the days
before, over the floor's rate on those days, is known before the day's leads are handed out, and the same for
both arms; of an agent's first day nothing is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.kernel import BoolArray, Float64Array

from .adjustment import Arm, cuped_figures, lin_figures
from .cells import Cells
from .intervals import Figure, Interval, compare_relatively
from .sequences import Sequence

LEAST_UNITS = 10
"""Agent-days that either arm needs before anything is adjusted."""

PRIOR_HOURS = 8.0
"""An agent is taken for a usual one by so many hours of nobody's work."""

HOW: Mapping[str, Callable[[Arm, Arm], tuple[Figure, Figure]]] = {"cuped": cuped_figures, "lin": lin_figures}


@dataclass(frozen=True)
class Adjusted:
    """A lift after an adjustment."""

    how: str
    """`cuped` or `lin`."""
    relative: float
    interval: Interval
    """For one look."""
    always: Interval
    """True however often one looks."""
    variance_left: float
    """Of that of the plain lift."""


def adjusted(
    cells: Cells, arms: tuple[BoolArray, BoolArray], of: str, per: str, error: float, alpha: float = 0.05
) -> tuple[Adjusted, ...]:
    """The lift of the second arm over the first one by every way of HOW; `error` is that of the plain one.

    Nothing before either arm has LEAST_UNITS agent-days.
    """
    known = earlier(cells, of, per)
    base, other = (_arm(cells.take(mine), known[mine], of, per) for mine in arms)
    if min(base.outcome.size, other.outcome.size) < LEAST_UNITS or error <= 0:
        return ()
    found = {how: figures(base, other) for how, figures in HOW.items()}
    return tuple(_told(how, *both, error, alpha) for how, both in found.items() if both[0].value > 0)


def earlier(cells: Cells, of: str, per: str) -> Float64Array:
    """Of each cell's agent-day: what the agent had brought per hour before, in any arm, over all agents'."""
    units, unit = np.unique(cells.agent_days, return_inverse=True)
    y, x = (cells.by(unit, units.size, name) for name in (of, per))
    first = np.unique(unit, return_index=True)[1]
    day, agent = cells.day[first], cells.words["agent"].codes[first]
    floor, hours = (_before(column, np.zeros_like(agent), day) for column in (y, x))
    rate = np.divide(floor, hours, out=np.zeros(units.size), where=hours > 0)
    brought, worked = (_before(column, agent, day) for column in (y, x))
    return np.asarray(((brought - rate * worked) / (worked + PRIOR_HOURS))[unit], np.float64)


def _before(
    column: Float64Array, group: np.typing.NDArray[np.int64], day: np.typing.NDArray[np.int64]
) -> Float64Array:
    """The sum over the rows of the same group on earlier days."""
    order = np.lexsort((day, group))
    ends = np.cumsum(column[order])
    before = ends - column[order]
    key = np.column_stack([group[order], day[order]])
    opens = np.append([True], np.any(key[1:] != key[:-1], axis=1))[: order.size]
    starts = np.append([True], key[1:, 0] != key[:-1, 0])[: order.size]
    place = np.maximum.accumulate(np.where(opens, np.arange(order.size), 0))
    begin = np.maximum.accumulate(np.where(starts, np.arange(order.size), 0))
    out = np.empty_like(before)
    out[order] = before[place] - before[begin]
    return out


def _arm(cells: Cells, known: Float64Array, of: str, per: str) -> Arm:
    """Agent-days, and what was known of each, by hours.

    The mean of the outcomes is the arm's ratio, their variance the delta method's (Deng, Knoblich, Lu 2018).
    """
    units, unit = np.unique(cells.agent_days, return_inverse=True)
    y, x = (cells.by(unit, units.size, name) for name in (of, per))
    if x.sum() <= 0:
        return Arm(np.empty(0), np.empty(0))
    ratio, mean = y.sum() / x.sum(), x.mean()
    of_unit = known[np.unique(unit, return_index=True)[1]]
    return Arm(ratio + (y - ratio * x) / mean, of_unit * x / mean)


def _told(how: str, base: Figure, other: Figure, error: float, alpha: float) -> Adjusted:
    found = compare_relatively(base, other, 1 - alpha)
    always = Sequence(alpha).around(found.difference, int(base.n + other.n), found.error)
    return Adjusted(how, found.difference, found.interval, always, (found.error / error) ** 2)
