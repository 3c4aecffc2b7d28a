"""The command `leadrank ...`: finds the room a command lives in and opens that room alone."""

__version__ = "0.1.0"
