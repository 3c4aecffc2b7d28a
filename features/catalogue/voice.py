"""How the lead's talks sounded, as a voice-analysis tool scored them; missing where none was scored."""

from ..statistics.rate import Rate

FEATURES = (
    Rate("lead_sentiment", by="lead", of="sentiment", per="scored", prior=(0.0, 0.0)),
    Rate("lead_talk_ratio", by="lead", of="talk_ratio", per="scored", prior=(0.0, 0.0)),
    Rate("lead_interruptions", by="lead", of="interruptions", per="scored", prior=(0.0, 0.0)),
    Rate("lead_silence_seconds", by="lead", of="silence_s", per="scored", prior=(0.0, 0.0)),
)
