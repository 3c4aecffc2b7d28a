"""Every error of serving: its docstring is its message, its keywords are its facts."""

from features.errors import LeadrankError


class ServingError(LeadrankError):
    """The service can't do what was asked."""


class AccessError(ServingError):
    """The request may not do what it asks."""


class KeyMissing(AccessError):
    """No API key: send `Authorization: Bearer lrk_...` (`leadrank keys create` makes one)."""


class KeyUnknown(AccessError):
    """The API key is unknown, or was revoked."""


class ScopeMissing(AccessError):
    """The API key lacks the scope that this asks for."""


class ClockNotAllowed(AccessError):
    """Leadrank-Now is accepted only where the service runs with LEADRANK_CLOCK=request."""


class RequestError(ServingError):
    """The request can't be understood."""


class ClockMissing(RequestError):
    """The service runs with LEADRANK_CLOCK=request and no request has said Leadrank-Now yet."""


class BadInstant(RequestError):
    """An instant is not RFC 3339 with an offset."""


class MalformedBody(RequestError):
    """The body is not what this endpoint takes."""


class TooManyItems(RequestError):
    """The batch has more items than this endpoint takes at once: send it in parts."""


class UnsupportedMedia(RequestError):
    """This endpoint doesn't take bodies of that type."""


class BadQuery(RequestError):
    """A query parameter doesn't say anything known."""


class ExperimentTooEarly(RequestError):
    """An experiment or switchback begins now or later: what was called before was no part of it."""


class DestinationRefused(RequestError):
    """No webhook goes there: the URL leads nowhere, or to an address that is neither public nor allowed."""


class NothingThere(ServingError):
    """There is no such thing, or the key doesn't reach it."""


class UnknownCampaign(NothingThere):
    """There is no campaign of that name, or the key doesn't reach it."""


class UnknownLead(NothingThere):
    """There is no such lead, or the key doesn't reach it."""


class UnknownDecision(NothingThere):
    """There is no such decision, or the key doesn't reach it."""


class UnknownKpi(NothingThere):
    """There is no KPI of that name."""


class UnknownWebhook(NothingThere):
    """There is no such subscription, or the key doesn't reach it."""


class SnapshotGone(ServingError):
    """That ranking is not kept any more, or never was: read the whole one anew."""


class ConflictError(ServingError):
    """The request contradicts an earlier one."""


class NoHoldout(ConflictError):
    """The campaign keeps no holdout, so a lift can't be told: give it one, and wait some days."""


class ExperimentChanged(ConflictError):
    """An experiment or switchback keeps what it began with: give another one a name of its own."""


class IdempotencyKeyReused(ConflictError):
    """The Idempotency-Key was used before with another body."""


class StillAtWork(ConflictError):
    """The first request with this Idempotency-Key is still at work: ask again in a moment."""


class LeaseExpired(ServingError):
    """The leases given to this Idempotency-Key have expired: do not dial them, poll with a new key."""


class TooBusy(ServingError):
    """So many requests are at work already that this one would wait for long: send it again in a moment."""


class AlreadyTraining(ConflictError):
    """A training is running already."""


class TrainingFailed(ServingError):
    """The training ended without a result; its own words tell why."""


class ServiceRefused(ServingError):
    """The service answered a client's request with an error."""


class StageFailed(ServingError):
    """A stage of the demo failed; its own words tell why."""
