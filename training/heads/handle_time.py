"""How long a conversation takes an agent, beside the means by how it ends."""

from ..head import RATES_BY_FIELD, THE_LEAD, Head

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
    asks=(*THE_LEAD, "agent_talk_seconds", "agent_wrap_seconds", "lead_talk_seconds", "script_"),
    ignores=("agent_talk_seconds_8h", *RATES_BY_FIELD),
    trusts=("agent_talk_seconds", "agent_wrap_seconds"),
    strengths=(1e-6, 0.003, 0.03),
    half_lives=(None,),
    seeds=1,
)
