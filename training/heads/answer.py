"""The chance that a human picks up, per attempt."""

from ..head import Head

HEAD = Head(
    name="answer",
    of="answered",
    per="calls",
    label="a human picks up the phone",
    least_calls=500,
    least_marked=50,
    ignores=(
        # It is asked without an agent: it would read rates of all agents, which the floor's lines tell.
        "agent_",
        # Who picks up has not heard the script yet, nor does a sale to others ring the phone.
        "script_",
        "campaign_sale",
        "region_sale",
        # Only who picked up before was scored, and the lead's own answers say that.
        "lead_sentiment",
        "lead_talk_ratio",
        "lead_interruptions",
        "lead_silence",
    ),
)
