"""What became of the calls to other leads that came the same way, and how hard their lists were worked."""

from ..instants import DAY
from ..statistics.rate import Load, Rate

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
    Rate("list_answer_rate", by="list", of="answered", half_life=14 * DAY, prior=(0.3, 50)),
    Rate("list_sale_rate", by="list", of="converted", per="told", half_life=30 * DAY, prior=(0.06, 50)),
    Load("list_load_7d", by="list", half_life=7 * DAY),
    Rate(
        "campaign_sale_rate", by="campaign", of="converted", per="told", half_life=14 * DAY, prior=(0.06, 50)
    ),
    Load("campaign_load_1d", by="campaign", half_life=DAY),
    Rate("region_answer_rate", by="region", of="answered", half_life=30 * DAY, prior=(0.3, 50)),
    Rate("region_sale_rate", by="region", of="converted", per="told", half_life=30 * DAY, prior=(0.06, 50)),
)
