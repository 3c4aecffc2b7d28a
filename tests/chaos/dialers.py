"""Dialers that go on whatever happens to the service, and write down what they were given and told.

They ask by the standard library's client: another one makes TLS settings for each connection, which takes
more of the cores that the service is on than its answer does.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import orjson
from numpy.random import Generator, default_rng

from features.instants import SECOND, render
from serving.client import Answer
from tests.serving.desks import a_dial

CAMPAIGN = "spring"
ASKED = 10
LEASE_S = 20
RETRY_S = 0.2
PATIENCE_S = 30

Item = dict[str, Any]


@dataclass
class Hand:
    """One lead handed out: when it was asked for, when the answer came, until when it is held at least."""

    lead_id: str
    phone: str
    lease_id: str
    asked_s: float
    answered_s: float
    until_s: float
    """On the dialer's own monotonic clock; for ever once it is dialed."""


@dataclass(frozen=True)
class Poll:
    """One attempt to poll and whether it brought an answer; seconds of the monotonic clock."""

    begun_s: float
    ended_s: float
    answered: bool


@dataclass
class Journal:
    """What all dialers saw; their threads share it."""

    hands: list[Hand] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    """Ids of events that the service said it took."""
    polls: list[Poll] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """Answers of 400 and more, by status and code."""
    broken: Counter[str] = field(default_factory=Counter)
    """Requests without an answer, by what broke them."""
    not_mine: int = 0
    """Leases that were gone when their dialer wanted to dial."""


@dataclass(eq=False)
class Dialer(threading.Thread):
    """Polls, dials most of what it gets, gives some back, forgets some, and tells of calls until heard."""

    url: str
    key: str
    number: int
    journal: Journal
    stop: threading.Event
    pause_s: float
    """Between two polls; 0 during a burst."""

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.turn = 0

    def run(self) -> None:
        """Work until told to stop."""
        rng = default_rng(self.number)
        while not self.stop.is_set():
            self.turn += 1
            self._work(rng, self._poll(f"{self.number}-{self.turn}"))
            self.stop.wait(self.pause_s * rng.uniform(0.5, 1.5))

    def _poll(self, key: str) -> list[Item]:
        """Poll; an attempt that broke is repeated with the same Idempotency-Key, as a dialer would."""
        wanted = {"n": ASKED, "lease_seconds": LEASE_S, "dialer_id": f"dialer-{self.number}"}
        path = f"/v1/campaigns/{CAMPAIGN}/queue:lease"
        begun = time.monotonic()
        answer = self._until_answered(path, wanted, key=key, notes_polls=True)
        if answer is None:
            return []
        now = time.monotonic()
        items: list[Item] = answer["items"]
        for item in items:
            held = Hand(item["lead_id"], item["phone"], item["lease_id"], begun, now, begun + LEASE_S)
            item["hand"] = held
            self.journal.hands.append(held)
        return items

    def _work(self, rng: Generator, items: Sequence[Item]) -> None:
        """Seven of ten are dialed, one is given back, two are forgotten."""
        fate = rng.random(len(items))
        back = [item for item, drawn in zip(items, fate, strict=True) if 0.7 <= drawn < 0.8]
        if back:
            released = time.monotonic()
            acks = [{"lease_id": item["lease_id"], "state": "released"} for item in back]
            self._until_answered("/v1/leases:ack", acks)
            for item in back:
                item["hand"].until_s = min(item["hand"].until_s, released)
        dialed = self._dial([item for item, drawn in zip(items, fate, strict=True) if drawn < 0.7])
        self.tell([_event(item) for item in dialed])

    def _dial(self, items: Sequence[Item]) -> list[Item]:
        """Say that they are being dialed; who is told 410 is not."""
        if not items:
            return []
        acks = [{"lease_id": item["lease_id"], "state": "dialing"} for item in items]
        answer = self._until_answered("/v1/leases:ack", acks)
        status = [one["status"] for one in answer["items"]] if answer is not None else [410] * len(items)
        dialed = [item for item, said in zip(items, status, strict=True) if said == 200]
        self.journal.not_mine += len(items) - len(dialed)
        for item in dialed:
            item["hand"].until_s = float("inf")
        return dialed

    def tell(self, events: Sequence[Answer]) -> None:
        """Tell until the service says that it has them."""
        if not events:
            return
        answer = self._until_answered("/v1/events", list(events))
        if answer is not None:
            refused = {one["id"] for one in answer["quarantined"]}
            self.journal.acknowledged += [str(one["id"]) for one in events if one["id"] not in refused]

    def _until_answered(
        self, path: str, content: object, key: str | None = None, notes_polls: bool = False
    ) -> Answer | None:
        """Send until it is answered; None when told to stop before that, or refused for good."""
        for _ in range(int(60 / RETRY_S)):
            begun = time.monotonic()
            answer, final = self._attempt(path, content, key)
            if notes_polls:
                self.journal.polls.append(Poll(begun, time.monotonic(), answer is not None))
            if answer is not None or final:
                return answer
            time.sleep(RETRY_S)
        return None

    def _attempt(self, path: str, content: object, key: str | None) -> tuple[Answer | None, bool]:
        """One request on a connection of its own, for any worker to take; and whether to leave it at that."""
        kind = "application/cloudevents-batch+json" if path.endswith("events") else "application/json"
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            status, told = _sent(self.url, path, orjson.dumps(content), headers)
        except (OSError, HTTPException) as error:
            self.journal.broken[type(error).__name__] += 1
            return None, False
        if status < 400:
            return told, True
        self.journal.refused[f"{status} {told['code']}"] += 1
        return None, status not in (409, 429, 503)


def _sent(url: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Answer]:
    """The status and content of the answer."""
    where = urlsplit(url)
    with closing(HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_S)) as connection:
        connection.request("POST", path, body, dict(headers))
        given = connection.getresponse()
        return given.status, orjson.loads(given.read())


def _event(item: Item) -> Answer:
    """The call, which is over already."""
    started = time.time_ns() // 1_000 - SECOND
    name, ended = f"call-{item['lease_id']}", started + SECOND // 2
    told = a_dial(name, item["lead_id"], started, lease_id=item["lease_id"], decision_id=item["decision_id"])
    data = told["data"]
    assert isinstance(data, dict)
    data |= {"ended_at": render(ended), "phone": item["phone"]}
    return told | {"id": name, "time": render(ended)}
