"""Post: one request to a webhook, to an address that was checked as it is connected to, within a deadline."""

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import httpcore2

from .destinations import Destination, Guard
from .errors import DestinationRefused

DEADLINE_S = 10.0
"""From connecting to the answer's status: who answers drop by drop is given up as well."""


@dataclass(frozen=True)
class Said:
    """What came of a request: a status, or in a word what went wrong before there was one."""

    status: int = 0
    trouble: str = ""

    @property
    def good(self) -> bool:
        """Whether the receiver took it."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """For people; no part of the URL or of the answer."""
        return self.trouble or f"answered {self.status}"


class Sender(Protocol):
    """Posts a body to a URL and tells what came of it; never raises for what the world does."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Said: ...


@dataclass
class Post:
    """The way out: no redirects, no proxies, nothing read of the answer but its status.

    The name is resolved, checked and connected to in one step: one that changes its mind between a check and
    a connection (DNS rebinding) has nothing to gain.
    """

    guard: Guard = field(default_factory=Guard)
    deadline_s: float = DEADLINE_S

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Said:
        """Post once."""
        try:
            return Said(self._post(Destination.of(url), headers, body))
        except DestinationRefused as refused:
            return Said(trouble=str(refused.facts["reason"]))
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
            OSError,
        ) as error:
            return Said(trouble=type(error).__name__)

    def _post(self, there: Destination, headers: Mapping[str, str], body: bytes) -> int:
        backend = _Guarded(self.guard, time.monotonic() + self.deadline_s)
        url = httpcore2.URL(scheme=there.scheme, host=there.host, port=there.port, target=there.target)
        said = [(b"Host", there.netloc), *((name.encode(), word.encode()) for name, word in headers.items())]
        with (
            httpcore2.ConnectionPool(ssl_context=self._trust, network_backend=backend) as pool,
            pool.stream("POST", url, headers=said, content=body) as answer,
        ):
            return answer.status

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return httpcore2.default_ssl_context()


class _Guarded(httpcore2.NetworkBackend):
    """Connects to checked addresses alone."""

    def __init__(self, guard: Guard, deadline_s: float) -> None:
        self._guard, self._deadline_s = guard, deadline_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try the host's addresses in turn, each for its share of the time; the last one's trouble counts."""
        addresses = self._guard.addresses(host, port)
        for others, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            try:
                wait = _left(self._deadline_s) / (others + 1)
                stream = httpcore2.SyncBackend().connect_tcp(str(address), port, wait, local_address)
                return _Hurried(stream, self._deadline_s)
            except (httpcore2.NetworkError, httpcore2.TimeoutException):
                if not others:
                    raise
        raise httpcore2.ConnectError


class _Hurried(httpcore2.NetworkStream):
    """A stream that ends at a deadline, however often it is read."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline_s: float) -> None:
        self._stream, self._deadline_s = stream, deadline_s

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, up to `max_bytes`."""
        return self._stream.read(max_bytes, _left(self._deadline_s))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._stream.write(buffer, _left(self._deadline_s))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Go on encrypted, to the host that the URL names."""
        secure = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline_s))
        return _Hurried(secure, self._deadline_s)

    def get_extra_info(self, info: str) -> object:
        """What the stream below knows."""
        return self._stream.get_extra_info(info)


def _left(deadline_s: float) -> float:
    """Seconds that are left; none is a time-out."""
    left = deadline_s - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left
