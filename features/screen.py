"""Screen: a terminal for commands to write to; what leads, dialers and people said is text, never markup."""

from rich.console import Console


def screen(*, errors: bool = False) -> Console:
    """Standard output, or standard error."""
    return Console(stderr=errors, markup=False, emoji=False)
