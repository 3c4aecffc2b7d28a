"""Upkeep schemas: quarantine, trainings, models and health; for OpenAPI, nothing is checked."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class WaitingOut(BaseModel):
    """An event in quarantine."""

    id: str
    source: str
    type: str
    time: datetime | None = Field(description="null where it says none that can be read")
    received_at: datetime
    code: str
    detail: str


class QuarantineResponse(BaseModel):
    """A page of the events that wait, in the order in which they came."""

    counts: dict[str, int] = Field(description="of all that wait, by code")
    items: list[WaitingOut]
    next: int | None = Field(description="the `after` of the page behind; null on the last")


class TrainResponse(BaseModel):
    """A training that was begun, or is done."""

    run_id: str
    state: Literal["running", "done"]
    bundle: str | None = Field(description="its version; null while it runs")
    alias: str | None = Field(description="what the registry calls it now; null while it runs or for none")
    reason: str | None = Field(description="what the gate said")


class ModelOut(BaseModel):
    """One registered version."""

    version: str
    bundle: str = Field(description="what decisions and polls call `model_version`")
    aliases: list[str]
    created_at: datetime
    gate: str
    reason: str = Field(description="why the gate said so")


class ModelsResponse(BaseModel):
    """The registered versions, newest first."""

    items: list[ModelOut]
    degraded: bool = Field(description="these are the last ones known: the registry is in trouble")
    trouble: str = Field(description="why; empty where it is not")


class LiveResponse(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class ReadyResponse(BaseModel):
    """The service can serve."""

    status: Literal["ready"]
    model_version: str | None = Field(description="null while rules rank")
    degraded: bool
