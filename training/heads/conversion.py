"""The chance that a human who picked up buys: whom one reaches, and how easily, is the answer head's."""

from ..head import Head

HEAD = Head(
    name="conversion",
    of="converted",
    per="answered",
    label="the campaign's goal is sold, given that a human picked up",
    least_calls=200,
    least_marked=20,
    knows_agent=True,
    ignores=(
        "local_weekday",
        "local_hour_of_week",
        "arrival_hour",
        "lead_calls_1d",
        "lead_calls_7d",
        "lead_answer",
        "lead_machines",
        "lead_busy",
        "lead_hours_since_call",
        "floor_answer",
        "channel_answer",
        "source_answer",
        "source_dead",
        "region_answer",
        "list_calls",
    ),
)
