"""Health: is the process alive, can it serve, what has it counted."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from features.errors import StaleSchema
from features.store.migrations import require_current

from .answers import reply
from .dependencies import ServiceDep
from .meter import MEDIA_TYPE
from .problems import failures
from .upkeep_schemas import LiveResponse, ReadyResponse

router = APIRouter(tags=["health"])


@router.get("/health/live", response_model=LiveResponse)
def live() -> Response:
    """The process answers."""
    return reply({"status": "alive"})


@router.get("/health/ready", response_model=ReadyResponse, responses=failures(StaleSchema))
def ready(service: ServiceDep) -> Response:
    """The database answers and its schema fits (else 503), and whether a model or plain rules rank."""
    require_current(service.engine)
    models = service.desk.models
    return reply({"status": "ready", "model_version": models.version, "degraded": models.degraded})


@router.get("/metrics", response_model=None, response_class=PlainTextResponse)
def metrics(service: ServiceDep) -> Response:
    """Counts of this worker since its start, for Prometheus; they name no lead, number or key."""
    return Response(service.meter.render(), media_type=MEDIA_TYPE)
