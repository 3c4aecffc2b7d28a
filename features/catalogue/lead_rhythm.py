"""When of the day and week the lead answered, how widely it was tried, and when it asked to be called."""

from ..instants import DAY
from ..statistics.distinct import Distinct
from ..statistics.recency import Promise, Recency
from ..statistics.rhythm import Rhythm
from ..statistics.window import Count

FEATURES = (
    Rhythm("lead_hour_answer_rate", prior=(0.3, 2)),
    Distinct("lead_week_hours_tried_30d", by="lead", within=30 * DAY, of="week_hour"),
    Distinct("lead_days_tried_30d", by="lead", within=30 * DAY, of="day"),
    Promise("lead_hours_until_callback", by="lead"),
    Recency("lead_hours_since_promise", by="lead", of="promised"),
    Count("lead_promises_30d", by="lead", within=30 * DAY, of="promised"),
)
