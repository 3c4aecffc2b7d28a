"""Diagnostics: why a campaign's queue is as long as it is, from its lineup and from what dialers did."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from sqlalchemy import Engine

from .abandons import Nearness
from .alerts import alerts
from .insight import Alert, Diagnosis
from .lately import lately
from .models import Models
from .view import View

HOURS_AHEAD = 24
"""For so long they tell who may be called when."""

NEAR_CAP = "abandon_cap.near"


def diagnosis(
    engine: Engine, view: View, models: Models, abandonment: tuple[Nearness, ...], campaign: str, at: int
) -> Diagnosis:
    """All of it as of an instant; `view` is of the whole campaign."""
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
        lately=lately(engine, campaign, at),
        abandonment=abandonment,
        next_callable_at=view.next_callable(),
        model_version=models.version,
        degraded=models.degraded,
        trouble=models.trouble,
        alerts=(*_near_caps(abandonment, campaign, at), *alerts(engine, at)),
    )


def _near_caps(abandonment: Iterable[Nearness], campaign: str, at: int) -> Iterator[Alert]:
    """A warning for each rule whose cap makes polls give less."""
    for one in abandonment:
        if one.pace < 1:
            yield Alert(NEAR_CAP, at, {"campaign": campaign, **asdict(one)})
