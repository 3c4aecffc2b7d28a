"""How often leads alike pick up at this hour of their own day."""

from ..instants import DAY
from ..statistics.rate import Rate

FEATURES = (
    Rate("channel_hour_answer_rate", by="channel×hour", of="answered", half_life=30 * DAY, prior=(0.3, 30)),
    Rate("source_hour_answer_rate", by="source×hour", of="answered", half_life=30 * DAY, prior=(0.3, 30)),
    Rate("region_hour_answer_rate", by="region×hour", of="answered", half_life=30 * DAY, prior=(0.3, 30)),
)
