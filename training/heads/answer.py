"""The chance that a human picks up, per attempt."""

from ..head import Head

HEAD = Head(
    name="answer",
    of="answered",
    per="calls",
    label="a human picks up the phone",
    least_calls=500,
    least_marked=50,
)
