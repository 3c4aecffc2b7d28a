"""Dashboard: the figures of one day, under the names that people read on a chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.kernel import BoolArray, Float64Array

from .cells import Cells
from .lift import BASE, MODEL, Attribution, in_arm
from .report import kaplan_meier_median

SHOWN = {MODEL: "model", BASE: "holdout"}
"""The arms in a figure's name."""


@dataclass(frozen=True)
class Line:
    """A sum over another one, under its title."""

    title: str
    of: str
    per: str
    scale: float = 1.0


RATES = (
    Line("Call conversion rate", "net", "attempts", 100),
    Line("Contact conversion", "net", "contacts", 100),
    Line("Contact rate", "contacts", "attempts", 100),
    Line("Abandon rate", "abandoned", "live_answers", 100),
    Line("Average call seconds", "call_s", "attempts"),
    Line("Average talk seconds", "talk_s", "talks"),
    Line("Handle seconds", "handle_s", "handled"),
    Line("Sales per agent-hour", "net", "agent_hours"),
    Line("Value per agent-hour", "net_value", "agent_hours"),
    Line("Late calls percent", "late", "attempts", 100),
)
"""Rates are in percent. MLflow heads a chart by the first twenty letters of a name."""

TOTALS = (
    Line("Calls", "attempts", ""),
    Line("Sales", "net", ""),
    Line("Sales gross", "gross", ""),
    Line("Value", "net_value", ""),
    Line("Agent hours", "agent_hours", ""),
)

BY_ARM = (
    Line("Sales per hour", "net", "agent_hours"),
    Line("Value per hour", "net_value", "agent_hours"),
    Line("Conversion rate", "net", "attempts", 100),
    Line("Contact rate", "contacts", "attempts", 100),
    Line("Abandon rate", "abandoned", "live_answers", 100),
    Line("Calls", "attempts", ""),
)
"""Of each arm: `Sales per hour model`, `Sales per hour holdout`."""

OF_HOURS = "Share of hours"
"""Of each arm of an experiment as well."""

SWITCHED = "Switchback on"
"""Of each switchback, 1 or 0."""

UNSAID, SHARE, PROMISED = "Talk unsaid percent", f"{OF_HOURS} model", "Share promised model"
LIFT, LIFT_LOW, LIFT_HIGH = "Lift percent", "Lift percent at least", "Lift percent at most"
RESPONSE, QUARANTINED = "Minutes to response", "Quarantined calls"
REACHED = (("Reached in 5 minutes", 5), ("Reached in an hour", 60))
LEADS, REACHED_EVER = "Leads received", "Leads reached percent"


def titles() -> list[str]:
    """Every figure's name."""
    arms = [f"{line.title} {arm}" for line in BY_ARM for arm in SHOWN.values()]
    lift = [LIFT, LIFT_LOW, LIFT_HIGH, PROMISED]
    leads = [LEADS, REACHED_EVER, RESPONSE, *(title for title, _ in REACHED)]
    return [line.title for line in (*RATES, *TOTALS)] + [UNSAID, SHARE, QUARANTINED, *arms, *lift, *leads]


def of_calls(cells: Cells) -> dict[str, float]:
    """The figures of a day's attempts; what has nothing to divide by is left out."""
    everyone = np.ones(len(cells), np.bool_)
    found = dict(_told([*RATES, *TOTALS], cells, everyone))
    if contacts := cells.total("contacts"):
        found[UNSAID] = 100 * (1 - cells.total("talks") / contacts)
    arms = {name: in_arm(cells, name) for name in SHOWN}
    for name, mine in arms.items():
        found |= {f"{title} {SHOWN[name]}": value for title, value in _told(BY_ARM, cells, mine)}
    hours = {name: cells.total("agent_hours", mine) for name, mine in arms.items()}
    if sum(hours.values()):
        found[SHARE] = 100 * hours[MODEL] / sum(hours.values())
        found |= {
            f"{OF_HOURS} {arm}": 100
            * cells.total("agent_hours", cells.of("policy", arm))
            / sum(hours.values())
            for arm in cells.words["policy"].levels
            if arm not in SHOWN
        }
    return found


def of_leads(waited_s: Float64Array, reached: BoolArray) -> dict[str, float]:
    """The figures of the leads that a day received; those still waiting are censored."""
    found = {LEADS: float(waited_s.size)}
    if not waited_s.size:
        return found
    found[REACHED_EVER] = 100 * float(reached.mean())
    for title, minutes in REACHED:
        found[title] = 100 * float(np.mean(reached & (waited_s <= 60 * minutes)))
    median = kaplan_meier_median(waited_s, reached)
    return found if median is None else found | {RESPONSE: median / 60}


def of_side(side: str) -> dict[str, float]:
    """Whether a switchback's rules held on a day, by the name of its side; empty without one."""
    name, _, which = side.rpartition(":")
    return {f"{SWITCHED} {name}": float(which == "on")} if side else {}


def of_lift(found: Attribution) -> dict[str, float]:
    """The lift of sales per agent-hour as it stood, in percent, with the band that may be read every day."""
    promised = {PROMISED: 100 * next(arm.promised for arm in found.arms if arm.name == MODEL)}
    if not found.lifts:
        return promised
    sales = found.lifts[0]
    ends = {LIFT: sales.relative, LIFT_LOW: max(sales.always.low, -1.0), LIFT_HIGH: sales.always.high}
    return promised | {name: 100 * value for name, value in ends.items()}


def live(cells: Cells) -> str:
    """The model versions whose decisions were carried out, with their shares of those calls."""
    word = cells.words["model_version"]
    decided = cells.words["policy"].codes >= 0
    all_ = cells.total("attempts", decided)
    shares = {level: cells.total("attempts", cells.of("model_version", level)) for level in word.levels}
    told = [f"{name} {share / all_:.0%}" for name, share in shares.items() if share]
    if ruled := cells.total("attempts", decided & (word.codes < 0)):
        told.append(f"rules {ruled / all_:.0%}")
    return ", ".join(told) or "none"


def _told(lines: Sequence[Line], cells: Cells, mine: BoolArray) -> Iterator[tuple[str, float]]:
    for line in lines:
        above = cells.total(line.of, mine)
        below = cells.total(line.per, mine) if line.per else 1.0
        if below:
            yield line.title, line.scale * above / below


def moved(before: Mapping[str, float], now: Mapping[str, float], title: str) -> float | None:
    """By which share of itself a figure changed, None where one of them is missing or was 0."""
    if title not in now or not before.get(title):
        return None
    return now[title] / before[title] - 1
