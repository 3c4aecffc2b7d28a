"""Decisions: what was handed out, why, and what became of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import RowMapping

from features.calls import Outcome
from features.store.decisions import calls_of, read_decision
from features.store.engine import reading

from ..errors import UnknownDecision
from ..handout import reasons_on_record
from ..replay import replayed
from .answers import reply, when
from .dependencies import Reads, ServiceDep
from .inquiry_schemas import DecisionResponse
from .problems import refusals
from .schemas import Said

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])

_SAID = (
    "decision_id", "batch_id", "lease_id", "campaign", "lead_id", "agent", "arm", "source", "model_version",
    "rank", "score", "propensity", "p_answer", "p_convert", "handle_s", "attempt_no", "dialer_id",
    "snapshot_id", "degraded", "temperature", "kappa", "pool", "withheld", "rules",
)  # fmt: skip


@router.get("/{decision_id}", response_model=DecisionResponse, responses=refusals(UnknownDecision))
def read(
    decision_id: Said,
    who: Reads,
    service: ServiceDep,
    replay: Annotated[bool, Query(description="rank its batch again from its record")] = False,
) -> Response:
    """One decision as it was recorded, with the calls that carried it out."""
    with reading(service.engine) as connection:
        found = read_decision(connection, decision_id)
        if found is None or not who.reaches(found["campaign"]):
            raise UnknownDecision(decision_id=decision_id)
        told: dict[str, object] = {name: found[name] for name in _SAID}
        erased = found["erased_at"] is not None
        told |= {
            "lead_id": None if erased else found["lead_id"],
            "erased": erased,
            "reasons": reasons_on_record(found["reasons"], found["rank"]),
            "at": when(found["at"]),
            "calls": [_call(call) for call in calls_of(connection, decision_id)],
        }
        if replay:
            told["replay"] = replayed(connection, found)
    return reply(told)


def _call(call: RowMapping) -> dict[str, object]:
    return {
        "call_id": call["call_id"],
        "agent_id": call["agent"],
        "started_at": when(call["started_at"]),
        "ended_at": when(call["ended_at"]),
        "outcome": Outcome(call["outcome"]).name.lower(),
    }
