"""What became of the calls to other leads that came the same way."""

from ..instants import DAY
from ..statistics.rate import Rate
from ..statistics.window import Count

FEATURES = (
    Rate("channel_answer_rate", by="channel", of="answered", half_life=14 * DAY, prior=(0.3, 50)),
    Rate(
        "channel_sale_rate",
        by="channel",
        of="converted",
        per="told",
        half_life=14 * DAY,
        prior=(0.06, 50),
    ),
    Rate("source_answer_rate", by="source", of="answered", half_life=7 * DAY, prior=(0.3, 50)),
    Rate("source_sale_rate", by="source", of="converted", per="told", half_life=14 * DAY, prior=(0.06, 50)),
    Rate("source_dead_rate", by="source", of="disconnected", half_life=30 * DAY, prior=(0.05, 50)),
    Rate("list_sale_rate", by="list", of="converted", per="told", half_life=30 * DAY, prior=(0.06, 50)),
    Rate("region_answer_rate", by="region", of="answered", half_life=30 * DAY, prior=(0.3, 50)),
    Count("list_calls_7d", by="list", within=7 * DAY),
)
