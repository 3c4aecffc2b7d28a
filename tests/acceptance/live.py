"""A service as it runs in earnest: its own processes, PostgreSQL, the system's clock, leads it may call."""

import os
import time
from pathlib import Path

from features.instants import HOUR, render
from serving.client import Client
from serving.demo import Stages
from tests.serving.desks import many_leads


def now() -> int:
    return time.time_ns() // 1_000


def noon_somewhere(at: int) -> str:
    """A zone where it is about noon."""
    ahead = 12 - at // HOUR % 24
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/UTC"


def environment_of(database: str, folder: Path, **said: str) -> dict[str, str]:
    """The settings of every process of an installation with its files in a folder; none is inherited."""
    return {
        **{name: word for name, word in os.environ.items() if not name.startswith("LEADRANK_")},
        "LEADRANK_DATABASE_URL": database,
        "LEADRANK_MLFLOW_URI": f"sqlite:///{folder}/mlflow.db",
        "LEADRANK_CACHE": f"{folder}/bundles",
        "LEADRANK_CHECKPOINTS": f"{folder}/checkpoints",
        "LEADRANK_RETRAIN_EVERY": "off",
        **{f"LEADRANK_{name.upper()}": word for name, word in said.items()},
    }


def stages_of(database: str, folder: Path, *serving: str) -> Stages:
    """Runs `leadrank serve` with these words on a database, its files in a folder."""
    return Stages(environment_of(database, folder), folder / "service.log", lambda _: None, serving)


def send_leads(url: str, key: str, count: int) -> None:
    """Leads of the campaign `spring` that may be called at this hour."""
    at = now()
    received, zone = render(at - HOUR), noon_somewhere(at)
    leads = many_leads(count, created_at=received, updated_at=received, timezone=zone, region=None)
    with Client(url, key) as client:
        told = client.add_leads(leads)
    assert {one["result"] for one in told["items"]} == {"created"}
