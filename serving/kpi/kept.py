"""Kept: what each attempt of days that are over counts for, as columns that are read one by one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import compress, decompress

import numpy as np
import orjson

from features.kernel import BoolArray, Float64Array, Int64Array
from features.leads import Coded

from .quantities import WEEKDAYS, Counted, Ledger

FLAGS = (
    "connects", "contacts", "right_parties", "live_answers", "abandoned", "net", "gross", "talks", "handled",
    "late", "unsaid", "untold_talk", "clean",
)  # fmt: skip
"""Quantities that are 0 or 1."""

AMOUNTS = ("net_value", "gross_value", "call_s", "talk_s", "handle_s", "agent_hours")
WORDS = (
    "channel", "source", "agent", "script", "shift", "hour", "model_version", "policy", "event_source"
)  # fmt: skip
COLUMNS = ("lead", "started_at", *FLAGS, *AMOUNTS, *WORDS)

Read = Callable[[str], Mapping[int, bytes]]
"""One of COLUMNS, of each day that has attempts."""


def written(ledger: Ledger) -> dict[str, bytes]:
    """The columns of one day's attempts."""
    if not len(ledger):
        return {}
    whole = {"lead": ledger.leads(), "started_at": ledger.attempts.started_at}
    flags = {name: ledger.quantity(name).astype(np.uint8) for name in FLAGS}
    amounts = {name: ledger.quantity(name) for name in AMOUNTS}
    numbers = {name: compress(column.tobytes(), 1) for name, column in (whole | flags | amounts).items()}
    return numbers | {name: _coded(ledger.group(name)) for name in WORDS}


@dataclass(frozen=True)
class Kept(Counted):
    """Attempts of whole days of one campaign, oldest first."""

    campaign: str
    sizes: Mapping[int, int]
    """Of each day its attempts, in the order of days that follow each other."""
    begins: Sequence[int]
    """When each of these days begins, and the one after."""
    horizon: int
    teams: Mapping[str, str | None]
    """Of each agent; not kept by day, for agents move."""
    read: Read

    def __len__(self) -> int:
        return sum(self.sizes.values())

    @property
    def span(self) -> tuple[int, int]:
        """From the begin of the first day to the end of the last."""
        return self.begins[0], self.begins[-1]

    def quantity(self, name: str) -> Float64Array:
        if name == "attempts":
            return np.ones(len(self))
        kind = np.uint8 if name in FLAGS else np.float64
        return self._numbers(name, kind).astype(np.float64)

    def group(self, by: str) -> Coded:
        if by in ("campaign", "contact_channel"):
            word = self.campaign if by == "campaign" else "call"
            return Coded((word,), np.zeros(len(self), np.int64))
        if by == "weekday":
            return Coded(WEEKDAYS, (self.days() + 3) % 7)
        if by == "team":
            return self._teams()
        told = self.read(by)
        return merged([_decoded(told[day]) for day in self._busy()])

    def leads(self) -> Int64Array:
        return self._numbers("lead", np.int64).astype(np.int64)

    def days(self) -> Int64Array:
        return np.repeat(np.array([*self.sizes], np.int64), [*self.sizes.values()])

    def ripe(self, at: int) -> BoolArray:
        """Only a day that ripens just now is looked into."""
        begins, sizes = np.array(self.begins, np.int64), [*self.sizes.values()]
        found = np.repeat(begins[1:] + self.horizon <= at, sizes)
        ripening = np.repeat((begins[:-1] + self.horizon <= at) & (begins[1:] + self.horizon > at), sizes)
        if ripening.any():
            started = self._numbers("started_at", np.int64)[ripening].astype(np.int64)
            found[ripening] = started + self.horizon <= at
        return found

    def _teams(self) -> Coded:
        agent = self.group("agent")
        team = Coded.of([*(self.teams.get(name) for name in agent.levels), None])
        return Coded(team.levels, team.codes[agent.codes])

    def _numbers(self, name: str, kind: type[np.generic]) -> np.typing.NDArray[np.generic]:
        told = self.read(name)
        parts = [np.frombuffer(decompress(told[day]), kind) for day in self._busy()]
        return np.concatenate([np.empty(0, kind), *parts])

    def _busy(self) -> list[int]:
        return [day for day, size in self.sizes.items() if size]


@dataclass(frozen=True)
class Joined(Counted):
    """The attempts of several stretches of one campaign, oldest first."""

    parts: Sequence[Counted]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def quantity(self, name: str) -> Float64Array:
        return np.concatenate([np.empty(0), *(part.quantity(name) for part in self.parts)])

    def group(self, by: str) -> Coded:
        return merged([part.group(by) for part in self.parts])

    def leads(self) -> Int64Array:
        return np.concatenate([np.empty(0, np.int64), *(part.leads() for part in self.parts)])

    def days(self) -> Int64Array:
        return np.concatenate([np.empty(0, np.int64), *(part.days() for part in self.parts)])

    def ripe(self, at: int) -> BoolArray:
        return np.concatenate([np.empty(0, np.bool_), *(part.ripe(at) for part in self.parts)])


def merged(parts: Sequence[Coded]) -> Coded:
    """One column of all, one after the other."""
    levels = tuple(dict.fromkeys(level for part in parts for level in part.levels))
    codes = [np.append(part.recode(levels), -1)[part.codes] for part in parts]
    return Coded(levels, np.concatenate([np.empty(0, np.int64), *codes]))


def _coded(word: Coded) -> bytes:
    """The words, a line's end, and a code of two or four bytes for each attempt."""
    used = np.unique(word.codes[word.codes >= 0])
    place = np.full(len(word.levels) + 1, -1)
    place[used] = np.arange(used.size)
    kind = np.int16 if used.size <= np.iinfo(np.int16).max else np.int32
    words = orjson.dumps([word.levels[code] for code in used.tolist()])
    return compress(words + b"\n" + place[word.codes].astype(kind).tobytes(), 1)


def _decoded(told: bytes) -> Coded:
    words, _, codes = decompress(told).partition(b"\n")
    levels = tuple(orjson.loads(words))
    kind = np.int16 if len(levels) <= np.iinfo(np.int16).max else np.int32
    return Coded(levels, np.frombuffer(codes, kind).astype(np.int64))
