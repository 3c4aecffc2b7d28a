"""A backfill on a Dask cluster of two workers says what one machine says, to the last bit."""

import sys
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import LocalCluster

from features import Moments, Past, compute, for_leads
from features.cluster import require_dask
from features.errors import MissingExtra
from features.leads import Coded
from features.store.backfill import in_turn, spread, steps
from features.store.spool import Spool, write_spool
from features.store.training_sets import Asked, Manifest, Part, read_training_set, save_manifest
from tests.benchmarks.windows_log import as_leads, as_log, generated

LIMIT = 768 << 20
"""Bytes that a worker may take: some 300 MiB are its libraries."""

FEW = ("lead_calls_7d", "lead_hours_since_call", "agent_sale_rate", "agent_calls_8h", "floor_answer_rate_7d")

PART = Part("", 0, 1, 1, 1, 0, 0, "")
SMALL = {"distributed.p2p.comm.buffer": "8 MiB", "distributed.p2p.storage.buffer": "8 MiB"}


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two worker processes on loopback."""
    with dask.config.set(SMALL), two_workers("1 GiB") as cluster:
        yield cluster.scheduler_address


def two_workers(memory: str) -> LocalCluster:
    return LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=memory
    )


def a_past(calls: int) -> tuple[Past, Moments]:
    log = as_log(generated(calls, leads=calls // 4))
    return Past(log, as_leads(calls // 4)), Moments(log.lead, log.agent, log.ended_at)


def spooled(folder: Path, past: Past, asked: Moments, size: int) -> Spool:
    agents = [f"agent-{code}" for code in range(past.agents)]
    return write_spool(folder, past, asked, for_leads(past.leads), agents, size)


def written(folder: Path, spool: Spool, parts: list[Part]) -> np.ndarray:
    """The rows of the parts, in the order of time, leads and agents."""
    save_manifest(folder, Manifest(spool.features, "ends", 0, tuple(parts)))
    matrix, asked = read_training_set(folder)
    return matrix.values[asked.in_order()]


def whole(past: Past, asked: Moments, spool: Spool) -> np.ndarray:
    """The same by one computation over the whole log."""
    named = Asked(Coded(tuple(past.leads.lead_id), asked.lead), Coded(spool.agents, asked.agent), asked.at)
    return compute(past, asked, spool.features).values[named.in_order()]


def test_two_workers_and_one_process_write_what_the_whole_log_says(scheduler: str, tmp_path: Path):
    past, asked = a_past(3_000)
    spool = spooled(tmp_path / "spool", past, asked, 1_100)
    done: list[int] = []
    for folder in ("far", "near"):
        (tmp_path / folder).mkdir()

    far = spread(scheduler, spool, tmp_path / "far", PART, done.append)
    near = in_turn(spool, tmp_path / "near", PART)

    expected = whole(past, asked, spool)
    assert written(tmp_path / "far", spool, far).tobytes() == expected.tobytes()
    assert written(tmp_path / "near", spool, near).tobytes() == expected.tobytes()
    assert sorted(part.digest for part in far) == sorted(part.digest for part in near)
    assert sum(done) == steps(spool)


@pytest.mark.slow
def test_a_log_larger_than_a_workers_memory_is_worked_out(tmp_path: Path):
    """A worker holds a stretch, a bucket and what a chain carries, however long the log."""
    log = as_log(generated(10_000_000))
    past, asked = Past(log, as_leads()), Moments(log.lead, log.agent, log.ended_at)
    lines = [line for line in for_leads(past.leads) if line.name in FEW]
    spool = write_spool(tmp_path / "spool", past, asked, lines, [str(a) for a in range(past.agents)], 200_000)
    size = sum(np.asarray(column).nbytes for column in vars(log).values())
    (tmp_path / "far").mkdir()

    with dask.config.set(SMALL), two_workers(f"{LIMIT >> 20} MiB") as cluster:
        parts = spread(cluster.scheduler_address, spool, tmp_path / "far", PART)

    assert sum(part.rows for part in parts) == len(asked)
    assert size > LIMIT


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)

    with pytest.raises(MissingExtra, match="extra=dask"):
        require_dask()
