"""The service: create_app(settings) wires one worker; from_environment() is what uvicorn's workers call."""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from features.instants import MINUTE
from features.store.engine import database_clock, open_engine, reading, transaction
from features.store.installation import secret_of
from features.store.migrations import upgrade
from leadrank import __version__

from . import aside
from .access import Keys
from .api import (
    campaigns,
    decisions,
    events,
    health,
    kpis,
    leads,
    models,
    problems,
    queues,
    ranking,
    webhooks,
)
from .api.crowd import Crowd
from .api.dependencies import Clock, Service
from .api.described import Application
from .api.meter import Meter
from .api.middleware import Edge
from .api.schemas import Problem
from .bookkeeping import Bookkeeper, as_process
from .desk import Desk
from .destinations import Allowed, Guard
from .hands import Hands, SharedHands
from .herald import Herald
from .leases import takes_turn
from .lookahead import look_ahead
from .memory import Memory, labelled, restored, save
from .models import Models
from .post import Post
from .retraining import Trainer
from .settings import Settings
from .shadow import Shadow
from .shelf import Shelf
from .upkeep import catch_up

TICK_S = 20
"""How often, in normal running, what has come due is looked after."""

TICKS_TO_REMEMBER = 45
"""At every so many of them memory is saved: a restart reads no more than what was stored since."""

NEVER_PARDONED = 0
"""So long ago that scores left from before serve no longer: where requests say the time, runs repeat."""

PATIENCE = MINUTE
"""So far behind another one's clock a request may be; and memory isn't saved twice within it."""

HERALD_S = 5
"""How often, in normal running, there is a look for what others are to be told, and what is due is sent."""

YOUNG = 10_000, 50, 1_000_000
"""When the collector of cycles looks at what is new, what is young, and never by itself at what is old."""

SWITCH_S = 0.0005
"""So long a thread at work, such as one that looks ahead, keeps another waiting that answers a poll."""

PREPARE_S = 10
"""So long a beginning worker leaves dialers to others of its service at most."""

DRAIN_S = 5
"""So long an ending worker waits for a round at work, which holds a connection; a training takes longer."""

_ROUTERS = (leads, events, campaigns, queues, ranking, decisions, models, kpis, webhooks, health)


def create_app(settings: Settings) -> FastAPI:
    """One worker's application; its database is opened when it starts, and closed when it ends."""
    meter, crowd = Meter(), Crowd()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = open_engine(settings.database_url, settings.secret_text())
        upgrade(engine)
        desk, guard = open_desk(settings, engine), Guard(Allowed.of(settings.webhook_allow))
        herald = Herald(desk, Post(guard))
        shelf = Shelf(Path(settings.rankings))
        service = Service(engine, desk, Keys(engine), Clock(settings.clock), meter, guard, herald, shelf)
        app.state.service, app.state.desk = service, service.desk
        stop, usual = threading.Event(), gc.get_threshold()
        rounds = []
        if settings.clock == "system":
            if settings.crowd:
                crowd.join(Path(settings.crowd), os.getpid())
            rounds = _rounds(service, settings, stop, crowd)
        for one in rounds:
            one.start()
        await asyncio.to_thread(crowd.prepare, PREPARE_S)
        yield
        crowd.leave()
        stop.set()
        for one in rounds:
            one.join(DRAIN_S)
        gc.unfreeze()
        gc.set_threshold(*usual)
        remember(service.desk, Path(settings.checkpoints), PATIENCE)
        engine.dispose()

    app = Application(
        title="leadrank",
        summary="Decides whom a telesales floor calls next.",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # the page would load its scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=_operation,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        responses={"default": {"model": Problem, "description": "RFC 9457 problem"}},
    )
    app.add_middleware(Edge, meter=meter, crowd=crowd)
    problems.install(app)
    for module in _ROUTERS:
        app.include_router(module.router)
    return app


def from_environment() -> FastAPI:
    """The application as the environment says, with JSON lines on standard error."""
    settings = Settings()
    configure_logs(settings.log_level)
    sys.setswitchinterval(SWITCH_S)
    return create_app(settings)


def open_desk(settings: Settings, engine: Engine) -> Desk:
    """The desk of one worker, with the champion as far as the registry has one.

    In normal running it begins with the champion that served last: rounds ask the registry, which takes long.
    """
    with reading(engine) as connection:
        salt = secret_of(connection)
        found = restored(connection, Path(settings.checkpoints)) or Memory.empty()
        at = database_clock(connection) if settings.clock == "system" else NEVER_PARDONED
    registry = Models(settings.mlflow_uri, Path(settings.cache))
    trainer = Trainer(settings.database_url, settings.mlflow_uri, settings.retrain_every)
    said = settings.clock == "request"
    if said or not registry.recall():
        registry.reload()
    memory = found.with_(registry.champion(), at)
    memory.sheet.logged = settings.log_vectors
    patience = 0 if said else PATIENCE
    hands = Hands() if said else SharedHands(Path(settings.checkpoints), salt)
    return Desk(engine, registry, trainer, salt, not said, memory, hands, patience=patience, at_once=said)


def remember(desk: Desk, folder: Path, within: int) -> bool:
    """Save what the desk knows for the next start, unless a worker did `within` so long; whether it is saved.

    Polls wait only until a copy of the process has split off, which does the writing.
    """
    with transaction(desk.engine) as connection:
        now = database_clock(connection)
        if not takes_turn(connection, "memory", now + within, now):
            return True
    with desk.lock, reading(desk.engine) as connection:
        label = labelled(desk.memory, connection)
        writer = aside.begin(lambda: save(desk.memory, label, folder))
    return aside.done(writer)


def configure_logs(level: str) -> None:
    """One JSON object a line; neither secrets nor phone numbers are ever handed to it."""
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # what it warns of is raised too, and told by us
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _rounds(
    service: Service, settings: Settings, stop: threading.Event, crowd: Crowd
) -> list[threading.Thread]:
    """What one worker sees to again and again in normal running, until it is to stop."""
    keeper = Bookkeeper(service.engine, as_process(settings.database_url, settings.mlflow_uri))
    return [
        _round(_look_after, service, Path(settings.checkpoints), stop, crowd.be_ready),
        _round(_tell_others, service, stop),
        _round(_keep_books, keeper, service.clock, stop),
    ]


def _round(does: Callable[..., None], *with_: object) -> threading.Thread:
    return threading.Thread(target=does, args=with_, name=f"leadrank{does.__name__}", daemon=True)


def _look_after(
    service: Service, checkpoints: Path, stop: threading.Event, ready: Callable[[], None]
) -> None:
    """In normal running, at every tick: follow, retrain where it is due, score ahead and in the shadow.

    `ready` is called when the worker knows the store: dialers that come before wait until it does.
    """
    log, shadow = structlog.get_logger("leadrank"), Shadow(service.desk)
    for tick in count():
        try:
            catch_up(service.desk, service.clock.now(None))
            look_ahead(service.desk, service.clock.now(None))
            ready()
            shadow.follow(service.clock.now(None))
            if tick % TICKS_TO_REMEMBER == 0:
                if gc.get_freeze_count():
                    gc.collect()
                else:
                    _settle()
                if not remember(service.desk, checkpoints, PATIENCE):
                    log.warning("remembering failed")
        except Exception as error:  # noqa: BLE001  # the next tick tries again
            log.warning("catching up failed", kind=type(error).__qualname__)
        if stop.wait(TICK_S):
            return


def _settle() -> None:
    """What was read at the start stays: the collector of cycles, which stops every thread, passes over it.

    It looks at what else grows old when memory is saved, and not every few dozen polls.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*YOUNG)


def _tell_others(service: Service, stop: threading.Event) -> None:
    """In normal running: look for events in turn with the other workers, and send what is due."""
    log, herald = structlog.get_logger("leadrank"), service.herald
    while True:
        try:
            at = service.clock.now(None)
            if herald.takes_the_turn(at):
                herald.look(at)
            herald.deliver(at)
        except Exception as error:  # noqa: BLE001  # the next tick tries again
            log.warning("telling others failed", kind=type(error).__qualname__)
        if stop.wait(HERALD_S):
            return


def _keep_books(keeper: Bookkeeper, clock: Clock, stop: threading.Event) -> None:
    """In normal running: close the days that are over, in turn with the other workers."""
    log = structlog.get_logger("leadrank")
    while not stop.wait(TICK_S):
        try:
            keeper.attend(clock.now(None))
        except Exception as error:  # noqa: BLE001  # the next tick tries again
            log.warning("keeping the books failed", kind=type(error).__qualname__)


def _operation(route: APIRoute) -> str:
    module = route.endpoint.__module__.rpartition(".")[2]
    return f"{module}_{route.name}"
