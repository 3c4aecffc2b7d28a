"""Webhooks: who is told of which events; the secret that signs them is shown once."""

import hmac
import secrets

from fastapi import APIRouter, Response

from features.store.engine import reading, transaction
from features.store.installation import secret_of
from features.store.webhooks import Webhook, add_webhook, all_webhooks, end_webhook, find_webhook, progress

from ..access import Principal
from ..errors import (
    DestinationRefused,
    IdempotencyKeyReused,
    MalformedBody,
    UnknownCampaign,
    UnknownWebhook,
)
from ..webhooks import signing_secret
from .answers import Once, OnceDep, reply, when
from .dependencies import Manages, Now, ServiceDep
from .problems import TIMED, refusals
from .schemas import Said, WebhookMade, WebhookRequest, WebhooksResponse

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post(
    "",
    status_code=201,
    response_model=WebhookMade,
    responses=refusals(*TIMED, UnknownCampaign, DestinationRefused, IdempotencyKeyReused, MalformedBody),
)
def subscribe(request: WebhookRequest, who: Manages, at: Now, once: OnceDep, service: ServiceDep) -> Response:
    """Subscribe a URL to events from now on.

    The same Idempotency-Key gives the same subscription and the same secret: both are derived, not kept.
    """
    for campaign in request.campaigns or ():
        who.reach(campaign)
    service.guard.check(request.url)
    with transaction(service.engine) as connection:
        secret = secret_of(connection)
        wanted = _wanted(request, who, _name(once, who, secret), at)
        found = add_webhook(connection, wanted)
    if _told(found) | {"created_at": ""} != _told(wanted) | {"created_at": ""}:
        raise IdempotencyKeyReused
    return reply({**_told(found), "secret": signing_secret(secret, found.webhook_id)}, 201)


@router.get("", response_model=WebhooksResponse, responses=refusals(*TIMED))
def read(who: Manages, _at: Now, service: ServiceDep) -> Response:
    """The subscriptions, and how many of their deliveries are pending, sent and given up."""
    with reading(service.engine) as connection:
        found, counted = all_webhooks(connection), progress(connection)
    return reply(
        {"items": [_listed(one, counted.get(one.webhook_id, {})) for one in found if _own(who, one)]}
    )


@router.delete(
    "/{webhook_id}", status_code=204, response_model=None, responses=refusals(*TIMED, UnknownWebhook)
)
def end(webhook_id: Said, who: Manages, at: Now, service: ServiceDep) -> Response:
    """End a subscription; what is pending for it is not sent any more."""
    with transaction(service.engine) as connection:
        found = find_webhook(connection, webhook_id)
        if found is None or not _own(who, found):
            raise UnknownWebhook(webhook_id=webhook_id[:64])
        end_webhook(connection, webhook_id, at)
    return Response(status_code=204)


def _name(once: Once, who: Principal, secret: bytes) -> str:
    """The id of a new subscription: of its Idempotency-Key, else of chance."""
    if once.key is None:
        return f"wh_{secrets.token_hex(12)}"
    used = f"leadrank webhook id {who.key_id}|{once.key}".encode()
    return f"wh_{hmac.digest(secret, used, 'sha256')[:12].hex()}"


def _wanted(request: WebhookRequest, who: Principal, name: str, at: int) -> Webhook:
    asked = request.campaigns if request.campaigns is not None else who.campaigns
    quiet = None if request.quiet_hours is None else request.quiet_hours.model_dump()
    kinds = tuple(sorted(set(request.events)))
    return Webhook(name, request.url, kinds, None if asked is None else tuple(sorted(asked)), quiet, at)


def _own(who: Principal, found: Webhook) -> bool:
    """Whether the subscription is within what the key reaches."""
    if found.campaigns is None:
        return who.campaigns is None
    return all(who.reaches(campaign) for campaign in found.campaigns)


def _listed(found: Webhook, counted: dict[str, int]) -> dict[str, object]:
    return {**_told(found), **{state: counted.get(state, 0) for state in ("pending", "sent", "failed")}}


def _told(found: Webhook) -> dict[str, object]:
    return {
        "webhook_id": found.webhook_id,
        "url": found.url,
        "events": list(found.kinds),
        "campaigns": None if found.campaigns is None else list(found.campaigns),
        "quiet_hours": None if found.quiet is None else dict(found.quiet),
        "created_at": when(found.created_at),
    }
