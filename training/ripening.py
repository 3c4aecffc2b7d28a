"""Ripening: which contacts sold within their campaign's horizon, and which may still do so."""

import numpy as np

from features.kernel import BoolArray
from features.past import Past

SURE = 0.9
"""A contact is ripe once this share of its campaign's sales would have been told."""
LEAST_SALES = 20
"""Of fewer sales nobody can say how late they come."""


def sold_by(past: Past, until: int) -> BoolArray:
    """Which calls of the log sold within the horizon, as known before an instant."""
    log = past.log
    in_time = log.disposed_at - log.started_at <= past.horizon
    return np.asarray(log.converted & in_time & (log.disposed_known_at < until))


def ripe(past: Past, until: int) -> BoolArray:
    """Which calls of the log are so old that a sale would be told by now, by how late their campaign's come.

    The younger ones say nothing, sold or not: counting only those that did would call too many sold, counting
    the others as unsold too few. Where agents say at once that they sold all calls are ripe in minutes.
    """
    log, sold = past.log, sold_by(past, until)
    told_after = log.disposed_known_at - log.started_at
    waits = np.zeros(int(log.campaign.max(initial=-1)) + 2, np.int64)
    for campaign in np.unique(log.campaign[sold]):
        mine = sold & (log.campaign == campaign)
        whole = mine & (log.started_at + past.horizon <= until)
        asked = whole if np.count_nonzero(whole) >= LEAST_SALES else mine
        if np.count_nonzero(asked) >= LEAST_SALES:
            waits[campaign] = np.quantile(told_after[asked], SURE)
    return np.asarray(log.started_at + np.minimum(waits[log.campaign], past.horizon) <= until)
