"""How the whole floor fares lately."""

from ..instants import DAY
from ..statistics.rate import Rate

FEATURES = (
    Rate("floor_answer_rate_1d", by="everyone", of="answered", half_life=DAY, prior=(0.3, 50)),
    Rate("floor_answer_rate_7d", by="everyone", of="answered", half_life=7 * DAY, prior=(0.3, 50)),
    Rate("floor_machine_rate_7d", by="everyone", of="machine", half_life=7 * DAY, prior=(0.3, 50)),
    # Hardly shrunk: a floor of thirty contacts a day would be told the prior instead of its own day.
    Rate("floor_sale_rate_1d", by="everyone", of="converted", per="told", half_life=DAY, prior=(0.06, 5)),
    Rate("floor_sale_rate_3d", by="everyone", of="converted", per="told", half_life=3 * DAY, prior=(0.06, 5)),
    Rate(
        "floor_sale_rate_14d", by="everyone", of="converted", per="told", half_life=14 * DAY, prior=(0.06, 5)
    ),
)
