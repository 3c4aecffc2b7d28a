"""Problems: every error as RFC 9457 `application/problem+json` with a stable code; one handler per family."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from starlette.exceptions import HTTPException

from features.errors import LeadrankError, StoreError

from .. import errors
from .schemas import Problem

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[LeadrankError], int] = {
    errors.KeyMissing: 401,
    errors.KeyUnknown: 401,
    errors.AccessError: 403,
    errors.ClockMissing: 400,
    errors.BadInstant: 400,
    errors.BadQuery: 422,
    errors.DestinationRefused: 422,
    errors.ExperimentTooEarly: 422,
    errors.MalformedBody: 422,
    errors.TooManyItems: 413,
    errors.UnsupportedMedia: 415,
    errors.RequestError: 400,
    errors.NothingThere: 404,
    errors.ConflictError: 409,
    errors.LeaseExpired: 410,
    errors.SnapshotGone: 410,
    errors.TooBusy: 429,
    StoreError: 503,
    LeadrankError: 500,
}
"""The status of each family; the nearest family of an error counts."""

_HEADERS = {
    401: {"WWW-Authenticate": 'Bearer realm="leadrank"'},
    429: {"Retry-After": "1"},
    503: {"Retry-After": "1"},
}
_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media"}
_PLAIN = {
    413: {"body_too_large": "The body is larger than this endpoint takes."},
    422: {"malformed": "The request is not what this endpoint takes."},
    500: {"internal_error": "Something went wrong here; the log knows what."},
    503: {"database_unavailable": "The database can't be used at the moment."},
}
"""What every endpoint may say that no error of ours says."""
_USUAL = errors.KeyMissing, errors.KeyUnknown, errors.ScopeMissing, errors.ClockNotAllowed, errors.TooBusy

TIMED = errors.BadInstant, errors.ClockMissing
"""What an endpoint that answers as of an instant may refuse."""
ONCE = errors.IdempotencyKeyReused, errors.StillAtWork, errors.LeaseExpired
"""What one may refuse that takes an Idempotency-Key."""
CODES = "x-codes"
"""The codes of a refusal, in the interface's description."""

Refusals = dict[int | str, dict[str, Any]]


def refusals(*kinds: type[LeadrankError]) -> Refusals:
    """For the interface's description: what an endpoint that asks for a key may refuse with, by status."""
    return _listed(_PLAIN, (*_USUAL, *kinds))


def failures(*kinds: type[LeadrankError]) -> Refusals:
    """The same of an endpoint that asks for none."""
    return _listed({status: _PLAIN[status] for status in (500, 503)}, kinds)


def _listed(plain: Mapping[int, Mapping[str, str]], kinds: tuple[type[LeadrankError], ...]) -> Refusals:
    found = {status: dict(codes) for status, codes in plain.items()}
    for kind in kinds:
        found.setdefault(status_of(kind()), {})[kind.code] = _sentence(kind)
    return {
        status: {
            "model": Problem,
            "description": "\n".join(f"- `{code}`: {says}" for code, says in codes.items()),
            CODES: list(codes),
        }
        for status, codes in sorted(found.items())
    }


def problem(
    request: Request, status: int, code: str, detail: str, facts: Mapping[str, object] | None = None
) -> Response:
    """One problem document; `facts` are extension members."""
    body = {
        **(facts or {}),
        "type": f"urn:leadrank:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": request.url.path,
    }
    headers = {**_HEADERS.get(status, {}), "X-Request-Id": getattr(request.state, "request_id", "")}
    if code == errors.StillAtWork.code:
        headers["Retry-After"] = "1"
    return Response(orjson.dumps(body, default=str), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Give each family of errors its handler."""
    app.add_exception_handler(LeadrankError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(SQLAlchemyError, _database)
    app.add_exception_handler(Exception, _unknown)


def status_of(error: LeadrankError) -> int:
    """The status of the nearest family."""
    return next(STATUS[family] for family in type(error).__mro__ if family in STATUS)


def refusal(request: Request, error: LeadrankError) -> Response:
    """What is told of one of our errors."""
    status = status_of(error)
    if status >= 500:
        _log(request, error)
    facts = {"facts": error.facts} if error.facts else None
    return problem(request, status, error.code, _sentence(type(error)), facts)


def _sentence(kind: type[LeadrankError]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, LeadrankError)
    return refusal(request, error)


def _invalid(request: Request, error: Exception) -> Response:
    """The input itself isn't given back: it may hold a phone number."""
    assert isinstance(error, RequestValidationError)
    found = [
        {"at": ".".join(map(str, one["loc"])), "message": one["msg"], "kind": one["type"]}
        for one in error.errors()
    ]
    return problem(
        request, 422, "malformed", "The request is not what this endpoint takes.", {"errors": found}
    )


def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # what FastAPI says of JSON that is nested too deeply for its reader
        return refusal(request, errors.MalformedBody())
    code = _BY_STATUS.get(error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"))
    answer = problem(request, error.status_code, code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _database(request: Request, error: Exception) -> Response:
    _log(request, error)
    if isinstance(error, IntegrityError) or not isinstance(
        error, DBAPIError | TimeoutError | SQLAlchemyError
    ):
        return _unknown(request, error)
    return problem(request, 503, "database_unavailable", "The database can't be used at the moment.")


def _unknown(request: Request, error: Exception) -> Response:
    _log(request, error)
    return problem(request, 500, "internal_error", "Something went wrong here; the log knows what.")


def _log(request: Request, error: Exception) -> None:
    """The kind of error and where it happened, never its message: it may quote a phone number."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else ""
    structlog.get_logger("leadrank").error(
        "request failed",
        request_id=getattr(request.state, "request_id", None),
        kind=type(error).__qualname__,
        where=where,
    )
