"""LocalClient: a dialer's side of the service without HTTP: the desk and the store of this process."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from features.instants import render
from features.store.campaigns import write_campaign
from features.store.decisions import read_decision
from features.store.engine import reading, transaction
from features.store.writes.events import accept_events
from features.store.writes.leads import accept_leads

from . import upkeep
from .desk import Desk
from .errors import UnknownDecision
from .handout import Batch, Order
from .leases import Ack

Answer = dict[str, Any]


@dataclass(frozen=True)
class LocalClient:
    """The methods of `client.Client`; answers say the same, of a lease what a dialer needs of it."""

    desk: Desk

    def add_leads(self, items: Sequence[Answer], at: int) -> Answer:
        """Take in leads, each on its own."""
        upkeep.catch_up(self.desk, at)
        with transaction(self.desk.engine) as connection:
            return {"items": [asdict(result) for result in accept_leads(connection, items, at)]}

    def tell(self, events: Sequence[Answer], at: int) -> Answer:
        """Take in events."""
        upkeep.catch_up(self.desk, at)
        with transaction(self.desk.engine) as connection:
            return asdict(accept_events(connection, events, at))

    def lease(self, campaign: str, n: int, seconds: int, dialer_id: str, at: int) -> Answer:
        """Lease the best leads of a campaign."""
        upkeep.catch_up(self.desk, at)
        return _told(self.desk.lease(campaign, Order(n, seconds, dialer_id), "", at))

    def acknowledge(self, acks: Iterable[tuple[str, str]], at: int) -> list[Answer]:
        """Say what became of leases: (lease, state) pairs, one answer each."""
        upkeep.catch_up(self.desk, at)
        results = self.desk.acknowledge([Ack(lease_id, state) for lease_id, state in acks], at)
        return [{"lease_id": one.lease_id, "status": one.status, "code": one.code} for one in results]

    def plan(self, campaign: str, settings: Answer, at: int) -> Answer:
        """Replace a campaign's settings, or make it."""
        with transaction(self.desk.engine) as connection:
            write_campaign(connection, campaign, settings, at)
        return {"campaign": campaign, **settings}

    def train(self, at: int) -> Answer:
        """Train on the past until `at`, wait, swap."""
        return asdict(upkeep.train(self.desk, at, wait=True))

    def decision(self, decision_id: str) -> Answer:
        """A decision as it was recorded."""
        with reading(self.desk.engine) as connection:
            found = read_decision(connection, decision_id)
        if found is None:
            raise UnknownDecision(decision_id=decision_id)
        return dict(found)


def _told(given: Batch) -> Answer:
    items = [item._asdict() | {"callable_until": render(item.callable_until)} for item in given.items]
    whole = {name: getattr(given, name) for name in ("batch_id", "model_version", "degraded", "withheld")}
    return {**whole, "expires_at": render(given.expires_at), "items": items}
