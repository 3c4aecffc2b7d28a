"""How a lead's worth fades while it waits: the chance that a try sells, by the lead's age."""

from ..head import Head

HEAD = Head(
    name="decay",
    of="converted",
    per="periods",
    needed=False,
    label="the first try in a period of the lead's life sells",
    least_calls=500,
    least_marked=30,
    # Age, and whose age: an hour of the day or a floor's good week would pass for fading.
    asks=(
        "lead_age",
        "age_of_",
        "lead_attempts",
        "lead_answers_30d",
        "lead_value",
        "channel",
        "source",
        "country",
        "region",
        "list",
        "attribute_",
    ),
    ignores=("channel_", "source_", "region_", "list_"),
    # Nobody gets more interested by waiting.
    falls=("lead_age", "age_of_"),
    strengths=(0.003, 0.03),
    half_lives=(None,),
    seeds=1,
)
