"""The chance that a human who picked up buys."""

from ..head import Head

HEAD = Head(
    name="conversion",
    of="converted",
    per="answered",
    label="the campaign's goal is sold, given that a human picked up",
    least_calls=200,
    least_marked=20,
    knows_agent=True,
)
