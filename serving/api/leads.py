"""Leads in, and what the service thinks of one."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Response
from sqlalchemy import Connection

from features.sources.wire import LeadIn
from features.sources.words import is_ident
from features.store.decisions import campaigns_of_leads
from features.store.engine import reading, transaction
from features.store.writes.leads import accept_leads
from features.store.writes.receipts import LeadResult

from .. import inquiry
from ..access import Principal
from ..errors import MalformedBody, TooManyItems, UnknownLead, UnsupportedMedia
from .answers import OnceDep, plain, read_json, reply
from .dependencies import Ingests, Now, Reads, ServiceDep
from .described import named
from .inquiry_schemas import ExplainResponse
from .problems import ONCE, TIMED, refusals
from .schemas import LeadsResponse, Said

router = APIRouter(prefix="/v1", tags=["leads"])

MOST = 5_000

_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"type": "array", "maxItems": MOST, "items": named(LeadIn)}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "one lead a line"}},
    },
}


@router.post(
    "/leads:batch",
    response_model=LeadsResponse,
    responses=refusals(*TIMED, *ONCE, MalformedBody, TooManyItems, UnsupportedMedia),
    openapi_extra={"requestBody": _BODY},
)
def accept_batch(
    who: Ingests,
    at: Now,
    once: OnceDep,
    service: ServiceDep,
    content_type: Annotated[str, Header(include_in_schema=False)] = "application/json",
) -> Response:
    """Take in up to 5,000 leads, each on its own: one bad lead never fails the others."""
    items = _items(once.body, content_type)

    def work() -> Response:
        with transaction(service.engine) as connection:
            within = _within(connection, who, items)
            allowed = [item for item, ok in zip(items, within, strict=True) if ok]
            results = iter(accept_leads(connection, allowed, at))
        told = [next(results) if ok else _refused(item) for item, ok in zip(items, within, strict=True)]
        return reply({"items": [_told(result) for result in told]})

    return once.answer(who, at, work)


@router.get(
    "/leads/{lead_id}/explain", response_model=ExplainResponse, responses=refusals(*TIMED, UnknownLead)
)
def explain_lead(lead_id: Said, who: Reads, at: Now, service: ServiceDep) -> Response:
    """Every head's probability with signed reasons, the rules and until when they hold."""
    with reading(service.engine) as connection:
        campaign = campaigns_of_leads(connection, [lead_id]).get(lead_id)
    if campaign is None or not who.reaches(campaign):
        raise UnknownLead(lead_id=lead_id)
    return reply(plain(inquiry.explain(service.desk, lead_id, at)))


def _items(body: bytes, content_type: str) -> Sequence[object]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/x-ndjson", "application/ndjson", "application/jsonl"):
        found: object = [_line(line) for line in body.splitlines() if line.strip()]
    elif kind == "application/json":
        found = read_json(body)
    else:
        raise UnsupportedMedia(given=kind, taken="application/json, application/x-ndjson")
    if isinstance(found, Mapping) and isinstance(found.get("items"), list):
        found = found["items"]
    if not isinstance(found, list):
        raise MalformedBody(wanted="a list of leads")
    if len(found) > MOST:
        raise TooManyItems(given=len(found), most=MOST)
    return found


def _line(line: bytes) -> object:
    """A line that isn't JSON is one bad lead, not a bad batch."""
    try:
        return read_json(line)
    except MalformedBody:
        return None


def _within(connection: Connection, who: Principal, items: Sequence[object]) -> list[bool]:
    """Which leads a key limited to campaigns may hand in: they name one of its own and aren't another's.

    A lead that names no campaign is left to the check of leads.
    """
    if who.campaigns is None:
        return [True] * len(items)
    named = [_said(item, "lead_id") for item in items]
    stored = campaigns_of_leads(connection, {lead_id for lead_id in named if is_ident(lead_id)})
    return [
        who.reaches_all(_said(item, "campaign"), stored.get(lead_id or ""))
        for item, lead_id in zip(items, named, strict=True)
    ]


def _said(item: object, name: str) -> str | None:
    word = item.get(name) if isinstance(item, Mapping) else None
    return word if isinstance(word, str) else None


def _refused(item: object) -> LeadResult:
    named = item.get("lead_id") if isinstance(item, Mapping) else None
    return LeadResult(str(named or ""), "rejected", "unknown_campaign")


def _told(result: LeadResult) -> dict[str, object]:
    told: dict[str, object] = {"lead_id": result.lead_id, "result": result.result}
    if result.reason is not None:
        told["reason"] = result.reason
    if result.refused_attributes:
        told["refused_attributes"] = list(result.refused_attributes)
    return told
