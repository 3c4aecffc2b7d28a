"""The slow, obvious twin of a lineup: every lead of the ledger judged and sorted anew for one poll."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from features.instants import NEVER, SECOND
from features.kernel import BoolArray, Float64Array, Int64Array
from serving.budget import BUDGET
from serving.desk import Desk
from serving.handout import Order
from serving.insight import next_callable
from serving.ranking.arms import HOLDOUT, place_of
from serving.ranking.exploration import generator
from serving.ranking.fairness import Account
from serving.ranking.orders import ORDERS
from serving.ranking.policy import Policy
from serving.ranking.queue import RANKED_ARMS, TRIED, Candidates, rank
from serving.ranking.value import value_per_second
from serving.rule import callback_due
from serving.standing import Standing
from serving.verdicts import Verdicts, judge_all
from serving.view import View, passing


@dataclass(frozen=True)
class Sorted(Candidates):
    """The leads that may be called now, as a `ranking.queue.Field` that sorts them all."""

    policy: Policy = field(default_factory=Policy)

    @property
    def scored(self) -> bool:
        return not np.isnan(self.score[self._others(RANKED_ARMS)]).any()

    def waiting(self, arm: int) -> int:
        return int(self._others(arm).size)

    def due(self) -> Int64Array:
        due = np.flatnonzero(self.callback_at < NEVER)
        return due[np.lexsort((self.row[due], self.callback_at[due]))]

    def first(self, arm: int, most: int) -> Int64Array:
        mine = self._others(arm)
        by_score, name = arm in self.policy.drawn, self.policy.arms[arm].order
        if by_score and self.scored:
            return mine[np.argsort(-self.score[mine], kind="stable")][:most]
        order = ORDERS["newest" if by_score else name]
        first, second = order(self.created_at[mine], self.attempts[mine], self.last_call_at[mine])
        return mine[np.lexsort((second, first))][:most]

    def numbered(self, arm: int, numbers: Int64Array) -> Int64Array:
        return self._others(arm)[numbers]

    def untried(self) -> tuple[Int64Array, Int64Array]:
        mine = self._others(RANKED_ARMS)
        origin, count = np.unique(self.origin[mine][self.attempts[mine] == 0], return_counts=True)
        return origin, count

    def untried_of(self, origin: int, numbers: Int64Array) -> Int64Array:
        mine = self._others(RANKED_ARMS)
        wanted = (self.attempts[mine] == 0) & (self.origin[mine] == origin)
        return np.asarray(mine[wanted][numbers])

    def origin_of(self, places: Int64Array) -> Int64Array:
        return np.where(self.attempts[places] == 0, self.origin[places], TRIED)

    def index_of(self, places: Int64Array) -> Float64Array:
        return self.score[places]

    def seconds_of(self, places: Int64Array) -> Float64Array:
        return self.seconds[places]

    def _others(self, arm: int) -> Int64Array:
        mine = np.isin(self.arm, self.policy.drawn if arm == RANKED_ARMS else [arm])
        return np.flatnonzero((self.callback_at == NEVER) & mine)


@dataclass(frozen=True)
class Floor:
    """A campaign's leads at an instant: their rows in the ledger, how they stand, what the rules say."""

    rows: Int64Array
    standing: Standing
    verdicts: Verdicts
    filtered: int
    """The campaign's other leads, which the order leaves out."""

    @property
    def withheld(self) -> dict[str, int]:
        """Leads not offered, by reason."""
        return self.verdicts.withheld | ({"filtered": self.filtered} if self.filtered else {})

    @property
    def by_zone(self) -> dict[str, dict[str, int]]:
        """Callable and withheld leads by time zone."""
        found: dict[str, dict[str, int]] = {}
        for zone, forbidden in zip(
            self.standing.zone.tolist(), self.verdicts.forbidden.tolist(), strict=True
        ):
            name = "+".join(self.standing.zones[zone]) if zone >= 0 else "unknown"
            told = found.setdefault(name, {"callable": 0, "withheld": 0})
            told["withheld" if forbidden else "callable"] += 1
        return found


def floor_of(desk: Desk, campaign: str, at: int, order: Order) -> Floor:
    """The campaign's leads that pass the order's filters, with the verdict on each."""
    book, caps = desk.ledger.leads, desk.plan(campaign, at).caps
    mine: BoolArray = (book.columns["campaign"] == book.code("campaign", campaign)) & ~book.columns["erased"]
    whole = int(mine.sum())
    for name, words in (("channel", order.channels), ("region", order.regions), ("list", order.lists)):
        if words:
            mine &= np.isin(book.columns[name], [book.code(name, word) for word in words])
    mine[[row for row in map(book.row, order.exclude) if row is not None]] = False
    rows = np.flatnonzero(mine)
    standing = desk.roster.standing(rows, caps, at)
    return Floor(rows, standing, judge_all(standing, caps, at), whole - rows.size)


def candidates_of(desk: Desk, campaign: str, floor: Floor, at: int) -> Sorted:
    """Those whom no rule forbids, with the scores that the sheet has."""
    plan, free = desk.plan(campaign, at), ~floor.verdicts.forbidden
    rows, standing = floor.rows[free], floor.standing.take(free)
    told = desk.sheet.of(rows)
    worth = value_per_second(told.p_answer, told.p_convert, plan.worth(told.value), told.seconds)
    scored = desk.models.champion() is not None
    return Sorted(
        row=rows,
        arm=np.array([arm_of(desk, row, plan.policy) for row in rows.tolist()], np.int8),
        score=worth if scored else np.full(rows.size, np.nan),
        seconds=told.seconds if scored else np.full(rows.size, 60.0),
        callback_at=np.where(callback_due(standing, at), standing.callback_at, NEVER),
        created_at=standing.created_at,
        attempts=standing.attempts,
        last_call_at=standing.last_call_at,
        origin=desk.ledger.leads.columns["source"][rows],
        policy=plan.policy,
    )


def assert_agrees(desk: Desk, campaign: str, at: int, order: Order) -> None:
    """What a poll would be answered from is what all leads, judged anew, say."""
    desk.follow(at)
    with passing(desk.lineup(campaign, at), desk.ledger.leads, order) as view:
        desk._score(view)
        floor = floor_of(desk, campaign, at, order)
        twin, policy = candidates_of(desk, campaign, floor, at), desk.plan(campaign, at).policy
        assert view.withheld() == floor.withheld
        assert view.next_callable() == next_callable(floor.verdicts.until, at)
        if not (order.channels or order.regions or order.lists or order.exclude):
            assert view.by_zone() == floor.by_zone
        by_reason: Counter[str] = sum(map(Counter, view.withheld_by_zone().values()), Counter())
        assert by_reason == +Counter(floor.verdicts.withheld)
        free = view.candidates()
        assert free.row.tolist() == twin.row.tolist()
        now, age = view.ahead(2)[0], view.rank_age()
        assert (now.starts_at, now.callable) == (view.lineup.at, len(free))
        if age is not None:
            assert (age.scored, age.unscored) == (len(free), 0)
        if desk.models.champion() is not None:
            created_at, rows = floor.standing.created_at[~floor.verdicts.forbidden], free.row
            assert not desk.sheet.stale(rows, created_at, at).any()
        account = account_of(desk, campaign, policy, at)
        assert desk.account(campaign, at) == account
        assert_ranked_alike(view, twin, account, f"{at}", order.n)
        if policy.fairness_floor:
            assert [one.tolist() for one in view.untried()] == [one.tolist() for one in twin.untried()]


def assert_ranked_alike(view: View, twin: Sorted, account: Account, key: str, n: int) -> None:
    """Both give the same queue with the same chances."""
    mine, theirs = (rank(one, n, twin.policy, account, generator(key)) for one in (view, twin))
    assert view.rows(mine.place).tolist() == twin.row[theirs.place].tolist()
    for name in ("source", "kin"):
        assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name
    for ours, others in zip(mine.arms, theirs.arms, strict=True):
        assert np.array_equal(ours.phi, others.phi)
        assert np.array_equal(ours.keys, others.keys)
    first = np.arange(min(n, mine.place.size))
    np.testing.assert_array_equal(mine.propensity(n, first), theirs.propensity(n, first))


def arm_of(desk: Desk, row: int, policy: Policy) -> int:
    """A lead's arm by what the decision page says: the holdout's share first, then the experiment's."""
    salt, lead, experiment = desk.roster.salt, desk.ledger.leads.ids[row], policy.experiment
    if place_of(salt, "holdout", lead) < policy.holdout:
        return HOLDOUT
    ends = np.cumsum([arm.share for arm in experiment.arms]) if experiment else np.ones(1)
    place = place_of(salt, experiment.name, lead) if experiment else 0.0
    number = next((one for one, end in enumerate(ends.tolist()) if place < end), ends.size - 1)
    return (0, 2, 3, 4)[number]


def account_of(desk: Desk, campaign: str, policy: Policy, at: int) -> Account:
    """What the campaign's calls within the budget time, and within the experiment, were spent on."""
    calls, since = desk.ledger.calls.columns, policy.experiment.since if policy.experiment else 0
    code = desk.ledger.leads.code("campaign", campaign)
    mine = (calls["campaign"] == code) & (calls["started_at"] > max(at - BUDGET, since))
    arm = np.array([arm_of(desk, lead, policy) for lead in calls["lead"].tolist()], np.int64)
    micros = np.rint(calls["handle_s"].astype(np.float64) * SECOND).astype(np.int64)
    firsts: Counter[int] = Counter()
    for lead in np.unique(calls["lead"]).tolist():
        theirs = np.flatnonzero(calls["lead"] == lead)
        first = theirs[np.argmin(calls["started_at"][theirs])]
        if mine[first] and arm[first] in policy.drawn:
            firsts[int(desk.ledger.leads.columns["source"][lead])] += 1
    spent = tuple(int(micros[mine & (arm == one)].sum()) / SECOND for one in range(len(policy.arms)))
    return Account(spent, int((mine & np.isin(arm, policy.drawn)).sum()), tuple(sorted(firsts.items())))
