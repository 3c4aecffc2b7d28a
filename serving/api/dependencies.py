"""Dependencies: who asks, as of when, with which body; the one place in the service that reads a clock.

They run on the event loop, which costs a request nothing; what waits for the store goes to a thread.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from features.instants import MINUTE, parse, render
from features.sources.words import FIRST, LAST

from ..access import Keys, Principal
from ..desk import Desk
from ..destinations import Guard
from ..errors import BadInstant, ClockMissing, ClockNotAllowed, KeyMissing
from ..herald import Herald
from ..shelf import Shelf
from ..upkeep import catch_up
from .meter import Meter


@dataclass
class Clock:
    """What time it is: the system's, or what requests say, else the latest they ever said."""

    mode: Literal["system", "request"]
    latest: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self, said: str | None) -> int:
        """The instant as of which to answer."""
        if self.mode == "system":
            if said is not None:
                raise ClockNotAllowed
            return time.time_ns() // 1000
        with self._lock:
            if said is not None:
                at = instant(said)
                if not FIRST <= at < LAST:
                    raise BadInstant(said=said[:64])
                self.latest = at if self.latest is None else max(at, self.latest)
                return at
            if self.latest is None:
                raise ClockMissing
            return self.latest


@dataclass
class Broom:
    """Says, at most once a minute, that old answers may be swept out."""

    _swept_at: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, at: int) -> bool:
        """Whether it is time; who asks sweeps."""
        with self._lock:
            if self._swept_at is not None and 0 <= at - self._swept_at < MINUTE:
                return False
            self._swept_at = at
        return True


@dataclass(frozen=True)
class Service:
    """What one worker serves with."""

    engine: Engine
    desk: Desk
    keys: Keys
    clock: Clock
    meter: Meter
    guard: Guard
    herald: Herald
    shelf: Shelf
    broom: Broom = field(default_factory=Broom)


def instant(text: str) -> int:
    """Read an instant said in a header or query."""
    try:
        at = parse(text.replace(" ", "+"))
        render(at)
    except (ValueError, OverflowError):
        raise BadInstant(said=text[:64]) from None
    return at


async def service(request: Request) -> Service:
    """The service of this worker."""
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service)]

_bearer = HTTPBearer(auto_error=False, description="An API key: `leadrank keys create NAME --scopes ...`")


async def principal(
    request: Request,
    scopes: SecurityScopes,
    service: ServiceDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Who asks: 401 without a good key, 403 without the scopes or for telling the time where none may."""
    if credentials is None:
        raise KeyMissing
    token, now_s = credentials.credentials, time.monotonic()
    found = service.keys.trusted(token, now_s)
    if found is None:
        found = await run_in_threadpool(service.keys.asked, token, now_s)
    request.state.key_id = found.key_id
    for scope in scopes.scopes:
        found.require(scope)
    if service.clock.mode == "system" and "Leadrank-Now" in request.headers:
        raise ClockNotAllowed
    return found


async def now(
    service: ServiceDep,
    _known: Annotated[Principal, Security(principal)],
    leadrank_now: Annotated[str | None, Header(description="only with LEADRANK_CLOCK=request")] = None,
) -> int:
    """As of when to answer; with the request's clock all that is due by then is done first."""
    at = service.clock.now(leadrank_now)
    if service.clock.mode == "request":
        await run_in_threadpool(catch_up, service.desk, at)
        await run_in_threadpool(service.herald.attend, at)
    return at


async def body(request: Request) -> bytes:
    """The body as it came."""
    return await request.body()


Ingests = Annotated[Principal, Security(principal, scopes=["ingest"])]
Queues = Annotated[Principal, Security(principal, scopes=["queue"])]
Reads = Annotated[Principal, Security(principal, scopes=["read"])]
Manages = Annotated[Principal, Security(principal, scopes=["manage"])]
Now = Annotated[int, Depends(now)]
Body = Annotated[bytes, Depends(body)]
