"""Closed loop: the simulated floor dials what a service hands out, over HTTP or in this process."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from features.instants import SECOND
from features.kernel import Int64Array
from features.synthetic.floor import Call, Fact, Floor, Offer
from features.synthetic.messages import DIALER, event_of_fact, events_of_call, lead_item
from features.synthetic.world import CAMPAIGN, lead_id

from .client import Answer

BATCH = 5000

AHEAD = 5
"""Leads an agent gets through between two polls, about: asking for more leases what goes back undialed."""


class Service(Protocol):
    """What the floor asks of a service: `client.Client` over HTTP, `local.LocalClient` without."""

    def add_leads(self, items: Sequence[Answer], at: int) -> Answer:
        """Take in leads."""

    def tell(self, events: Sequence[Answer], at: int) -> Answer:
        """Take in events."""

    def lease(self, campaign: str, n: int, seconds: int, dialer_id: str, at: int) -> Answer:
        """Lease the best leads of a campaign."""

    def acknowledge(self, acks: Iterable[tuple[str, str]], at: int) -> list[Answer]:
        """Say what became of leases."""

    def decision(self, decision_id: str) -> Answer:
        """A decision as it was recorded."""


@dataclass
class Watch:
    """What a dialer notices about the service: how long it waited, and what it must never see."""

    lease_seconds: list[float] = field(default_factory=list)
    leases: int = 0
    leased_twice: int = 0
    """A lead handed out while an earlier lease of it was still open."""
    violations: int = 0
    """A lead handed out that the world's own rules forbid to call."""
    refused: int = 0
    """Leases that were no longer the dialer's when it wanted to dial."""
    quarantined: int = 0
    degraded: int = 0
    """Polls answered without the champion."""


@dataclass
class ServiceQueue:
    """The queue of the simulated floor, kept by a service; every call of it is a request."""

    client: Service
    floor: Floor
    lease_seconds: int
    stopwatch: Callable[[], float] = time.perf_counter
    heard: Callable[[int, Answer], None] = lambda _at, _answer: None
    """Told every poll's instant and answer."""
    watch: Watch = field(default_factory=Watch)
    _open: dict[int, tuple[str, int]] = field(default_factory=dict)
    _lead_of: dict[str, int] = field(default_factory=dict)
    _arms: dict[str, str] = field(default_factory=dict)

    def arrive(self, leads: Int64Array, at: int) -> None:
        """Send the leads that came in."""
        items = [lead_item(self.floor.world, int(lead)) for lead in leads]
        for first in range(0, len(items), BATCH):
            self.client.add_leads(items[first : first + BATCH], at)

    def report(self, calls: Sequence[Call], at: int) -> None:
        """Send what became of the calls, and end their leases."""
        events = [event for call in calls for event in events_of_call(self.floor.world, call)]
        self._tell(events, at)
        for call in calls:
            self._open.pop(call.lead, None)

    def settle(self, facts: Sequence[Fact], at: int) -> None:
        """Send the sales that were confirmed or cancelled."""
        self._tell([event_of_fact(fact) for fact in facts], at)

    def release(self, offers: Sequence[Offer], at: int) -> None:
        """Give back what was not dialed."""
        self.client.acknowledge([(offer.lease_id, "released") for offer in offers], at)
        for offer in offers:
            self._open.pop(offer.lead, None)

    def leads(self, n: int, at: int, agents: Sequence[int]) -> list[Offer]:
        """Lease the next leads; count whatever must not happen."""
        begun = self.stopwatch()
        wanted = min(n, AHEAD * len(agents))
        answer = self.client.lease(CAMPAIGN, wanted, self.lease_seconds, DIALER, at)
        self.watch.lease_seconds.append(self.stopwatch() - begun)
        self.watch.degraded += bool(answer["degraded"])
        self.heard(at, answer)
        return [self._offer(item, at) for item in answer["items"]]

    def take(self, offer: Offer, at: int) -> bool:
        """Say that the lead is being dialed; a lease that is gone must not be."""
        (answer,) = self.client.acknowledge([(offer.lease_id, "dialing")], at)
        self.watch.refused += answer["status"] != 200
        return bool(answer["status"] == 200)

    def arm_of(self, offer: Offer) -> str:
        """`model` or `holdout`: a callback's arm stands in its decision alone."""
        if offer.decision_id not in self._arms:
            self._arms[offer.decision_id] = self.client.decision(offer.decision_id)["arm"]
        return self._arms[offer.decision_id]

    def _offer(self, item: dict[str, Any], at: int) -> Offer:
        lead = self._number(item["lead_id"])
        _, until = self._open.get(lead, ("", 0))
        self.watch.leases += 1
        self.watch.leased_twice += until > at
        self.watch.violations += not self.floor.may_dial(lead, at)
        self._open[lead] = (item["lease_id"], at + self.lease_seconds * SECOND)
        if item["source"] != "callback":
            self._arms[item["decision_id"]] = "holdout" if item["source"] == "holdout" else "model"
        return Offer(lead, source=item["source"], lease_id=item["lease_id"], decision_id=item["decision_id"])

    def _number(self, name: str) -> int:
        if not self._lead_of:
            self._lead_of = {lead_id(lead): lead for lead in range(len(self.floor.world.leads))}
        return self._lead_of[name]

    def _tell(self, events: list[dict[str, Any]], at: int) -> None:
        for first in range(0, len(events), BATCH):
            answer = self.client.tell(events[first : first + BATCH], at)
            self.watch.quarantined += len(answer["quarantined"])
