"""What the outcome codes of each source mean, in leadrank's one vocabulary; and which smell of a stop."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from ..calls import Outcome

_OWN = {outcome.name.lower(): outcome for outcome in Outcome}

_STOP = re.compile(
    r"dnc|do[ _-]*no?t[ _-]*(call|contact|disturb)|don'?t[ _-]*(call|contact)|never[ _-]*call"
    r"|(?<![a-z])(stop|remove|opt|unsub|cease|block)|take[ _-]*(me[ _-]*)?off|blacklist",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialects:
    """The shipped tables, and what this installation mapped itself, by (source, code)."""

    mapped: Mapping[tuple[str, str], Outcome] = field(default_factory=dict)

    def outcome(self, source: str, code: str) -> Outcome | None:
        """What `code` means when `source` says it, or None; leadrank's own words always mean themselves."""
        own = _OWN.get(code)
        if own is not None:
            return own
        mapped = self.mapped.get((source, code))
        return mapped if mapped is not None else _shipped(source).get(code.upper())


def smells_of_stop(code: str) -> bool:
    """Whether an unknown code may mean that someone asked not to be called."""
    return _STOP.search(code) is not None


@cache
def _tables() -> dict[str, dict[str, Outcome]]:
    shipped = tomllib.loads(files(__package__).joinpath("outcomes.toml").read_text(encoding="utf-8"))
    return {
        name: {code.upper(): Outcome.of(word) for code, word in table.items()}
        for name, table in shipped.items()
        if isinstance(table, dict)
    }


def _shipped(source: str) -> Mapping[str, Outcome]:
    """The shipped table that a source names as one of its words."""
    for word in re.split(r"[^a-z0-9]+", source.lower()):
        if word in _tables():
            return _tables()[word]
    return {}
