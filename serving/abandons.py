"""Abandons: live answers of late and how many were abandoned, by campaign and rule; what a cap makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from features.calls import Outcome
from features.columns import Columns
from features.instants import HOUR
from features.kernel import Int64Array

from .jurisdictions import Abandonment
from .tally import Calls, calls_of, retell, retold

NEAR = 0.8
"""From this share of a cap on polls give less."""

REST = 1 / 3
"""At the cap they give so much of what was asked: predictive dialers have about three lines for each agent,
and where each agent has one nobody is abandoned."""

_OF_CALLS = ("campaign", "lead", "started_at")
_TOLD = ("campaign", "rule", "started_at", "live", "lost")


@dataclass(frozen=True)
class Nearness:
    """Where a campaign stands with one rule; shares in percent."""

    rule: str
    within_h: int
    live_answers: int
    """Of leads whom the rule protects."""
    abandoned: int
    rate: float
    cap: float
    pace: float
    """What a poll gives of what it asks for."""


def pace(live: int, lost: int, cap: float) -> float:
    """All up to NEAR of the cap, from there on less in a straight line, REST at the cap and above.

    While the cap allows less than one call, so few live answers say nothing.
    """
    if live * cap < 1:
        return 1.0
    left = (1 - lost / live / cap) / (1 - NEAR)
    return REST + (1 - REST) * min(max(left, 0.0), 1.0)


def shrunk(n: int, due: int, slowest: float) -> int:
    """How many leads a poll gives that asks for `n` while `due` callbacks wait: those are never held back."""
    return max(min(n, due), int(np.ceil(n * slowest - 1e-9)))


@dataclass
class _Window:
    """One campaign's live answers under one rule that started after `since`."""

    since: int
    live: int
    lost: int
    calls: list[tuple[int, int]]
    """(start, call), a heap; some say something else by now."""


class Abandons:
    """Counts over windows that move with the clock."""

    def __init__(self, rules: Sequence[Abandonment]) -> None:
        self._rules = rules
        kinds = dict.fromkeys(_TOLD, np.int64) | dict.fromkeys(("live", "lost", "counted"), np.bool_)
        self._told = Columns(kinds)
        """Each call as it is counted, and whether it is in its window."""
        self._windows: dict[tuple[int, int], _Window] = {}

    def follow(self, calls: Calls, touched: Int64Array, place: Int64Array, rule: Int64Array) -> None:
        """Take over new calls, and what is said anew of these leads'; `place` by lead, `rule` by place."""
        first = len(self._told)
        theirs = calls_of(calls, touched) if first else np.arange(len(calls))
        now = {name: calls.columns[name][theirs] for name in _OF_CALLS}
        now["rule"] = rule[place[now.pop("lead")]]
        now["lost"] = calls.columns["abandoned"][theirs] & (
            calls.columns["disposition"][theirs] != Outcome.MACHINE
        )
        now["live"] = calls.columns["answered"][theirs].astype(np.bool_) | now["lost"]
        differs = retold(self._told, theirs, now)
        self._leave(theirs[differs])
        retell(self._told, theirs, now)
        self._come(theirs[(differs | (theirs >= first)) & now["live"]])

    def of(self, campaign: int, cap: float, at: int) -> tuple[Nearness, ...]:
        """Where a campaign with that cap stands with each rule that protects somebody who answered."""
        found = []
        for number, rule in enumerate(self._rules):
            window, most = self._moved((campaign, number), at - rule.within), min(cap, rule.most)
            if window.live:
                found.append(
                    Nearness(
                        rule=rule.id,
                        within_h=rule.within // HOUR,
                        live_answers=window.live,
                        abandoned=window.lost,
                        rate=100 * window.lost / window.live,
                        cap=100 * most,
                        pace=pace(window.live, window.lost, most),
                    )
                )
        return tuple(found)

    def _moved(self, key: tuple[int, int], since: int) -> _Window:
        """The window of a campaign and rule, with what started up to `since` let go."""
        window = self._windows.get(key)
        if window is None or since < window.since:
            return self._opened(key, since)
        window.since = since
        while window.calls and window.calls[0][0] <= since:
            start, call = heappop(window.calls)
            if self._told["started_at"][call] == start and self._key(call) == key:
                self._leave(np.array([call]))
        return window

    def _opened(self, key: tuple[int, int], since: int) -> _Window:
        told = self._told
        mine = (told["campaign"] == key[0]) & (told["rule"] == key[1]) & told["live"]
        told["counted"][mine] = False
        calls = np.flatnonzero(mine & (told["started_at"] > since))
        calls = calls[np.argsort(told["started_at"][calls], kind="stable")]
        told["counted"][calls] = True
        heap = list(zip(told["started_at"][calls].tolist(), calls.tolist(), strict=True))
        lost = int(np.count_nonzero(told["lost"][calls]))
        window = self._windows[key] = _Window(since, calls.size, lost, heap)
        return window

    def _come(self, calls: Int64Array) -> None:
        """Count live answers, where their window is open and they are in it."""
        for call in calls.tolist() if self._windows else ():
            window, start = self._windows.get(self._key(call)), int(self._told["started_at"][call])
            if window is not None and start > window.since:
                heappush(window.calls, (start, call))
                self._count(window, call, 1)

    def _leave(self, calls: Int64Array) -> None:
        """Count calls no longer."""
        for call in calls[self._told["counted"][calls]].tolist():
            self._count(self._windows[self._key(call)], call, -1)

    def _count(self, window: _Window, call: int, sign: int) -> None:
        window.live += sign
        window.lost += sign * int(self._told["lost"][call])
        self._told["counted"][call] = sign > 0

    def _key(self, call: int) -> tuple[int, int]:
        return int(self._told["campaign"][call]), int(self._told["rule"][call])
