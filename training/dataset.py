"""Examples of a head: the calls that teach it, asked about as they began, labelled by what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features import Feature
from features.calls import CallLog, Moments, Outcome
from features.instants import DAY, SECOND
from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array
from features.leads import LeadTable
from features.past import Past
from features.statistics.rate import Rate

from .head import Head, Per

GRACE = DAY
"""A contact without a disposition counts as no sale once it is older than this, and as nothing before."""


@dataclass(frozen=True)
class Examples:
    """Moments in the order of time, each with its label (1 = bears the mark, else 0) and its weight."""

    moments: Moments
    label: Float64Array
    weight: Float64Array
    talk_s: Float32Array
    """How long each call was talked, which nobody knew as it began: `leaks.scan` looks for its echo."""

    @property
    def at(self) -> Int64Array:
        """When each call began."""
        return self.moments.at

    def __len__(self) -> int:
        return len(self.moments)

    def take(self, rows: Int64Array | BoolArray) -> "Examples":
        """The examples of some rows, in the order given."""
        return Examples(self.moments.take(rows), self.label[rows], self.weight[rows], self.talk_s[rows])


def examples(past: Past, head: Head, until: int) -> Examples:
    """The head's examples from the facts known strictly before `until`.

    A wrong or dead number counts as what the dialer saw, a failed attempt (`error`) not at all. A call's
    moment is its beginning, so its own outcome is never among its features.
    """
    log = past.log
    rows = np.flatnonzero(_counted(log, head.per, until))
    rows = rows[np.argsort(log.started_at[rows], kind="stable")]
    agent = log.agent[rows] if head.knows_agent else np.full(rows.size, -1)
    label = log.answered[rows] if head.of == "answered" else _sold(log, until)[rows]
    moments = Moments(log.lead[rows], agent, log.started_at[rows])
    return Examples(moments, label.astype(np.float64), np.ones(rows.size), log.talk_s[rows])


def echoes(features: Sequence[Feature], leads: LeadTable) -> tuple[str, ...]:
    """The rates by a field of which these leads have one value at most: they repeat what the floor's say."""
    alone = {name for name, column in leads.coded.items() if len(column.levels) <= 1}
    return tuple(feature.name for feature in features if isinstance(feature, Rate) and feature.by in alone)


def _counted(log: CallLog, per: Per, until: int) -> BoolArray:
    known = (log.known_at < until) & (log.outcome != Outcome.ERROR)
    if per == "calls":
        return np.asarray(known)
    told = log.disposed_known_at < until
    taken = log.answered & (log.outcome != Outcome.ABANDONED)
    return np.asarray(known & taken & (told | (log.ended_at < until - GRACE)))


def _sold(log: CallLog, until: int) -> BoolArray:
    return np.asarray(log.converted & (log.disposed_known_at < until))


@dataclass(frozen=True)
class HandleSeconds:
    """Mean seconds of an agent by how a call ends: nobody, a human who doesn't buy, one who does."""

    no_answer: float
    contact: float
    sale: float

    def expected(self, answer: Float64Array, conversion: Float64Array) -> Float64Array:
        """Seconds that an attempt is expected to take: the means, weighted by their chances."""
        spoken = (1 - conversion) * self.contact + conversion * self.sale
        return np.asarray((1 - answer) * self.no_answer + answer * spoken)


PRIOR_SECONDS = HandleSeconds(26.0, 255.0, 620.0)
PRIOR_CALLS = 50
"""The means are shrunk as if this many calls of the prior length had been made."""


def handle_seconds(past: Past, until: int) -> HandleSeconds:
    """The means of the calls known before `until`, shrunk to `PRIOR_SECONDS`.

    A call takes its talk, hold and wrap-up, but never less than its own length: in preview and power mode an
    agent waits while it rings. A first estimate: the same for every lead.
    """
    log = past.log
    lasted = np.fmax(log.handle_s.astype(np.float64), (log.ended_at - log.started_at) / SECOND)
    known = (log.known_at < until) & (log.outcome != Outcome.ERROR)
    sold = _sold(log, until)
    return HandleSeconds(
        no_answer=_shrunk(lasted[known & ~log.answered], PRIOR_SECONDS.no_answer),
        contact=_shrunk(lasted[known & log.answered & ~sold], PRIOR_SECONDS.contact),
        sale=_shrunk(lasted[known & log.answered & sold], PRIOR_SECONDS.sale),
    )


def _shrunk(seconds: Float64Array, prior: float) -> float:
    return float((seconds.sum() + prior * PRIOR_CALLS) / (seconds.size + PRIOR_CALLS))
