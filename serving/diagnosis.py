"""Diagnosis: why a campaign's queue is as long as it is, now and in the coming hours."""

from .alerts import alerts
from .desk import Desk
from .insight import Diagnosis
from .lately import lately
from .view import View

HOURS_AHEAD = 24
"""For so long it tells who may be called when."""


def diagnose(desk: Desk, campaign: str, at: int) -> Diagnosis:
    """Why a campaign's queue is as long as it is."""
    with desk.lock:
        desk.follow(at)
        lineup = desk.lineup(campaign, at)
        view = View(lineup)
        by_zone = view.by_zone()
        return Diagnosis(
            campaign=campaign,
            as_of_at=at,
            leads=sum(sum(zone.values()) for zone in by_zone.values()),
            callable=sum(zone["callable"] for zone in by_zone.values()),
            withheld=view.withheld(),
            by_zone=by_zone,
            withheld_by_zone=view.withheld_by_zone(),
            ahead=view.ahead(HOURS_AHEAD),
            rank_age=view.rank_age(),
            lately=lately(desk.engine, campaign, at),
            next_callable_at=view.next_callable(),
            model_version=desk.models.version,
            degraded=desk.models.degraded,
            trouble=desk.models.trouble,
            alerts=alerts(desk.engine, at),
        )
