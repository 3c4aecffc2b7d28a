"""Middleware: an id for every request, limits of bodies and crowds, a line in the log and in the meter.

What is done behind an answer isn't in its time.
"""

import re
import secrets
import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import TooBusy
from .crowd import Crowd
from .meter import Meter
from .problems import refusal

LIMIT = 1 << 20
"""Bytes of a body where nothing else is said."""

LIMITS = {"/v1/leads:batch": 32 << 20, "/v1/events": 32 << 20}

CROWD = 64
"""So many requests are taken at once; more are sent away at once with 429, so that nobody waits for long."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")


class Edge:
    """The outermost layer: plain ASGI, so that nothing is buffered."""

    def __init__(self, app: ASGIApp, meter: Meter, crowd: Crowd) -> None:
        self.app, self.meter, self.crowd = app, meter, crowd

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope)
        request.state.request_id = given = _request_id(request)
        status, took = 500, 0.0

        async def send_with_id(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = given
                if self.crowd.leads_elsewhere(time.perf_counter()):
                    headers["Connection"] = "close"  # the dialer's next one may find another worker
            await send(message)
            took = time.perf_counter() - began

        try:
            await self._serve(request, _limited(request, receive), send_with_id)
        finally:
            self._note(request, status, took or time.perf_counter() - began)

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        """Let it in, or send it away where a crowd is inside; who asks how the service is always comes in."""
        crowded = self.crowd.size >= CROWD and request.url.path.startswith("/v1/")
        app = refusal(request, TooBusy(most=CROWD)) if crowded else self.app
        self.crowd.come()
        try:
            await app(request.scope, receive, send)
        finally:
            self.crowd.go()

    def _note(self, request: Request, status: int, seconds: float) -> None:
        """The route's pattern stands for the path: a path may name a lead."""
        route = getattr(request.scope.get("route"), "path", "unknown")
        self.meter.observe(f"{request.method} {route}", status, seconds)
        structlog.get_logger("leadrank").info(
            "request",
            request_id=request.state.request_id,
            method=request.method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 3),
            key_id=getattr(request.state, "key_id", None),
        )


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if _PLAIN_ID.fullmatch(given) else secrets.token_hex(8)


def _limited(request: Request, receive: Receive) -> Receive:
    """The body, cut short by a 413 as soon as it says, or turns out, to be over its limit."""
    limit = LIMITS.get(request.url.path, LIMIT)
    said = request.headers.get("content-length", "0")
    declared, counted = int(said) if said.isascii() and said.isdigit() else 0, 0

    async def receive_within() -> Message:
        nonlocal counted
        message: Message = await receive() if declared <= limit else {}
        counted += len(message.get("body", b""))
        if max(declared, counted) > limit:
            raise HTTPException(413, f"The body is over {limit:,} bytes: send it in parts.")
        return message

    return receive_within
