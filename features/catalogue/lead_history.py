"""What the lead's own calls say: tried how often, reached how often, how long ago, and what came of it."""

from ..instants import DAY, NEVER
from ..statistics.delay import Delay
from ..statistics.distinct import Distinct
from ..statistics.extreme import Max
from ..statistics.rate import Rate
from ..statistics.recency import Recency, Tenure
from ..statistics.streak import Run, Streak
from ..statistics.window import Count

FEATURES = (
    Count("lead_attempts", by="lead", within=NEVER),
    Count("lead_calls_1d", by="lead", within=DAY),
    Count("lead_calls_7d", by="lead", within=7 * DAY),
    Count("lead_calls_30d", by="lead", within=30 * DAY),
    Count("lead_answers_7d", by="lead", within=7 * DAY, of="answered"),
    Count("lead_answers_30d", by="lead", within=30 * DAY, of="answered"),
    Count("lead_machines_30d", by="lead", within=30 * DAY, of="machine"),
    Count("lead_busy_30d", by="lead", within=30 * DAY, of="busy"),
    Count("lead_abandoned_30d", by="lead", within=30 * DAY, of="abandoned"),
    Count("lead_no_decisions_30d", by="lead", within=30 * DAY, of="contact_no_decision"),
    Count("lead_refusals_90d", by="lead", within=90 * DAY, of="contact_refused"),
    Count("lead_callbacks_30d", by="lead", within=30 * DAY, of="callback"),
    Count("lead_sales_90d", by="lead", within=90 * DAY, of="converted"),
    Recency("lead_hours_since_call", by="lead"),
    Recency("lead_hours_since_answer", by="lead", of="answered"),
    Recency("lead_hours_since_callback", by="lead", of="callback"),
    Tenure("lead_hours_since_first_call", by="lead"),
    Streak("lead_calls_since_answer", by="lead", of="answered"),
    Run("lead_no_answers_in_a_row", by="lead", of="no_answer"),
    Rate("lead_answer_rate", by="lead", of="answered", prior=(0.3, 2)),
    Rate("lead_talk_seconds", by="lead", of="talk_s", per="answered", prior=(180, 1)),
    Max("lead_longest_talk_90d", by="lead", within=90 * DAY, of="talk_s"),
    Distinct("lead_agents_90d", by="lead", within=90 * DAY, of="agent", per="answered"),
    Delay("lead_response_hours"),
)
