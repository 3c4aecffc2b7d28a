"""KPIs: one definition each, by groups, with intervals."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from features.store.engine import reading
from features.store.reads import Stretch

from ..access import Principal
from ..accounts import Question, ask, told
from ..errors import BadQuery, NoHoldout, UnknownCampaign, UnknownKpi
from ..kpi.measures import MEASURES
from ..trials import account_of
from ..trials import told as account_told
from .account_schemas import AttributionResponse, KpiDefinitions, KpiResponse
from .answers import reply
from .dependencies import Now, Reads, ServiceDep, instant
from .problems import TIMED, refusals
from .schemas import Said

router = APIRouter(prefix="/v1", tags=["kpis"])


@router.get(
    "/kpis",
    response_model=KpiResponse | KpiDefinitions,
    responses=refusals(*TIMED, UnknownCampaign, UnknownKpi, BadQuery),
)
def read(
    who: Reads,
    at: Now,
    service: ServiceDep,
    kpi: Annotated[str | None, Query(description="none lists the definitions")] = None,
    campaign: Said | None = None,
    since: Annotated[
        str | None, Query(alias="from", description="attempts started from; default: ever")
    ] = None,
    until: Annotated[
        str | None, Query(alias="to", description="attempts started before; default: now")
    ] = None,
    by: Annotated[str, Query(description="dimensions, separated by commas")] = "",
    level: Annotated[float, Query(gt=0.5, lt=1)] = 0.95,
) -> Response:
    """A KPI by groups: rates in percent, null where there is nothing to divide by."""
    if kpi is None:
        return reply({"items": [{"kpi": one.kpi, "unit": one.unit, "says": one.says} for one in MEASURES]})
    question = Question(
        kpi=kpi,
        since=0 if since is None else instant(since),
        until=at if until is None else instant(until),
        at=at,
        campaign=_reached(who, campaign),
        by=tuple(word.strip() for word in by.split(",") if word.strip()),
        level=level,
    )
    with reading(service.engine) as connection:
        return reply(told(question, ask(connection, question)))


@router.get(
    "/attribution",
    response_model=AttributionResponse,
    responses=refusals(*TIMED, UnknownCampaign, NoHoldout, BadQuery),
)
def read_attribution(
    who: Reads,
    at: Now,
    service: ServiceDep,
    campaign: Said,
    since: Annotated[
        str | None, Query(alias="from", description="attempts started from; default: ever")
    ] = None,
    until: Annotated[
        str | None, Query(alias="to", description="attempts started before; default: now")
    ] = None,
) -> Response:
    """What model and holdout brought per agent-hour, the lift, what no decision can claim, what is tried."""
    who.reach(campaign)
    stretch = Stretch(
        0 if since is None else instant(since), at if until is None else instant(until), at, campaign
    )
    if stretch.since > stretch.until:
        raise BadQuery(wanted="from before to")
    with reading(service.engine) as connection:
        return reply(account_told(stretch, account_of(connection, stretch)))


def _reached(who: Principal, campaign: str | None) -> str | None:
    """A key limited to campaigns must say which, unless it has one alone."""
    if campaign is not None:
        who.reach(campaign)
    elif who.campaigns is not None:
        if len(who.campaigns) != 1:
            raise BadQuery(wanted="campaign: this key is for some of them")
        return next(iter(who.campaigns))
    return campaign
