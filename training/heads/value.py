"""What a sale to a lead brings: what the lead is said to be worth, until sales say otherwise."""

from ..head import RATES_BY_FIELD, THE_LEAD, Head

HEAD = Head(
    name="value",
    of="value",
    per="sold",
    objective="amount",
    needed=False,
    label="the value of a sale",
    least_calls=50,
    anchor="lead_value",
    # Sales are few: what was known of the lead itself, and nothing of the floor or the clock.
    asks=THE_LEAD,
    ignores=RATES_BY_FIELD,
    strengths=(1e-6, 0.003, 0.03),
    half_lives=(None,),
    seeds=1,
)
