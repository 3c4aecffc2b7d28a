"""Record: what one row or line of a file says: a lead, events, or nothing that can be read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """The items of one row, in the shapes of the wire."""

    leads: tuple[object, ...] = ()
    events: tuple[object, ...] = ()
    fault: str | None = None
    """The code of why the row could not be read."""


Item = Mapping[str, object]
