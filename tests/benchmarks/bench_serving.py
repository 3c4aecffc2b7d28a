"""Polls against `mlflow models serve`: a hundred leads ranked and leased, or a hundred rows merely scored.

Ours also judges, draws, leases and records, which the rival leaves to its client; its scores are there before
anybody asks. Both answer one client that asks again as soon as it is answered.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from features import Moments, compute
from features.store.engine import open_engine
from tests.serving.desks import a_desk
from tests.serving.test_models import uri_of
from tests.training.test_served import ask, free_port, record, running, serve
from training.bundle import Bundle

from .bench_http import WANTED, a_service, poll
from .bench_lease import a_bundle
from .harness import Figure, summary
from .line import Line

ROUNDS, EACH = 5, 30
TICKS = os.sysconf("SC_CLK_TCK")


def bench_serving() -> list[Figure]:
    """CPU milliseconds of a request, of all that serves it and the database, in rounds that take turns."""
    with ExitStack() as open_:
        ours = open_.enter_context(a_service(workers=1))
        rival = f"http://127.0.0.1:{free_port()}"
        open_.enter_context(running(*serve(uri_of(ours.folder), rival), f"{rival}/ping"))
        line = open_.enter_context(Line(ours.url, ours.key, timeout_s=60))
        rows = _rows(ours.database)
        serving = (os.getpid(), ours.postmaster)
        pairs = [
            (
                _spent(lambda: poll(line, "d"), serving),
                _spent(lambda: ask(f"{rival}/invocations", rows), serving),
            )
            for _ in range(ROUNDS + 1)
        ][1:]
    ratio = float(np.median([theirs / mine for mine, theirs in pairs]))
    against = f"`mlflow models serve` scores {WANTED} rows"
    return [summary(f"a poll of {WANTED} leads over HTTP", against, ratio, [mine for mine, _ in pairs], "ms")]


def _rows(database: str) -> list[dict[str, object]]:
    """What the model sees of a hundred leads, as a client of the rival sends it."""
    engine = open_engine(database)
    desk, at = a_desk(engine), time.time_ns() // 1_000
    desk.follow(at)
    engine.dispose()
    bundle: Bundle = a_bundle(desk)
    matrix = compute(desk.ledger.past(), Moments.at_once(np.arange(WANTED), at), bundle.features)
    return [dict(record(bundle, row)) for row in matrix.values]


def _spent(work: Callable[[], object], roots: tuple[int, ...]) -> float:
    """CPU milliseconds that the descendants of some processes spend on one piece of work."""
    before = _cpu(roots)
    for _ in range(EACH):
        work()
    return (_cpu(roots) - before) / EACH * 1e3


def _cpu(roots: tuple[int, ...]) -> float:
    """CPU seconds of all descendants so far."""
    told = [line for one in Path("/proc").glob("[0-9]*/stat") if (line := _read(one))]
    parents = {int(pid): (int(parent), int(user) + int(system)) for pid, parent, user, system in told}
    return sum(ticks for pid, (_, ticks) in parents.items() if _descends(pid, roots, parents)) / TICKS


def _descends(pid: int, roots: tuple[int, ...], parents: dict[int, tuple[int, int]]) -> bool:
    parent = parents.get(pid, (0, 0))[0]
    return parent in roots or (parent > 1 and _descends(parent, roots, parents))


def _read(stat: Path) -> tuple[str, str, str, str] | None:
    """Number, parent, and ticks in user and system mode; None where the process has just ended."""
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return stat.parent.name, fields[1], fields[11], fields[12]
