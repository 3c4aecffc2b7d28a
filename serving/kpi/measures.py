"""Measures: one line per KPI; what is summed over what, in which unit, and how its interval is drawn."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["attempt", "lead", "agent_day"]
"""What counts as one independent observation: the interval's n."""


@dataclass(frozen=True)
class Share:
    """Rows of one kind among rows of another, in percent, with Wilson's interval."""

    kpi: str
    of: str
    per: str
    says: str
    unit: str = "percent"
    scale: float = 100.0
    over: Unit = "attempt"


@dataclass(frozen=True)
class Ratio:
    """A sum over another sum, with the delta method's interval over its units."""

    kpi: str
    of: str
    per: str
    says: str
    unit: str
    scale: float = 1.0
    over: Unit = "attempt"


@dataclass(frozen=True)
class Wait:
    """From a lead's receipt to the first that anybody did about it; leads still waiting are censored."""

    kpi: str
    says: str
    unit: str = "seconds"
    scale: float = 1.0
    of: str = "response"
    per: str = "leads"
    over: Unit = "lead"


Measure = Share | Ratio | Wait

DEFINITION_VERSION = 2
"""Changes whenever the meaning of any line does."""

MEASURES: tuple[Measure, ...] = (
    Share("call_conversion_rate", "net", "attempts", "Net conversions per 100 attempts."),
    Share("contact_conversion_rate", "net", "contacts", "Net conversions per 100 contacts."),
    Share("rpc_conversion_rate", "net", "right_parties", "Net conversions per 100 right-party contacts."),
    Share("connect_rate", "connects", "attempts", "Attempts answered by anything, per 100."),
    Share("contact_rate", "contacts", "attempts", "Attempts with a live human for 10 s or more, per 100."),
    Share("right_party_rate", "right_parties", "attempts", "Attempts that reached the right party, per 100."),
    Share("abandon_rate", "abandoned", "live_answers", "Live answers abandoned, per 100; machines left out."),
    Ratio("average_call_duration", "call_s", "attempts", "Dial to hang-up, per attempt.", "seconds"),
    Ratio("average_talk_time", "talk_s", "talks", "Seconds of talk per contact that says them.", "seconds"),
    Ratio("handle_time", "handle_s", "handled", "Talk, hold, wrap per contact that says them.", "seconds"),
    Ratio("attempts_per_lead", "attempts", "units", "Attempts per lead attempted.", "attempts", over="lead"),
    Ratio(
        "conversions_per_agent_hour", "net", "agent_hours", "Net conversions per hour of agents' calls.",
        "per hour", over="agent_day",
    ),
    Ratio(
        "value_per_agent_hour", "net_value", "agent_hours", "Net value per hour of agents' calls.",
        "money per hour", over="agent_day",
    ),
    Ratio(
        "occupancy", "busy_h", "staffed_h", "Agents' time on calls and in wrap, per 100 ready for or in it.",
        "percent", scale=100.0, over="agent_day",
    ),
    Share("data_quality", "clean", "attempts", "Attempts told in a day that say all they should, per 100."),
    Wait("lead_response_time", "Receipt to first attempt or outgoing touch, mean of those reached."),
    Share("penetration", "reached", "leads", "Leads attempted or touched, per 100.", over="lead"),
)  # fmt: skip

CONVERSIONS = frozenset({"net", "net_value"})
"""Numerators that ripen: a conversion may still come within the horizon."""

OF_LEADS = frozenset({"leads"})
"""Denominators that are read from the leads received rather than from the attempts."""


OF_AGENTS = frozenset({"staffed_h"})
"""Denominators that are read from what agents said they were doing."""


def measure(kpi: str) -> Measure:
    """The definition of that name; `KeyError` if there is none."""
    return {one.kpi: one for one in MEASURES}[kpi]
