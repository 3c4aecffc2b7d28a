"""What the script that the campaign uses now brought so far."""

from ..instants import DAY
from ..statistics.rate import Rate

FEATURES = (
    Rate("script_sale_rate", by="script", of="converted", per="told", half_life=30 * DAY, prior=(0.06, 50)),
    Rate(
        "script_refusal_rate",
        by="script",
        of="contact_refused",
        per="told",
        half_life=30 * DAY,
        prior=(0.4, 50),
    ),
)
