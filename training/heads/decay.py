"""How a lead's worth fades while it waits: the chance that a try sells, by the lead's age."""

from ..head import RATES_BY_FIELD, THE_LEAD, Head

HEAD = Head(
    name="decay",
    of="converted",
    per="periods",
    needed=False,
    label="the first try in a period of the lead's life sells",
    least_calls=500,
    least_marked=30,
    # Age, and whose age: an hour of the day or a floor's good week would pass for fading.
    asks=(*THE_LEAD, "lead_attempts", "lead_answers_30d"),
    ignores=RATES_BY_FIELD,
    # Nobody gets more interested by waiting.
    falls=("lead_age", "age_of_"),
    strengths=(0.003, 0.03),
    half_lives=(None,),
    seeds=1,
)
