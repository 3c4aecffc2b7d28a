"""Models: train now, and which versions there are."""

from fastapi import APIRouter, Response

from .. import upkeep
from ..errors import AlreadyTraining, MalformedBody, TrainingFailed
from .answers import OnceDep, plain, reply
from .dependencies import Manages, Now, ServiceDep
from .problems import ONCE, TIMED, refusals
from .schemas import TrainRequest
from .upkeep_schemas import ModelsResponse, TrainResponse

router = APIRouter(prefix="/v1", tags=["models"])


@router.post(
    "/models:train",
    status_code=202,
    response_model=TrainResponse,
    responses={
        200: {"model": TrainResponse, "description": "done; with the request's clock"},
        **refusals(*TIMED, *ONCE, AlreadyTraining, TrainingFailed, MalformedBody),
    },
)
def train(
    who: Manages, at: Now, once: OnceDep, service: ServiceDep, _request: TrainRequest | None = None
) -> Response:
    """Train on the past until now, pass the gate, swap. 202; with the request's clock 200 when done."""
    wait = service.clock.mode == "request"
    status = 200 if wait else 202
    return once.answer(who, at, lambda: reply(plain(upkeep.train(service.desk, at, wait)), status))


@router.get("/models", response_model=ModelsResponse, responses=refusals())
def list_models(_who: Manages, service: ServiceDep) -> Response:
    """Every version with its aliases and what the gate said; `degraded`: the registry is in trouble."""
    return reply(plain(service.desk.models.listed()))
