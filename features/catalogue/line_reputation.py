"""How the number that would call is taken: one marked as a nuisance is soon answered less."""

from ..instants import DAY
from ..statistics.rate import Load, Rate

FEATURES = (
    Rate("line_answer_rate_1d", by="line", of="answered", half_life=DAY, prior=(0.3, 30)),
    Rate("line_answer_rate_14d", by="line", of="answered", half_life=14 * DAY, prior=(0.3, 30)),
    Load("line_load_1d", by="line", half_life=DAY),
)
