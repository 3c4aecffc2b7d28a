"""Floors whose leads have windows that are known: one for all, one by kind, one of their own, or none."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from features import Moments, Past, compute, for_leads
from features.calls import COLUMNS, CallLog, Outcome
from features.compute import FeatureMatrix
from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND
from features.kernel import BoolArray, Float64Array, Int64Array
from features.leads import FIELDS, AttributeHistory, Coded, LeadTable
from serving.rules.hours import Ahead
from tests.builders import MONDAY
from training.dataset import Examples, examples
from training.heads.answer import HEAD

KINDS = ("early", "late", "noon", "weekend")
LEGAL = np.array([8 <= hour % 24 < 21 for hour in range(168)])
Make = Literal["flat", "one", "kind", "own"]


@dataclass(frozen=True)
class Rhythms:
    """A past, the instant at which it ends, and the true log-odds of every lead at every hour of its week."""

    past: Past
    until: int
    truth: Float64Array
    """(leads, 168)."""

    def taught(self) -> tuple[FeatureMatrix, Examples]:
        """What the answer head would be taught."""
        found = examples(self.past, HEAD, self.until)
        return compute(self.past, found.moments, for_leads(self.past.leads)), found

    def now(self) -> FeatureMatrix:
        """What is known of all leads at the end."""
        rows = np.arange(len(self.past.leads))
        return compute(self.past, Moments.at_once(rows, self.until), for_leads(self.past.leads))

    def ahead(self) -> Ahead:
        """The hours to come, those of UTC."""
        leads = len(self.past.leads)
        starts = self.until - self.until % HOUR + HOUR * np.arange(168)
        hour = (starts - MONDAY) // HOUR % 168
        return Ahead(*(np.tile(column, (leads, 1)) for column in (starts, hour, LEGAL[hour])))


def rhythms(
    make: Make,
    seed: int = 1,
    leads: int = 1_500,
    each: int = 4,
    *,
    confounded: bool = False,
    height: float = 1.5,
) -> Rhythms:
    """Leads called `each` times in four weeks, at random hours or, `confounded`, the good ones early."""
    rng = np.random.default_rng(seed)
    kind, need = rng.integers(0, len(KINDS), leads), rng.normal(size=leads)
    level = -1.2 + 0.7 * need + 0.4 * (kind == 1) + rng.normal(0, 0.4, leads)
    truth = level[:, None] + height * (_planted(make, kind, rng) - 0.25)
    lead = np.tile(np.arange(leads), each)
    hour = _hours(lead, -need if confounded else None, rng)
    week = rng.integers(0, 4, lead.size)
    started = MONDAY + week * 7 * DAY + hour * HOUR + rng.integers(0, 3600, lead.size) * SECOND
    order = np.argsort(started, kind="stable")
    answered = rng.random(lead.size) < 1 / (1 + np.exp(-truth[lead, hour]))
    log = _log(lead[order], started[order], answered[order])
    return Rhythms(Past(log, _leads(kind, need)), MONDAY + 28 * DAY, truth)


def _planted(make: Make, kind: Int64Array, rng: np.random.Generator) -> Float64Array:
    """1 in a lead's window, else 0; (leads, 168)."""
    day, hour = np.divmod(np.arange(168), 24)
    shapes = np.array(
        [hour < 11, hour >= 18, (hour >= 12) & (hour < 14), (day == 5) & (hour < 18)], np.float64
    )
    of = {"flat": np.zeros(kind.size, int), "one": np.zeros(kind.size, int), "kind": kind}
    own = rng.integers(0, 3, kind.size)
    return np.zeros((kind.size, 168)) if make == "flat" else shapes[own if make == "own" else of[make]]


def _hours(lead: Int64Array, late: Float64Array | None, rng: np.random.Generator) -> Int64Array:
    """An hour of the week for each call, Monday to Saturday, 8 to 20; of a day later for who is `late`."""
    day = rng.integers(0, 6, lead.size)
    if late is None:
        return day * 24 + rng.integers(8, 21, lead.size)
    rank = np.argsort(np.argsort(late[lead] + rng.normal(0, 0.3, lead.size)))
    return day * 24 + 8 + np.minimum(13 * rank // lead.size, 12)


def _log(lead: Int64Array, started: Int64Array, answered: BoolArray) -> CallLog:
    ended, refused = started + MINUTE, int(Outcome.CONTACT_REFUSED)
    told = {
        "lead": lead,
        "agent": np.full(lead.size, -1),
        "started_at": started,
        "ended_at": ended,
        "known_at": ended,
        "disposed_at": np.where(answered, ended, NEVER),
        "disposed_known_at": np.where(answered, ended, NEVER),
        "outcome": np.where(answered, refused, int(Outcome.NO_ANSWER)),
        "disposition": np.where(answered, refused, -1),
        "answered": answered,
    }
    return CallLog(
        **{name: np.asarray(told.get(name, np.zeros(lead.size)), of) for name, of in COLUMNS.items()}
    )


def _leads(kind: Int64Array, need: Float64Array) -> LeadTable:
    rows, created = np.arange(kind.size), np.full(kind.size, MONDAY - 10 * DAY)
    since = (created + SECOND).tolist()
    coded = dict.fromkeys(FIELDS, Coded((), np.full(kind.size, -1)))
    coded |= {"channel": Coded(KINDS, kind), "campaign": Coded(("spring",), np.zeros(kind.size, np.int64))}
    needs = AttributeHistory.of(kind.size, rows.tolist(), since, need.tolist())
    ids = tuple(f"lead-{row}" for row in rows)
    return LeadTable(ids, created, np.full(kind.size, np.nan), coded, {"need": needs})
