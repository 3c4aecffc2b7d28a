"""How the agent does with leads like this one, at this hour of the lead's day."""

from ..instants import DAY
from ..statistics.rate import Rate

FEATURES = (
    Rate(
        "agent_channel_sale_rate",
        by="agent×channel",
        of="converted",
        per="told",
        half_life=60 * DAY,
        prior=(0.06, 30),
    ),
    Rate(
        "agent_source_sale_rate",
        by="agent×source",
        of="converted",
        per="told",
        half_life=60 * DAY,
        prior=(0.06, 30),
    ),
    Rate(
        "agent_hour_sale_rate",
        by="agent×hour",
        of="converted",
        per="told",
        half_life=60 * DAY,
        prior=(0.06, 30),
    ),
)
