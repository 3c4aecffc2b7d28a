"""Campaigns: their settings, and why their queues are as long as they are."""

from fastapi import APIRouter, Response

from features.store.campaigns import StoredCampaign, read_campaign, write_campaign
from features.store.engine import reading, transaction

from .. import inquiry
from ..errors import ExperimentChanged, ExperimentTooEarly, MalformedBody, UnknownCampaign
from ..experiments import followed, shown
from .answers import plain, reply, when
from .dependencies import Manages, Now, Reads, ServiceDep
from .inquiry_schemas import DiagnosticsResponse
from .plans import Campaign, CampaignSettings
from .problems import TIMED, refusals
from .schemas import Ident

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])


@router.get("/{campaign}", response_model=Campaign, responses=refusals(UnknownCampaign))
def read(campaign: Ident, who: Manages, service: ServiceDep) -> Response:
    """The settings that hold, defaults included."""
    who.reach(campaign)
    with reading(service.engine) as connection:
        found = read_campaign(connection, campaign)
    if found is None:
        raise UnknownCampaign(campaign=campaign)
    return reply(_told(found))


@router.put(
    "/{campaign}",
    response_model=Campaign,
    responses={
        201: {"model": Campaign, "description": "it is new"},
        **refusals(*TIMED, UnknownCampaign, MalformedBody, ExperimentTooEarly, ExperimentChanged),
    },
)
def write(
    campaign: Ident, settings: CampaignSettings, who: Manages, at: Now, service: ServiceDep
) -> Response:
    """Replace a campaign's settings, or make it; what isn't said has its default. 201 where it is new."""
    who.reach(campaign)
    told = settings.model_dump(mode="json", exclude={"experiment", "switchback"})
    experiment = None if settings.experiment is None else settings.experiment.to_experiment(settings.holdout)
    switchback = None if settings.switchback is None else settings.switchback.to_switchback(told)
    with transaction(service.engine) as connection:
        before = read_campaign(connection, campaign)
        kept = followed({} if before is None else before.settings, told, experiment, switchback, at)
        write_campaign(connection, campaign, kept, at)
        found = read_campaign(connection, campaign)
    assert found is not None
    return reply(_told(found), 201 if before is None else 200)


@router.get(
    "/{campaign}/diagnostics",
    response_model=DiagnosticsResponse,
    responses=refusals(*TIMED, UnknownCampaign),
)
def diagnose(campaign: Ident, who: Reads, at: Now, service: ServiceDep) -> Response:
    """Why leads are withheld, when the next one becomes callable, how old the ranking is."""
    who.reach(campaign)
    with reading(service.engine) as connection:
        if read_campaign(connection, campaign) is None:
            raise UnknownCampaign(campaign=campaign)
    return reply(plain(inquiry.diagnose(service.desk, campaign, at)))


def _told(found: StoredCampaign) -> dict[str, object]:
    known = {name: found.settings[name] for name in CampaignSettings.model_fields if name in found.settings}
    said = CampaignSettings.model_validate({**known, **shown(found.settings)})
    settings = said.model_dump(mode="json")
    return {"campaign": found.campaign, "created_at": when(found.created_at), **settings}
