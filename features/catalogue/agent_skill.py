"""How the agent does who would take the call: skill, experience, and how long the shift has been."""

from ..instants import DAY, HOUR, NEVER
from ..statistics.rate import Rate
from ..statistics.recency import Recency, Tenure
from ..statistics.window import Count, Sum

FEATURES = (
    Rate("agent_sale_rate", by="agent", of="converted", per="told", half_life=30 * DAY, prior=(0.06, 50)),
    Rate("agent_answer_rate", by="agent", of="answered", half_life=30 * DAY, prior=(0.3, 50)),
    Rate("agent_talk_seconds", by="agent", of="talk_s", per="answered", half_life=30 * DAY, prior=(200, 20)),
    Rate("agent_wrap_seconds", by="agent", of="wrap_s", per="answered", half_life=30 * DAY, prior=(40, 20)),
    Rate("agent_sentiment", by="agent", of="sentiment", per="scored", half_life=30 * DAY, prior=(0.0, 5)),
    Tenure("agent_hours_since_first_call", by="agent"),
    Count("agent_contacts", by="agent", within=NEVER, of="answered"),
    Recency("agent_hours_since_call", by="agent"),
    Count("agent_calls_1h", by="agent", within=HOUR),
    Count("agent_calls_4h", by="agent", within=4 * HOUR),
    Count("agent_calls_8h", by="agent", within=8 * HOUR),
    Sum("agent_talk_seconds_8h", by="agent", within=8 * HOUR, of="talk_s"),
)
