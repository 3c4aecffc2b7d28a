"""Events in, and the quarantine of those that make no sense yet."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import Connection

from features.sources.wire import Envelope
from features.sources.words import is_ident
from features.store.aside import count_waiting, list_waiting
from features.store.decisions import campaigns_of_calls, campaigns_of_leads
from features.store.engine import reading, transaction
from features.store.writes.events import accept_events, replay_quarantine
from features.store.writes.receipts import Erasure, EventReceipt

from ..access import Principal
from ..errors import MalformedBody, ScopeMissing, TooManyItems, UnsupportedMedia
from .answers import OnceDep, read_json, reply, when
from .dependencies import Ingests, Manages, Now, ServiceDep
from .described import named
from .problems import ONCE, TIMED, refusals
from .schemas import EventsResponse, ReplayRequest, Said
from .upkeep_schemas import QuarantineResponse

router = APIRouter(prefix="/v1", tags=["events"])

MOST = 10_000
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

_ONE = named(Envelope)
_BODY = {
    "required": True,
    "content": {
        STRUCTURED: {"schema": _ONE},
        BATCH: {"schema": {"type": "array", "maxItems": MOST, "items": _ONE}},
        "application/json": {"schema": {"type": "array", "maxItems": MOST, "items": _ONE}},
    },
}


@router.post(
    "/events",
    status_code=202,
    response_model=EventsResponse,
    responses=refusals(*TIMED, *ONCE, MalformedBody, TooManyItems, UnsupportedMedia),
    openapi_extra={"requestBody": _BODY},
)
def accept(
    who: Ingests,
    at: Now,
    once: OnceDep,
    service: ServiceDep,
    content_type: Annotated[str, Header(include_in_schema=False)] = "application/json",
) -> Response:
    """Take in CloudEvents, each (source, id) once, in any order; what makes no sense waits in quarantine."""
    items = _items(once.body, content_type)

    def work() -> Response:
        with transaction(service.engine) as connection:
            within = _within(connection, who, items)
            places = [place for place, ok in enumerate(within) if ok]
            mine = [items[place] for place in places]
            receipt = accept_events(connection, mine, at, within=who.campaigns)
        service.meter.add("leadrank_events_total", receipt.accepted, result="accepted")
        service.meter.add("leadrank_events_total", len(receipt.quarantined), result="quarantined")
        return reply(_told(receipt, places, within), 202)

    return once.answer(who, at, work)


@router.get("/quarantine", response_model=QuarantineResponse, responses=refusals())
def list_quarantine(
    who: Manages,
    service: ServiceDep,
    code: Said | None = None,
    after: Annotated[int, Query(ge=0, lt=1 << 63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Events that wait, by reason; `next` is the `after` of the page behind, null on the last."""
    _everywhere(who)
    with reading(service.engine) as connection:
        counts, page = count_waiting(connection), list_waiting(connection, code, after, limit)
    items = [
        {
            "id": one.id,
            "source": one.source,
            "type": one.type,
            "time": when(one.time),
            "received_at": when(one.received_at),
            "code": one.code,
            "detail": one.detail,
        }
        for one in page
    ]
    return reply({"counts": counts, "items": items, "next": page[-1].row if len(page) == limit else None})


@router.post(
    "/quarantine:replay",
    response_model=EventsResponse,
    responses=refusals(*TIMED, *ONCE, MalformedBody),
)
def replay(
    who: Manages, at: Now, once: OnceDep, service: ServiceDep, request: ReplayRequest | None = None
) -> Response:
    """Try quarantined events again, after a fix."""
    _everywhere(who)

    def work() -> Response:
        with transaction(service.engine) as connection:
            receipt = replay_quarantine(connection, at, request.codes if request else None)
        return reply(_told(receipt, (), ()))

    return once.answer(who, at, work)


def _everywhere(who: Principal) -> None:
    """What is in quarantine belongs to no campaign yet: only a key for all of them sees it."""
    if who.campaigns is not None:
        raise ScopeMissing(needed="manage, for all campaigns")


def _items(body: bytes, content_type: str) -> Sequence[object]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (STRUCTURED, BATCH, "application/json"):
        raise UnsupportedMedia(given=kind, taken=f"{STRUCTURED}, {BATCH}")
    found = read_json(body)
    if kind == STRUCTURED or (kind != BATCH and isinstance(found, Mapping)):
        found = [found]
    if not isinstance(found, list):
        raise MalformedBody(wanted="a list of CloudEvents")
    if len(found) > MOST:
        raise TooManyItems(given=len(found), most=MOST)
    return found


def _within(connection: Connection, who: Principal, items: Sequence[object]) -> list[bool]:
    """Which events a key limited to campaigns may hand in: those of its leads and calls, and of agents."""
    if who.campaigns is None:
        return [True] * len(items)
    told = [_facts(item) for item in items]
    leads = campaigns_of_leads(connection, _ids(told, "lead_id"))
    calls = campaigns_of_calls(connection, _ids(told, "call_id"))
    return [
        who.reaches_all(
            facts.get("campaign"),
            leads.get(facts.get("lead_id", "")),
            calls.get(facts.get("call_id", "")),
        )
        for facts in told
    ]


def _ids(told: Sequence[Mapping[str, str]], name: str) -> set[str]:
    """The ids that may be on record: what can't be one is left to the check of events."""
    return {word for facts in told if is_ident(word := facts.get(name))}


def _facts(item: object) -> dict[str, str]:
    found = item.get("data") if isinstance(item, Mapping) else None
    named = found if isinstance(found, Mapping) else {}
    return {
        name: word for name in ("campaign", "lead_id", "call_id") if isinstance(word := named.get(name), str)
    }


def _told(receipt: EventReceipt, places: Sequence[int], within: Sequence[bool]) -> dict[str, object]:
    rejected = [(places[index], code) for index, code in receipt.rejected]
    rejected += [(place, "unknown_campaign") for place, ok in enumerate(within) if not ok]
    return {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "quarantined": [{"id": id, "code": code, "detail": why} for id, code, why in receipt.quarantined],
        "rejected": [{"index": index, "code": code} for index, code in sorted(rejected)],
        "replayed": receipt.replayed,
    } | ({"receipts": [_erased(one) for one in receipt.erasures]} if receipt.erasures else {})


def _erased(receipt: Erasure) -> dict[str, object]:
    return {
        "lead_id": receipt.lead_id,
        "erased_at": when(receipt.erased_at),
        "reached": dict(receipt.reached),
    }
