"""The ranking of a campaign: pages of one state, an ETag, deltas; for dialers that keep lists themselves."""

import csv
import io
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated

import numpy as np
import orjson
from fastapi import APIRouter, Header, Query, Response

from features.store.campaigns import read_campaign
from features.store.decisions import erased_among
from features.store.engine import reading

from ..errors import BadQuery, SnapshotGone, UnknownCampaign
from ..listings import Listed, current
from ..ranking.listing import SCALES, WHOLE, Delta, delta
from ..ranking.queue import Source
from .answers import reply, when
from .dependencies import Now, Queues, Service, ServiceDep
from .problems import TIMED, refusals
from .schemas import Ident, RankingResponse

router = APIRouter(prefix="/v1/campaigns", tags=["queues"])

MOST = 50_000
CSV, NDJSON = "text/csv", "application/x-ndjson"
_LINES = {
    CSV: {"schema": {"type": "string", "description": "a heading, then one lead a line"}},
    NDJSON: {"schema": {"type": "string", "description": "one `RankedLead` a line"}},
}
FIELDS = ("rank", "lead_id", "value", "source", "callable_until")


class Format(StrEnum):
    """How a ranking is written."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


class Scale(StrEnum):
    """What a lead's `value` is."""

    RAW = "raw"
    SMALL_INTEGER = "0-32767"
    PERCENTILE = "percentile"
    DENSE = "dense"


@router.get(
    "/{campaign}/ranking",
    response_model=RankingResponse,
    responses={
        200: {"content": _LINES},
        304: {"description": "it is still that snapshot"},
        **refusals(*TIMED, UnknownCampaign, BadQuery, SnapshotGone),
    },
)
def read(
    campaign: Ident,
    who: Queues,
    at: Now,
    service: ServiceDep,
    format: Annotated[Format, Query(description="json, or lines of NDJSON or CSV")] = Format.JSON,
    limit: Annotated[int, Query(ge=1, le=MOST, description="leads on one page")] = 1000,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    since_snapshot: Annotated[str | None, Query(description="only what changed since that snapshot")] = None,
    scale: Annotated[Scale, Query(description="what `value` is")] = Scale.RAW,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """All leads that may be called now, the best first; pages and deltas are of one snapshot.

    304 where the snapshot is the one that `If-None-Match` names. A list is no leave to call: ask
    `eligibility:check` before each dial.
    """
    who.reach(campaign)
    _known(service, campaign)
    found, first = _at(service, campaign, cursor, at)
    headers = {"ETag": f'"{found[0].snapshot_id}"', "Leadrank-Snapshot": found[0].snapshot_id}
    had = (if_none_match or "").strip()
    if cursor is None and (had == "*" or found[0].snapshot_id in had):
        return Response(None, 304, headers)
    changed = _changed(service, found, since_snapshot, scale)
    rows = _rows(found, changed, scale, first, limit)
    rows = rows if cursor is None else _not_erased(service, list(rows))
    following = f"{found[0].snapshot_id}.{first + limit}" if first + limit < changed.places.size else None
    if following is not None:
        headers["Leadrank-Next-Cursor"] = following
    return _written(format, found, rows, changed, following, headers)


def _known(service: Service, campaign: str) -> None:
    with reading(service.engine) as connection:
        if read_campaign(connection, campaign) is None:
            raise UnknownCampaign(campaign=campaign)


def _at(service: Service, campaign: str, cursor: str | None, at: int) -> tuple[Listed, int]:
    """The snapshot that is asked for, and the first place of the page."""
    if cursor is None:
        return current(service.desk, service.shelf, campaign, at), 0
    snapshot_id, _, place = cursor.partition(".")
    if not (place.isascii() and place.isdigit()):
        raise BadQuery(wanted="cursor: next_cursor of the page before")
    return _kept(service, campaign, snapshot_id), int(place)


def _kept(service: Service, campaign: str, snapshot_id: str) -> Listed:
    found = service.shelf.get(campaign, snapshot_id)
    if found is None:
        raise SnapshotGone(snapshot_id=snapshot_id[:64])
    return found


def _changed(service: Service, found: Listed, since: str | None, scale: Scale) -> Delta:
    """All of a snapshot, or what differs from an earlier one."""
    label, listing = found
    if since is None:
        return Delta(np.arange(len(listing)), listing.lead_id[:0])
    return delta(_kept(service, label.campaign, since)[1], listing, scale)


def _rows(
    found: Listed, changed: Delta, scale: Scale, first: int, limit: int
) -> Iterator[tuple[object, ...]]:
    """The page's rows, in the order of `FIELDS`."""
    listing = found[1]
    value, kind = SCALES[scale](listing), int if scale in WHOLE else float
    for place in changed.places[first : first + limit].tolist():
        said = None if np.isnan(value[place]) else kind(value[place])
        name = listing.lead_id[place].decode()
        source = Source(listing.source[place]).name.lower()
        yield place + 1, name, said, source, when(int(listing.until[place]))


def _not_erased(service: Service, rows: Sequence[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """A page of a snapshot that is no longer the newest, without the leads that were erased since."""
    with reading(service.engine) as connection:
        gone = erased_among(connection, [str(row[1]) for row in rows])
    return (row for row in rows if row[1] not in gone)


def _written(
    form: Format,
    found: Listed,
    rows: Iterator[tuple[object, ...]],
    changed: Delta,
    following: str | None,
    headers: dict[str, str],
) -> Response:
    """The page as it was asked for; lines name what is gone with no rank."""
    label, listing = found
    removed = [name.decode() for name in changed.removed]
    if form is Format.JSON:
        told = {
            "snapshot_id": label.snapshot_id,
            "campaign": label.campaign,
            "ranked_at": when(label.ranked_at),
            "model_version": label.model_version,
            "degraded": label.degraded,
            "total": len(listing),
            "items": [dict(zip(FIELDS, row, strict=True)) for row in rows],
            "removed": removed if following is None else [],
            "next_cursor": following,
        }
        return reply(told, headers=headers)
    gone = [(None, name, None, "removed", None) for name in removed] if following is None else []
    lines = [*rows, *gone]
    if form is Format.CSV:
        return Response(_as_csv(lines), 200, headers, f"{CSV}; charset=utf-8")
    return Response(_as_ndjson(lines), 200, headers, NDJSON)


def _as_csv(lines: Sequence[tuple[object, ...]]) -> str:
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(lines)
    return page.getvalue()


def _as_ndjson(lines: Sequence[tuple[object, ...]]) -> bytes:
    return b"".join(orjson.dumps(dict(zip(FIELDS, line, strict=True))) + b"\n" for line in lines)
