"""Client: a dialer's side of the interface, over HTTP, one method per request it makes."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson

from features.instants import render

from .errors import ServiceRefused

Answer = dict[str, Any]


class Client:
    """Talks to one service with one key; `at` goes along as the request's clock when it is given."""

    def __init__(self, url: str, key: str, timeout_s: float = 120.0) -> None:
        self._http = httpx2.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout_s
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def add_leads(self, items: Sequence[Answer], at: int | None = None) -> Answer:
        """POST /v1/leads:batch."""
        return self._post("/v1/leads:batch", items, at)

    def tell(self, events: Sequence[Answer], at: int | None = None) -> Answer:
        """POST /v1/events, as a batch of CloudEvents."""
        return self._post("/v1/events", events, at, "application/cloudevents-batch+json")

    def lease(self, campaign: str, n: int, seconds: int, dialer_id: str, at: int | None = None) -> Answer:
        """POST /v1/campaigns/{campaign}/queue:lease."""
        wanted = {"n": n, "lease_seconds": seconds, "dialer_id": dialer_id}
        return self._post(f"/v1/campaigns/{campaign}/queue:lease", wanted, at)

    def acknowledge(self, acks: Iterable[tuple[str, str]], at: int | None = None) -> list[Answer]:
        """POST /v1/leases:ack with (lease, state) pairs; one answer each."""
        content = [{"lease_id": lease_id, "state": state} for lease_id, state in acks]
        answers: list[Answer] = self._post("/v1/leases:ack", content, at)["items"]
        return answers

    def plan(self, campaign: str, settings: Answer, at: int | None = None) -> Answer:
        """PUT /v1/campaigns/{campaign}."""
        return self._send("PUT", f"/v1/campaigns/{campaign}", settings, at)

    def train(self, at: int | None = None) -> Answer:
        """POST /v1/models:train."""
        return self._post("/v1/models:train", {}, at)

    def decision(self, decision_id: str, at: int | None = None) -> Answer:
        """GET /v1/decisions/{decision_id}."""
        return self.get(f"/v1/decisions/{decision_id}", at)

    def get(self, path: str, at: int | None = None) -> Answer:
        """GET anything."""
        return self._send("GET", path, None, at)

    def _post(self, path: str, content: object, at: int | None, kind: str = "application/json") -> Answer:
        return self._send("POST", path, content, at, kind)

    def _send(
        self, method: str, path: str, content: object, at: int | None, kind: str = "application/json"
    ) -> Answer:
        headers = {"Content-Type": kind} if content is not None else {}
        if at is not None:
            headers["Leadrank-Now"] = render(at)
        body = orjson.dumps(content) if content is not None else None
        answer = self._http.request(method, path, content=body, headers=headers)
        if answer.status_code >= 400:
            raise ServiceRefused(
                request=f"{method} {path}", status=answer.status_code, answer=answer.text[:500]
            )
        found: Answer = orjson.loads(answer.content)
        return found
