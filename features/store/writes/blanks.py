"""Blanks: what was told of a lead, without what is personal in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...sources.wire import EVENTS

_PERSONAL = {"phone", "evidence", "reason", "transcript_ref", "tone"}
_KEPT = {name for shape in EVENTS.values() for name in shape.model_fields} - _PERSONAL
"""Names, instants, durations and the words of vocabularies: what a call counts by."""

BLANKED = "leadrankblanked"
"""The extension of an event that says so."""

_ENVELOPE = ("specversion", "id", "source", "type", "time")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True)
class Names:
    """What may name some leads in what was told, each with its lead's key."""

    lead_ids: Mapping[str, int]
    calls: Mapping[str, int]
    numbers: Mapping[str, int]

    def lead_in(self, payload: Mapping[str, object]) -> int | None:
        """The key of a lead that an event names, whatever else is wrong with it; None for none."""
        told = list(_said("", payload))
        for name, word in told:
            found = self._named(name, word)
            if found is not None:
                return found
        return None

    def numbered(self, word: str) -> int | None:
        """The key of a lead whose number a text holds."""
        found = (self.numbers.get(number) for number in _NUMBER.findall(word))
        return next((key for key in found if key is not None), None)

    def _named(self, name: str, word: str) -> int | None:
        if name == "call_id" and word in self.calls:
            return self.calls[word]
        if ("lead" in name or name == "subject") and word in self.lead_ids:
            return self.lead_ids[word]
        return self.numbered(word) if self.numbers else None


def blanked(data: object, names: Names) -> dict[str, object]:
    """An event's data without what is personal: known fields of one word or number, and no phone number."""
    said = data if isinstance(data, Mapping) else {}
    return {
        name: word
        for name, word in said.items()
        if name in _KEPT and not isinstance(word, Mapping | list) and names.numbered(str(word)) is None
    }


def blanked_event(payload: Mapping[str, object], names: Names) -> dict[str, object]:
    """A whole event: its envelope without other extensions, and its data without what is personal."""
    kept = {name: payload[name] for name in _ENVELOPE if name in payload}
    return kept | {"data": blanked(payload.get("data"), names), BLANKED: True}


def _said(name: str, value: object) -> Iterator[tuple[str, str]]:
    """All texts in a JSON value, each with the name it stands under; names are texts too."""
    if isinstance(value, Mapping):
        for under, one in value.items():
            yield "", str(under)
            yield from _said(str(under), one)
    elif isinstance(value, list):
        for one in value:
            yield from _said(name, one)
    elif isinstance(value, str):
        yield name, value
