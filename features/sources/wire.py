"""The wire shapes of leads and events: the same for HTTP and for files; unknown fields are refused."""

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from .words import Ident, Instant, Label, Money, Note, Number, Phone, Shape, Word, Zone

PREFIX = "io.leadrank."
"""Every event type begins with it."""

SEQUENCE = "sequence"
"""The extension of an event that tells its place among those of its source and time."""

Basis: TypeAlias = Literal["express_written", "express", "inquiry", "customer", "none"]
Attribute: TypeAlias = bool | Number | Annotated[str, StringConstraints(pattern=r"^[^\x00]{0,512}$")] | None
Attributes: TypeAlias = Annotated[dict[Label, Attribute], Field(default_factory=dict, max_length=500)]


class PhoneIn(Shape):
    """One number of a lead."""

    e164: Phone
    type: Word | None = None


class ConsentIn(Shape):
    """What the lead agreed to, when, and what proves it."""

    basis: Basis
    at: Instant
    evidence: Note | None = None


class LeadIn(Shape):
    """A lead as its channel hands it over; without `updated_at` it was never changed since `created_at`."""

    lead_id: Ident
    campaign: Ident
    created_at: Instant
    updated_at: Instant | None = None
    phones: Annotated[list[PhoneIn], Field(default_factory=list, max_length=10)]
    channel: Word
    source: Label | None = None
    list_id: Ident | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    region: Label | None = None
    postal_code: Label | None = None
    timezone: Zone | None = None
    value: Money | None = None
    attributes: Attributes
    consent: ConsentIn | None = None


_EXTENSION = re.compile(r"[a-z0-9_]{1,64}")

Mark = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,256}$")]


JsonType: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"(?i)^application/([a-z.-]+\+)?json\b"),
    WithJsonSchema({"type": "string", "description": "application/json, or a type that ends in +json"}),
]


class Envelope(BaseModel):
    """A CloudEvent 1.0; what the standard doesn't name is an extension, and kept. No `time`: on arrival."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, bool | int | str | None]

    specversion: Literal["1.0"]
    id: Mark
    source: Mark
    type: Mark
    time: Instant | None = None
    datacontenttype: JsonType | None = None
    dataschema: Label | None = None
    subject: Label | None = None
    data: Annotated[dict[str, JsonValue], Field(default_factory=dict)]

    @model_validator(mode="after")
    def _names_of_extensions(self) -> Self:
        for name in self.__pydantic_extra__:
            if not _EXTENSION.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a CloudEvents extension")
        return self


class CallAttempted(Shape):
    """A dial that has ended, whatever came of it."""

    call_id: Ident
    lead_id: Ident
    campaign: Ident
    agent_id: Ident | None = None
    dialer_id: Ident
    phone: Phone | None = None
    caller_id: Phone | None = None
    started_at: Instant
    answered_at: Instant | None = None
    ended_at: Instant
    outcome: Label
    talk_s: float | None = None
    hold_s: float | None = None
    wrap_s: float | None = None
    human_answered: bool
    abandoned: bool
    lease_id: Ident | None = None
    decision_id: Ident | None = None
    script: Label | None = None
    shift: Label | None = None
    callback_at: Instant | None = None


class CallDisposed(Shape):
    """What the agent says of a call; the one with the latest `time` stands."""

    call_id: Ident
    disposition: Label
    converted: bool | None = None
    value: Money | None = None
    next_after_s: Annotated[float, Field(ge=0, le=1e8)] | None = None
    callback_at: Instant | None = None
    stop_phone: bool = False


class Conversion(Shape):
    """A goal reached, confirmed from outside the call, or taken back."""

    lead_id: Ident
    goal: Ident
    value: Money | None = None
    at: Instant


class Callback(Shape):
    """A promise to call at a time, or its withdrawal."""

    lead_id: Ident
    at: Instant
    agent_id: Ident | None = None


class ConsentGranted(Shape):
    """What a lead agreed to."""

    lead_id: Ident
    basis: Basis
    at: Instant | None = None
    evidence: Note | None = None


class ConsentRevoked(Shape):
    """A lead takes its consent back."""

    lead_id: Ident
    at: Instant | None = None
    evidence: Note | None = None


class Stop(Shape):
    """Someone who is not to be called, or may be again: a lead, a number or both."""

    lead_id: Ident | None = None
    phone: Phone | None = None
    at: Instant | None = None
    reason: Note | None = None

    @model_validator(mode="after")
    def _names_someone(self) -> Self:
        if self.lead_id is None and self.phone is None:
            raise ValueError("neither lead_id nor phone")
        return self


class LeadErased(Shape):
    """A lead to be forgotten."""

    lead_id: Ident
    at: Instant | None = None


class AgentUpserted(Shape):
    """Who an agent is."""

    agent_id: Ident
    team: Label | None = None
    skills: Annotated[list[Label], Field(default_factory=list, max_length=100)]
    timezone: Zone | None = None
    hired_at: Instant | None = None
    cost_per_hour: Money | None = None


class AgentState(Shape):
    """What an agent is doing from `at` on."""

    agent_id: Ident
    state: Literal["ready", "on_call", "wrap", "break", "off"]
    at: Instant


class Touch(Shape):
    """A contact other than a call: e-mail, form visit, SMS, chat, social message."""

    lead_id: Ident
    channel: Word
    kind: Word
    direction: Literal["inbound", "outbound"]
    agent_id: Ident | None = None
    at: Instant


class VoiceScored(Shape):
    """What a voice-analysis tool said of a past call."""

    call_id: Ident
    sentiment: Number | None = None
    talk_ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    interruptions: Annotated[int, Field(ge=0, le=100_000)] | None = None
    silence_s: Annotated[float, Field(ge=0, le=1e8)] | None = None
    tone: Annotated[dict[Label, Number], Field(default_factory=dict, max_length=100)]
    transcript_ref: Label | None = None


EVENTS: dict[str, type[Shape]] = {
    "call.attempted": CallAttempted,
    "call.disposed": CallDisposed,
    "conversion.recorded": Conversion,
    "conversion.cancelled": Conversion,
    "callback.scheduled": Callback,
    "callback.cancelled": Callback,
    "consent.granted": ConsentGranted,
    "consent.revoked": ConsentRevoked,
    "objection.received": Stop,
    "dnc.added": Stop,
    "dnc.removed": Stop,
    "lead.erased": LeadErased,
    "agent.upserted": AgentUpserted,
    "agent.state": AgentState,
    "touch.recorded": Touch,
    "voice.scored": VoiceScored,
}
"""The shape of `data` by event type, without the prefix."""
