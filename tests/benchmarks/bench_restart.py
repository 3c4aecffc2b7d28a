"""A desk of a large campaign that starts again: from what was saved, against reading the store; its memory.

`LEADS=1000000 pytest -m benchmark tests/benchmarks/bench_restart.py` takes a campaign of a million.
"""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from features.instants import SECOND
from features.store.engine import open_engine, reading
from features.store.installation import secret_of
from serving.desk import Desk
from serving.handout import Order
from serving.memory import labelled, restored, save
from serving.models import Models
from serving.retraining import Trainer
from tests.serving.desks import a_desk
from training.bundle import Bundle

from .bench_lease import a_bundle
from .harness import Figure, alone, summary
from .store_of_leads import NOW, fill_leads

LEADS = int(os.environ.get("LEADS", "100000"))
ORDER, STARTS = Order(100, 10), 3


@dataclass(frozen=True)
class Started:
    """What it took to the first queue handed out, and what the process holds then."""

    seconds: float
    own_mib: float
    """Memory that no other process can share."""
    mapped_mib: float


def bench_restart(engine: Engine) -> list[Figure]:
    """Wall clock from a process that has read its code to the first hundred leads handed out."""
    url = engine.url.render_as_string(hide_password=False)
    alone(fill_leads, url, LEADS)
    with TemporaryDirectory() as name:
        anew = alone(read_all, url, Path(name))
        again = [alone(go_on, url, Path(name), turn) for turn in range(STARTS)]
    size = f"{LEADS:,} leads in {engine.dialect.name}"
    starts = [one.seconds for one in again]
    whole, own = again[0].own_mib + again[0].mapped_mib, [one.own_mib for one in again]
    return [
        summary(f"a start with {size}", "reading the store", anew / sorted(starts)[1], starts, "s"),
        summary(f"a worker's own memory, {size}", "all that it holds", whole / sorted(own)[1], own, "MiB"),
    ]


def read_all(url: str, folder: Path) -> float:
    """Seconds of a start from the store alone; what is known then is saved."""
    engine = open_engine(url)
    begun = time.perf_counter()
    desk = a_desk(engine)
    desk.follow(NOW)
    bundle = a_bundle(desk)
    desk.models = Models("", folder, "", bundle)
    desk.lease("spring", ORDER, "first", NOW)
    took = time.perf_counter() - begun
    bundle.save(folder / "bundle")
    with reading(engine) as connection:
        label = labelled(desk.memory, connection)
    save(desk.memory, label, folder)
    return took


def go_on(url: str, folder: Path, turn: int) -> Started:
    """A start from what was saved."""
    engine, bundle = open_engine(url), Bundle.load(folder / "bundle")
    at = NOW + (1 + turn) * SECOND
    begun = time.perf_counter()
    with reading(engine) as connection:
        salt, found = secret_of(connection), restored(connection, folder)
    assert found is not None
    models, memory = Models("", folder, "", bundle), found.with_(bundle, at)
    desk = Desk(engine, models, Trainer("", ""), salt, memory=memory)
    given = desk.lease("spring", ORDER, f"turn {turn}", at)
    took = time.perf_counter() - begun
    assert len(given.items) == ORDER.n
    return Started(took, *_memory())


def _memory() -> tuple[float, float]:
    """MiB that this process has written to, and that it shares with a file."""
    said = Path("/proc/self/smaps_rollup").read_text()
    kib = {name: int(size) for name, size in re.findall(r"(\w+): +(\d+) kB", said)}
    return kib["Private_Dirty"] / 1024, (kib["Private_Clean"] + kib["Shared_Clean"]) / 1024
