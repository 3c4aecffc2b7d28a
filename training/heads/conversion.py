"""The chance that a human who picked up buys: whom one reaches, and how easily, is the answer head's."""

from features.instants import DAY

from ..head import Head

HEAD = Head(
    name="conversion",
    of="converted",
    per="answered",
    label="the campaign's goal is sold, given that a human picked up",
    least_calls=200,
    least_marked=20,
    knows_agent=True,
    follows=("floor_sale_rate",),
    # Campaigns may sell unlike things: one's level is no other's.
    trusts=("campaign", "channel", "lead_age", "age_of_"),
    # Sales are few, and a floor that calls the newest first has hardly seen its old leads: a wider prior on
    # channel and age takes their chance for knowledge.
    trust=3.0,
    # Nobody gets more interested by waiting.
    falls=("lead_age", "age_of_"),
    strengths=(0.003, 0.01),
    half_lives=(None, 21 * DAY),
    ignores=(
        "local_weekday",
        "local_hour_of_week",
        "arrival_hour",
        "lead_attempts",
        "lead_calls_1d",
        "lead_calls_7d",
        "lead_calls_since",
        "lead_answer",
        "lead_machines",
        "lead_busy",
        "lead_abandoned",
        "lead_no_answers",
        "lead_hours_since_call",
        "lead_hours_since_first_call",
        "lead_hour_answer",
        "lead_week_hours",
        "lead_days_tried",
        "lead_response",
        "floor_answer",
        "floor_machine",
        "channel_answer",
        "channel_hour",
        "source_answer",
        "source_hour",
        "source_dead",
        "region_answer",
        "region_hour",
        "list_answer",
        "list_load",
        "campaign_load",
        "line_",
        # Weeks of a log in disguise: few sales can't tell them from what else changed meanwhile.
        "local_holiday",
        "local_days",
        "campaign_sale",
        "script_",
        # Sales are too few to tell more of them than channel, source, floor and agent do by themselves.
        "agent_channel",
        "agent_source",
        "agent_hour_sale",
        "agent_wrap",
        "region_sale",
        "lead_refusals",
        "lead_longest",
        "lead_agents",
        # What an agent counts and times is missing while none is chosen: a tree would take that for a zero
        # that it was never taught. Rates are then those of all agents, and stay.
        "agent_answer",
        "agent_hours",
        "agent_contacts",
        "agent_calls",
        "agent_talk_seconds_8h",
    ),
)
