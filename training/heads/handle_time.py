"""How long a conversation takes an agent, beside the means by how it ends."""

from ..head import Head

HEAD = Head(
    name="handle_time",
    of="pace",
    per="answered",
    objective="amount",
    needed=False,
    label="times the mean seconds of conversations that end alike",
    least_calls=200,
    knows_agent=True,
    # Who talks, and with whom: not when, nor how easily the lead is reached.
    asks=(
        "agent_talk_seconds",
        "agent_wrap_seconds",
        "lead_talk_seconds",
        "lead_value",
        "channel",
        "source",
        "country",
        "region",
        "list",
        "attribute_",
        "lead_age",
        "age_of_",
        "script_",
    ),
    ignores=("agent_talk_seconds_8h", "channel_", "source_", "region_", "list_"),
    trusts=("agent_talk_seconds", "agent_wrap_seconds"),
    strengths=(1e-6, 0.003, 0.03),
    half_lives=(None,),
    seeds=1,
)
