"""Health: is the process alive, can it serve, what has it counted."""

from fastapi import APIRouter, Response

from features.store.migrations import require_current

from .answers import reply
from .dependencies import ServiceDep
from .meter import MEDIA_TYPE

router = APIRouter(tags=["health"])


@router.get("/health/live", response_model=None)
def live() -> Response:
    """The process answers."""
    return reply({"status": "alive"})


@router.get("/health/ready", response_model=None)
def ready(service: ServiceDep) -> Response:
    """The database answers and its schema fits (else 503), and whether a model or plain rules rank."""
    require_current(service.engine)
    models = service.desk.models
    return reply({"status": "ready", "model_version": models.version, "degraded": models.degraded})


@router.get("/metrics", response_model=None)
def metrics(service: ServiceDep) -> Response:
    """Counts of this worker since its start, for Prometheus; they name no lead, number or key."""
    return Response(service.meter.render(), media_type=MEDIA_TYPE)
