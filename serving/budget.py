"""Budget: the agent seconds that a campaign's calls took of late, by arm, kept from call to call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from features.columns import Columns
from features.instants import DAY, SECOND
from features.kernel import Int8Array, Int64Array

from .ranking.fairness import Account
from .ranking.policy import Policy
from .ranking.queue import TRIED
from .tally import Calls, calls_of, retell, retold

ArmOf = Callable[[Int64Array, Policy], Int8Array]
"""(leads, policy) -> the number of each one's arm."""

BUDGET = 7 * DAY
"""Arms are kept at their shares of the agent seconds spent within this time."""

_OF_CALLS = ("campaign", "lead", "started_at", "handle_s")
_TOLD = (*_OF_CALLS, "opens")
"""What is counted of a call; `opens`: its lead's source if it is the lead's first call ever, else TRIED."""


@dataclass
class _Window:
    """One campaign's calls that started after `since`."""

    policy: Policy
    since: int
    spent: list[int]
    """Microseconds, by arm."""
    calls: Int64Array
    """Those that were in it as it began, by their starts."""
    starts: Int64Array
    dials: int = 0
    """Of the arms that the model ranks."""
    firsts: dict[int, int] = field(default_factory=dict)
    """By source how many of those were a lead's first."""
    gone: int = 0
    """So many of these have left."""
    later: list[tuple[int, int]] = field(default_factory=list)
    """(start, call) of those that came since, a heap."""
    account: Account | None = None
    """What all this makes, None if it was counted on since."""


class Budget:
    """Sums over a window that moves with the clock, of whole microseconds: nothing is lost by rounding."""

    def __init__(self, arm_of: ArmOf) -> None:
        kinds = dict.fromkeys(_TOLD, np.int64) | {"handle_s": np.float64, "counted": np.bool_}
        self._told = Columns(kinds)
        """Each call as it is counted, and whether it is in its campaign's window."""
        self._windows: dict[int, _Window] = {}
        self.arm_of = arm_of

    def follow(self, calls: Calls, touched: Int64Array, origin: Int64Array) -> None:
        """Take over new calls, and what is said anew of these leads'; `origin`: by lead its source."""
        first = len(self._told)
        theirs = calls_of(calls, touched) if first else np.arange(len(calls))
        now = {name: calls.columns[name][theirs] for name in _OF_CALLS}
        now["opens"] = _opened_by(theirs, now["lead"], now["started_at"], origin)
        differs = retold(self._told, theirs, now)
        self._leave(theirs[differs])
        retell(self._told, theirs, now)
        self._come(theirs[differs | (theirs >= first)])

    def account(self, campaign: int, policy: Policy, at: int) -> Account:
        """What the campaign's calls within the budget time before `at` were spent on.

        An experiment's arms begin with nothing spent: what was called before it was called by none of them.
        """
        begins = 0 if policy.experiment is None else policy.experiment.since
        since, window = max(at - BUDGET, begins), self._windows.get(campaign)
        if window is None or window.policy != policy or since < window.since:
            window = self._windows[campaign] = self._opened(campaign, policy, since)
        self._move(window, campaign, since)
        if window.account is None:
            firsts = tuple(sorted((origin, dials) for origin, dials in window.firsts.items() if dials))
            spent = tuple(micros / SECOND for micros in window.spent)
            window.account = Account(spent, window.dials, firsts)
        return window.account

    def _opened(self, campaign: int, policy: Policy, since: int) -> _Window:
        mine = self._told["campaign"] == campaign
        self._told["counted"][mine] = False
        calls = np.flatnonzero(mine & (self._told["started_at"] > since))
        calls = calls[np.argsort(self._told["started_at"][calls], kind="stable")]
        nothing = [0] * len(policy.arms)
        window = _Window(policy, since, nothing, calls, self._told["started_at"][calls])
        self._count(window, calls, 1)
        return window

    def _move(self, window: _Window, campaign: int, since: int) -> None:
        """Let go of the campaign's calls that started up to `since`; those another has now stay there."""
        started_at, owner = self._told["started_at"], self._told["campaign"]
        end = int(np.searchsorted(window.starts, since, side="right"))
        if end > window.gone:
            gone = window.calls[window.gone : end]
            self._leave(gone[(started_at[gone] <= since) & (owner[gone] == campaign)])
        while window.later and window.later[0][0] <= since:
            start, call = heappop(window.later)
            if started_at[call] == start and owner[call] == campaign:
                self._leave(np.array([call]))
        window.since, window.gone = since, max(end, window.gone)

    def _come(self, calls: Int64Array) -> None:
        """Count calls that are within their campaign's window, if it has one."""
        campaign, start = self._told["campaign"][calls], self._told["started_at"][calls]
        for name, window in self._windows.items():
            mine = (campaign == name) & (start > window.since)
            if np.any(mine):
                self._count(window, calls[mine], 1)
                for one in zip(start[mine].tolist(), calls[mine].tolist(), strict=True):
                    heappush(window.later, one)

    def _leave(self, calls: Int64Array) -> None:
        """Count calls no longer."""
        calls = calls[self._told["counted"][calls]]
        for campaign in np.unique(self._told["campaign"][calls]).tolist():
            mine = calls[self._told["campaign"][calls] == campaign]
            self._count(self._windows[campaign], mine, -1)

    def _count(self, window: _Window, calls: Int64Array, sign: int) -> None:
        window.account = None
        arm = self.arm_of(self._told["lead"][calls], window.policy)
        micros = np.rint(self._told["handle_s"][calls] * SECOND).astype(np.int64)
        for one in range(len(window.spent)):
            window.spent[one] += sign * int(micros[arm == one].sum())
        ours = np.isin(arm, window.policy.drawn)
        window.dials += sign * int(np.count_nonzero(ours))
        opened = self._told["opens"][calls[ours]]
        for origin, dials in zip(*np.unique(opened[opened != TRIED], return_counts=True), strict=True):
            window.firsts[int(origin)] = window.firsts.get(int(origin), 0) + sign * int(dials)
        self._told["counted"][calls] = sign > 0


def _opened_by(call: Int64Array, lead: Int64Array, started_at: Int64Array, origin: Int64Array) -> Int64Array:
    """Of all calls of some leads: the lead's source for its first call, TRIED for the others."""
    order = np.lexsort((call, started_at, lead))
    first = order[np.diff(lead[order], prepend=-1) != 0]
    found = np.full(call.size, TRIED)
    found[first] = origin[lead[first]]
    return found
