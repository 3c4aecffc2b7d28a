"""Switchbacks: rules of a whole campaign tried by days: which days they are, and what holds at an instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from features.instants import NEVER
from features.site import Site

from .kpi.switchback import SIDES, Deal
from .ranking.arms import place_of
from .ranking.policy import Experiment

SIDE = "side"
"""Where the settings in force name the side of a switchback that their day is."""


@dataclass(frozen=True)
class Switchback:
    """Rules that hold, in [since, until), on one day of each block of two; chance says on which."""

    name: str
    rules: Mapping[str, Any]
    """The settings that hold on the days that are on."""
    beside: Mapping[str, Any]
    """What the campaign is told of the same on the others, and whatever else stays meanwhile."""
    since: int = 0
    """A midnight of the campaign's clock."""
    until: int = NEVER

    @cached_property
    def site(self) -> Site:
        """Whose days are dealt."""
        return Site.of(self.beside)

    @cached_property
    def first(self) -> int:
        """The first day of the first block."""
        return self.site.day(self.since)

    def on(self, salt: bytes, day: int) -> bool:
        """Whether a local day is on: by a keyed hash of name and block, the other one of its two isn't."""
        block, second = divmod(day - self.first, 2)
        begins_on = place_of(salt, f"switchback\n{self.name}", str(block)) < 0.5
        return begins_on != bool(second)

    def side(self, salt: bytes, day: int) -> str:
        """The name of a day's side."""
        return self.named(self.on(salt, day))

    def named(self, on: bool) -> str:
        """The name of the days that are on, or of the others."""
        return f"{self.name}:{SIDES[on]}"

    def deal(self, salt: bytes, since: int, until: int) -> Deal:
        """The blocks whole within [since, until); those before the begin as they would have been dealt."""
        begins, ends = self.site.day(since - 1) + 1, self.site.day(until)
        low, high = -((self.first - begins) // 2), (ends - self.first) // 2
        days = range(self.first + 2 * low, self.first + 2 * max(low, high))
        return Deal(np.array(days, np.int64), np.array([self.on(salt, day) for day in days], np.bool_))

    def span(self, deal: Deal) -> tuple[int, int]:
        """From when until when the days of a deal last."""
        if not deal.day.size:
            return self.since, self.since
        return self.site.begins(int(deal.day[0])), self.site.begins(int(deal.day[-1]) + 1)


Test = TypeVar("Test", Experiment, Switchback)
"""Either is asked for, begins and ends alike."""


def switchbacks_of(settings: Mapping[str, object]) -> list[Switchback]:
    """All switchbacks that a campaign had or is to have, in the order in which they were asked for."""
    told = cast("Sequence[Mapping[str, Any]]", settings.get("switchbacks") or ())
    return [Switchback(**one) for one in told]


def in_force(settings: Mapping[str, object], salt: bytes, at: int) -> Mapping[str, object]:
    """A campaign's settings as they hold at an instant, with the rules of the day."""
    found = next((one for one in switchbacks_of(settings) if one.since <= at < one.until), None)
    if found is None:
        return settings
    day = found.site.day(at)
    rules = found.rules if found.on(salt, day) else {}
    return {**settings, **overlaid(settings, rules), SIDE: found.side(salt, day)}


def overlaid(settings: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    """What those rules make of the settings that they speak of; a cap that they don't name stays."""
    return {
        name: {**(settings.get(name) or {}), **said} if isinstance(said, Mapping) else said
        for name, said in rules.items()
    }
