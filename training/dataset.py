"""Examples of a head: the calls that teach it, asked about as they began, labelled by what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features import Feature
from features.calls import CallLog, Moments, Outcome
from features.handed import Handed
from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND
from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array
from features.leads import LeadTable
from features.past import Past
from features.statistics.rate import Rate

from .head import Head, Per
from .ripening import ripe, sold_by

GRACE = DAY
"""A contact without a disposition counts as no sale once it is older than this, and as nothing before."""
PERIODS = (5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY)
"""Since a lead was received: where one period of its life ends and the next begins."""


@dataclass(frozen=True)
class Examples:
    """Moments in the order of time, each with its label and its weight.

    A label is 1 for a call that bears the mark, else 0; of an amount it is the logarithm.
    """

    moments: Moments
    label: Float64Array
    weight: Float64Array
    talk_s: Float32Array
    """How long each call was talked, which nobody knew as it began: `leaks.scan` looks for its echo."""
    drawn: Float64Array | None = None
    """With what chance a decision drew the lead of each call, NaN where none did; None: nobody knows."""

    @property
    def at(self) -> Int64Array:
        """When each call began."""
        return self.moments.at

    def __len__(self) -> int:
        return len(self.moments)

    def take(self, rows: Int64Array | BoolArray) -> "Examples":
        """The examples of some rows, in the order given."""
        drawn = None if self.drawn is None else self.drawn[rows]
        return Examples(
            self.moments.take(rows), self.label[rows], self.weight[rows], self.talk_s[rows], drawn
        )


def examples(past: Past, head: Head, until: int, handed: Handed | None = None) -> Examples:
    """The head's examples from the facts known strictly before `until`.

    A wrong or dead number counts as what the dialer saw, a failed attempt (`error`) not at all. A call's
    moment is its beginning, so its own outcome is never among its features.
    """
    log = past.log
    rows = _counted(past, head.per, until)
    rows = rows[np.argsort(log.started_at[rows], kind="stable")]
    label = _labels(past, head.of, rows, until)
    told = ~np.isnan(label)
    rows, label = rows[told], label[told]
    agent = log.agent[rows] if head.knows_agent else np.full(rows.size, -1)
    moments = Moments(log.lead[rows], agent, log.started_at[rows])
    drawn = None if handed is None else handed.at(moments, past.leads.lead_id)
    return Examples(moments, label, np.ones(rows.size), log.talk_s[rows], drawn)


def echoes(features: Sequence[Feature], leads: LeadTable) -> tuple[str, ...]:
    """The rates by a field of which these leads have one value at most: they repeat what the floor's say."""
    alone = {name for name, column in leads.coded.items() if len(column.levels) <= 1}
    return tuple(feature.name for feature in features if isinstance(feature, Rate) and feature.by in alone)


def _counted(past: Past, per: Per, until: int) -> Int64Array:
    """The calls that are examples."""
    log = past.log
    known = (log.known_at < until) & (log.outcome != Outcome.ERROR)
    told = log.disposed_known_at < until
    taken = log.answered & (log.outcome != Outcome.ABANDONED)
    settled = (told | (log.ended_at < until - GRACE)) & ripe(past, until)
    if per == "periods":
        return _first_of_period(past, np.flatnonzero(known & (settled | ~taken)), until)
    counted = {"calls": known, "answered": known & taken & settled, "sold": known & sold_by(past, until)}
    return np.flatnonzero(counted[per])


def _first_of_period(past: Past, rows: Int64Array, until: int) -> Int64Array:
    """Of these attempts the first of each lead in each of the `PERIODS` of its life, until its sale.

    The person-period form of a discrete-time hazard (Allison 1982; Singer and Willett 1993): a lead is at
    risk in a period if it was tried there while open. One without an attempt could not have sold.
    """
    log = past.log
    rows = rows[np.argsort(log.started_at[rows], kind="stable")]
    lead, at = log.lead[rows], log.started_at[rows]
    period = np.searchsorted(PERIODS, at - past.leads.received(lead, at), side="right")
    _, first = np.unique(lead * (len(PERIODS) + 1) + period, return_index=True)
    first.sort()
    sold_at = np.full(len(past.leads), NEVER)
    sold = np.flatnonzero(sold_by(past, until))
    np.minimum.at(sold_at, log.lead[sold], log.started_at[sold])
    return np.asarray(rows[first[at[first] <= sold_at[lead[first]]]])


def _labels(past: Past, of: str, rows: Int64Array, until: int) -> Float64Array:
    """What came of each call, by what a head is of; NaN where nobody can tell."""
    if of == "answered":
        return past.log.answered[rows].astype(np.float64)
    sold = sold_by(past, until)[rows]
    if of == "converted":
        return sold.astype(np.float64)
    return _deals(past, rows) if of == "value" else _paces(past, rows, sold, until)


def _deals(past: Past, rows: Int64Array) -> Float64Array:
    """The logarithm of what each sale brought, or else of what its lead was said to bring."""
    log = past.log
    said = past.leads.values(log.lead[rows], log.started_at[rows])
    value = np.where(log.value[rows] > 0, log.value[rows], said)
    return np.log(np.where(value > 0, value, np.nan))


def _paces(past: Past, rows: Int64Array, sold: BoolArray, until: int) -> Float64Array:
    """The logarithm of the seconds of each call over the mean of those that ended as it did."""
    means = handle_seconds(past, until)
    mean = np.where(sold, means.sale, means.contact)
    return np.log(np.maximum(_lasted(past.log)[rows], 1.0) / mean)


def _lasted(log: CallLog) -> Float64Array:
    """Seconds that each call took an agent: talk, hold and wrap-up, never less than its own length.

    In preview and power mode an agent waits while it rings.
    """
    return np.fmax(log.handle_s.astype(np.float64), (log.ended_at - log.started_at) / SECOND)


@dataclass(frozen=True)
class HandleSeconds:
    """Mean seconds of an agent by how a call ends: nobody, a human who doesn't buy, one who does."""

    no_answer: float
    contact: float
    sale: float

    def expected(
        self, answer: Float64Array, conversion: Float64Array, pace: Float64Array | float = 1.0
    ) -> Float64Array:
        """Seconds that an attempt is expected to take: the means, weighted by their chances.

        A conversation takes `pace` times the mean of those that end as it does.
        """
        spoken = pace * ((1 - conversion) * self.contact + conversion * self.sale)
        return np.asarray((1 - answer) * self.no_answer + answer * spoken)


PRIOR_SECONDS = HandleSeconds(26.0, 255.0, 620.0)
PRIOR_CALLS = 50
"""The means are shrunk as if this many calls of the prior length had been made."""
PRIOR_SALES = 20
"""The mean deal is shrunk as if so many sales more had brought what leads are said to be worth."""


def handle_seconds(past: Past, until: int) -> HandleSeconds:
    """The means of the calls known before `until`, shrunk to `PRIOR_SECONDS`."""
    log = past.log
    lasted = _lasted(log)
    known = (log.known_at < until) & (log.outcome != Outcome.ERROR)
    sold = sold_by(past, until)
    return HandleSeconds(
        no_answer=_shrunk(lasted[known & ~log.answered], PRIOR_SECONDS.no_answer, PRIOR_CALLS),
        contact=_shrunk(lasted[known & log.answered & ~sold], PRIOR_SECONDS.contact, PRIOR_CALLS),
        sale=_shrunk(lasted[known & log.answered & sold], PRIOR_SECONDS.sale, PRIOR_CALLS),
    )


def mean_deal(past: Past, until: int) -> float:
    """What a sale brings on average, shrunk to what leads are said to be worth; 1 where nobody tells."""
    log = past.log
    deals = log.value[sold_by(past, until) & (log.value > 0)]
    said = past.leads.value[past.leads.value > 0]
    if not said.size:
        return float(deals.mean()) if deals.size else 1.0
    return _shrunk(deals, float(said.mean()), PRIOR_SALES)


def _shrunk(amounts: Float64Array, prior: float, weight: int) -> float:
    return float((amounts.sum() + prior * weight) / (amounts.size + weight))
