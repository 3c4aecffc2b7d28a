"""Receivers: real HTTP servers on loopback that keep what they are sent and answer as a test wants."""

import base64
import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

Answer = Callable[[BaseHTTPRequestHandler, int], None]


@dataclass
class Receiver:
    """What came in, and where to send it."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, object]]:
        """The bodies as JSON, in order of arrival."""
        return [orjson.loads(body) for _, body in self.requests]

    @property
    def ids(self) -> list[str]:
        """The `webhook-id` of each request."""
        return [headers["webhook-id"] for headers, _ in self.requests]


def statuses(*codes: int) -> Answer:
    """Answers these in turn, then 204 for ever."""

    def answer(request: BaseHTTPRequestHandler, before: int) -> None:
        request.send_response(codes[before] if before < len(codes) else 204)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


@contextmanager
def a_receiver(answer: Answer | None = None) -> Iterator[Receiver]:
    """A server that answers each request as told; it ends with the block."""
    receiver, reply = Receiver(), answer or statuses()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): word for name, word in self.headers.items()}
            receiver.requests.append((headers, body))
            reply(self, len(receiver.requests) - 1)

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What the Standard Webhooks specification asks of a receiver, written out."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    mark = base64.b64encode(hmac.new(key, content, "sha256").digest()).decode()
    return headers["webhook-signature"].split() == [f"v1,{mark}"]
