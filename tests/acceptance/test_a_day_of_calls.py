"""A day of calls, as a user has it: the commands, the service over HTTP, a floor that dials, the accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, select

from features.instants import render
from features.store.engine import reading
from features.store.tables import call, decision, event, quarantine
from features.synthetic.history import write_history
from features.synthetic.world import CAMPAIGN, lead_id
from serving.client import Client
from serving.demo import Stages
from serving.upkeep import catch_up
from training.bundle import Bundle

from .days import (
    HISTORY,
    Dialed,
    a_past,
    a_world,
    copied,
    dial,
    first_difference,
    handed_out,
    in_this_process,
    opened,
)
from .live import environment_of

SECRET = "a-day-of-calls"
RETRAIN_EVERY = "14h"
"""Once on the day, at two in the afternoon, by the requests' clock."""


@dataclass
class Installation:
    """A running service, a key for it, and the day that was dialed on it."""

    folder: Path
    client: Client
    trained: dict[str, Any]
    day: Dialed
    engine: Engine

    @property
    def start(self) -> int:
        """When the day began."""
        return self.day.world.day(HISTORY)

    @property
    def end(self) -> int:
        """When it was over."""
        return self.day.world.stop

    @property
    def serving(self) -> str:
        """The bundle that answered last."""
        return str(self.day.polls[-1]["model_version"])

    def kpi(self, name: str) -> dict[str, Any]:
        """The one row of a KPI over the day."""
        between = f"from={render(self.start)}&to={render(self.end)}"
        (row,) = self.client.get(f"/v1/kpis?kpi={name}&campaign={CAMPAIGN}&{between}", self.end)["rows"]
        found: dict[str, Any] = row
        return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of every process of the installation."""
    folder = tmp_path_factory.mktemp("installation")
    said = {"secret": SECRET, "clock": "request", "retrain_every": RETRAIN_EVERY}
    return environment_of(f"sqlite:///{folder}/leadrank.db", folder, **said)


@pytest.fixture(scope="module")
def floor(environment: dict[str, str]) -> Iterator[Installation]:
    """The whole day: history, import, training, service, and a floor dialing over HTTP."""
    folder = Path(environment["LEADRANK_CACHE"]).parent
    stages = Stages(environment, folder / "service.log", lambda _: None)
    until = a_world().day(HISTORY)
    write_history(a_past(), folder / "history")
    stages.command("import", *(str(folder / "history" / f"{what}.ndjson") for what in ("leads", "events")))
    key = stages.command("keys", "create", "dialer", "--scopes", "ingest,queue,read,manage").strip()
    with stages.service() as url, Client(url, key) as client:
        trained = client.train(until)
        for name in ("leadrank", "mlflow"):
            copied(folder / f"{name}.db", folder / f"{name}-before.db")
        engine = opened(folder / "leadrank.db", SECRET)
        yield Installation(folder, client, trained, dial(client, a_past()), engine)
        engine.dispose()


def test_the_first_training_is_published_and_serves_at_once(floor: Installation):
    assert (floor.trained["state"], floor.trained["alias"]) == ("done", "champion")
    assert floor.day.watch.degraded == 0


def test_nothing_happens_that_must_not(floor: Installation):
    watch = floor.day.watch

    assert watch.leases > 300
    assert (watch.violations, watch.leased_twice, watch.quarantined, watch.refused) == (0, 0, 0, 0)


def test_every_event_is_in_the_log_once_and_none_waits(floor: Installation):
    with reading(floor.engine) as connection:
        names = connection.execute(select(event.c.source, event.c.id)).all()
        waiting = connection.execute(select(quarantine)).all()

    assert len(set(names)) == len(names)
    assert waiting == []


def test_every_call_is_joined_to_the_decision_that_asked_for_it(floor: Installation):
    asked = (
        select(
            call.c.call_id, call.c.lead, call.c.lease_id, decision.c.lead, decision.c.lease_id, decision.c.at
        )
        .select_from(call.outerjoin(decision, decision.c.decision_id == call.c.decision_id))
        .where(call.c.started_at >= floor.start)
    )
    with reading(floor.engine) as connection:
        joined = connection.execute(asked).all()
    first = next(one for one in floor.day.result.log if one.human_answered)

    told = floor.client.decision(first.offer.decision_id, floor.end)

    assert len(joined) == len(floor.day.result.log)
    assert all((lead, lease) == (asked_lead, given) for _, lead, lease, asked_lead, given, _ in joined)
    assert [one["call_id"] for one in told["calls"]] == [first.call_id]
    assert told["lead_id"] == lead_id(first.lead)


def test_every_hand_out_has_its_chance_and_its_rank(floor: Installation):
    with reading(floor.engine) as connection:
        rows = connection.execute(select(decision)).all()
    ranks: dict[str, list[int]] = {}
    for row in rows:
        ranks.setdefault(row.batch_id, []).append(row.rank)

    assert len(rows) == floor.day.watch.leases
    assert all(0 < row.propensity <= 1 for row in rows)
    assert all(sorted(given) == list(range(1, len(given) + 1)) for given in ranks.values())
    assert 0 < sum(row.arm == "holdout" for row in rows) < len(rows) / 3


def test_the_accounts_equal_a_count_by_hand(floor: Installation):
    log = floor.day.result.log
    seconds = [(one.ended_at - one.started_at) / 1e6 for one in log]
    contacts = [one for one in log if one.human_answered and one.talk_s >= 10]
    sales = {one.lead for one in log if one.converted}
    gone = {one.lead for one in log if one.converted and one.cancelled_at <= floor.end}

    conversion, duration = floor.kpi("call_conversion_rate"), floor.kpi("average_call_duration")
    contact, attempts = floor.kpi("contact_rate"), floor.kpi("attempts_per_lead")

    assert conversion["n"] == duration["n"] == contact["n"] == len(log)
    assert conversion["value"] == pytest.approx(100 * len(sales - gone) / len(log))
    assert duration["value"] == pytest.approx(sum(seconds) / len(log))
    assert contact["value"] == pytest.approx(100 * len(contacts) / len(log))
    assert attempts["value"] == pytest.approx(len(log) / len({one.lead for one in log}))


def test_a_lead_explains_itself_to_the_last_digit(floor: Installation):
    bundle = Bundle.load(floor.folder / "bundles" / floor.serving)
    some = {one.lead: None for one in floor.day.result.log}

    told = [floor.client.get(f"/v1/leads/{lead_id(lead)}/explain", floor.end) for lead in list(some)[:20]]

    for one in told:
        assert (one["model_version"], one["degraded"]) == (floor.serving, False)
        for head, said in one["heads"].items():
            score = said["base"] + sum(reason["effect"] for reason in said["reasons"])
            calibrated = bundle.models[head].honest(np.array([score]))
            figure = said["probability"] if said["amount"] is None else said["amount"]
            assert calibrated[0] == pytest.approx(figure, rel=1e-6)


def test_a_retraining_falls_due_and_takes_over_without_a_restart(floor: Installation):
    said = (floor.folder / "service.log").read_text()
    served = list(dict.fromkeys(poll["model_version"] for poll in floor.day.polls))

    newest, first = floor.client.get("/v1/models", floor.end)["items"]

    assert first["bundle"] == floor.trained["bundle"] != newest["bundle"]
    assert served == [first["bundle"]] + [newest["bundle"]] * ("champion" in newest["aliases"])
    assert "Traceback" not in said


def test_the_same_day_in_this_process_hands_out_the_same_leads(floor: Installation, environment):
    """Same store, same secret, same instants: the same retraining, the same draws, with HTTP or without."""
    store, registry = (
        copied(floor.folder / f"{name}-before.db", floor.folder / f"{name}-again.db")
        for name in ("leadrank", "mlflow")
    )
    places = {"LEADRANK_DATABASE_URL": f"sqlite:///{store}", "LEADRANK_MLFLOW_URI": f"sqlite:///{registry}"}
    places |= {"LEADRANK_CACHE": f"{floor.folder}/again", "LEADRANK_CHECKPOINTS": f"{floor.folder}/none"}
    engine = opened(store, SECRET)

    with in_this_process(environment | places, engine) as client:
        catch_up(client.desk, floor.start)  # from the first request on, a retraining falls due
        again = dial(client, a_past())

    assert first_difference(again.polls, floor.day.polls, "polls") is None
    assert first_difference(handed_out(engine), handed_out(floor.engine), "records") is None
    assert again.result.log == floor.day.result.log
    engine.dispose()
