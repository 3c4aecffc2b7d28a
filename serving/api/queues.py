"""Queues out: leases for dialers, what they say of them, and the last gate before a call."""

from collections.abc import Sequence

from fastapi import APIRouter, Response
from orjson import Fragment
from pydantic import ValidationError
from starlette.background import BackgroundTask

from features.instants import SECOND, render
from features.store.campaigns import read_campaign
from features.store.decisions import campaigns_of_leases
from features.store.engine import reading

from .. import inquiry
from ..access import Principal
from ..errors import MalformedBody, TooManyItems, UnknownCampaign
from ..handout import Batch, Item, Seal
from ..leases import Ack
from .answers import OnceDep, plain, read_json, reply, when
from .dependencies import Now, Queues, Service, ServiceDep
from .described import named
from .problems import ONCE, TIMED, refusals
from .schemas import (
    AckIn,
    AcksResponse,
    EligibilityRequest,
    EligibilityResponse,
    Ident,
    LeaseRequest,
    LeaseResponse,
)

router = APIRouter(prefix="/v1", tags=["queues"])

MOST_ACKS = 500

_ACKS = {
    "required": True,
    "content": {
        "application/json": {"schema": {"type": "array", "maxItems": MOST_ACKS, "items": named(AckIn)}}
    },
}


@router.post(
    "/campaigns/{campaign}/queue:lease",
    response_model=LeaseResponse,
    responses=refusals(*TIMED, *ONCE, UnknownCampaign, MalformedBody),
)
def lease_queue(
    campaign: Ident, request: LeaseRequest, who: Queues, at: Now, once: OnceDep, service: ServiceDep
) -> Response:
    """Lease the best leads of a campaign to one dialer; an empty queue says why."""
    who.reach(campaign)

    def work(seal: Seal) -> Batch:
        origin = who.key_id if once.key else ""
        given = service.desk.lease(campaign, request.to_order(), once.name(who), at, seal, origin)
        service.meter.add("leadrank_leads_leased_total", len(given.items))
        return given

    answer = once.lease(who, at, request.lease_seconds * SECOND, work, lambda given: reply(_told(given)))
    answer.background = BackgroundTask(service.desk.look_again, campaign, at)
    return answer


@router.post(
    "/leases:ack",
    response_model=AcksResponse,
    responses=refusals(*TIMED, *ONCE, MalformedBody, TooManyItems),
    openapi_extra={"requestBody": _ACKS},
)
def acknowledge(who: Queues, at: Now, once: OnceDep, service: ServiceDep) -> Response:
    """Say what became of leases, each on its own. 410 on `dialing`: do not dial."""
    items = read_json(once.body)
    if not isinstance(items, list):
        raise MalformedBody(wanted="a list of acknowledgements")
    if len(items) > MOST_ACKS:
        raise TooManyItems(given=len(items), most=MOST_ACKS)
    return once.answer(who, at, lambda: reply({"items": _acknowledged(service, who, items, at)}))


@router.post(
    "/eligibility:check",
    response_model=EligibilityResponse,
    responses=refusals(*TIMED, UnknownCampaign, MalformedBody),
)
def check(request: EligibilityRequest, who: Queues, at: Now, service: ServiceDep) -> Response:
    """The last gate before the call: every rule, asked now. Fails closed: no answer, no call."""
    named = request.lead_id, request.phone, request.lease_id
    if sum(one is not None for one in named) != 1:
        raise MalformedBody(wanted="exactly one of phone, lead_id, lease_id")
    who.reach(request.campaign)
    with reading(service.engine) as connection:
        if read_campaign(connection, request.campaign) is None:
            raise UnknownCampaign(campaign=request.campaign)
    found = inquiry.check(service.desk, request.campaign, *named, at)
    return reply(
        {
            "allow": found.allow,
            "rules_failed": list(found.rules_failed),
            "valid_until": when(found.valid_until),
        }
    )


def _acknowledged(
    service: Service, who: Principal, items: Sequence[object], at: int
) -> list[dict[str, object]]:
    read = [_read(item) for item in items]
    acks = [one for one in read if isinstance(one, Ack)]
    with reading(service.engine) as connection:
        of = campaigns_of_leases(connection, [ack.lease_id for ack in acks])
    mine = [ack for ack in acks if ack.lease_id not in of or who.reaches(of[ack.lease_id])]
    results = {id(ack): result for ack, result in zip(mine, service.desk.acknowledge(mine, at), strict=True)}
    told: list[dict[str, object]] = []
    for one in read:
        if not isinstance(one, Ack):
            told.append(one)
        elif (result := results.get(id(one))) is None:
            told.append({"lease_id": one.lease_id, "status": 404, "code": "unknown_lease"})
        else:
            code = {} if result.code is None else {"code": result.code}
            told.append({"lease_id": result.lease_id, "status": result.status, **code})
    return told


def _read(item: object) -> Ack | dict[str, object]:
    """One acknowledgement, or what is wrong with it."""
    try:
        said = AckIn.model_validate(item)
    except ValidationError:
        named = item.get("lease_id") if isinstance(item, dict) else None
        return {"lease_id": named if isinstance(named, str) else None, "status": 422, "code": "malformed"}
    return Ack(said.lease_id, said.state, said.reason)


def _told(batch: Batch) -> dict[str, object]:
    return {
        "batch_id": batch.batch_id,
        "snapshot_id": batch.snapshot_id,
        "model_version": batch.model_version,
        "ranked_at": render(batch.ranked_at),
        "degraded": batch.degraded,
        "expires_at": render(batch.expires_at),
        "items": _items(batch.items),
        "leads": batch.leads,
        "withheld": batch.withheld,
        "next_poll_after_s": batch.next_poll_after_s,
    }


def _items(items: Sequence[Item]) -> list[dict[str, object]]:
    """What a dialer is told of each: all but what is only for the record."""
    rendered, found = {at: when(at) for at in {item.callable_until for item in items}}, []
    for item in items:
        told: dict[str, object] = dict(zip(_TOLD, item, strict=False))
        told["callable_until"] = rendered[item.callable_until]
        told["reasons"] = Fragment(item.reasons.told)
        if item.best_window is not None:
            told["best_window"] = plain(item.best_window)
        found.append(told)
    return found


_TOLD = Item._fields[: Item._fields.index("arm")]
"""What stands behind these is for the record alone."""
