"""A million calls answered by two Dask workers, and stretch by stretch here, against the log at once."""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dask
import numpy as np
from distributed import Client, LocalCluster

from features import Moments, Past, compute, for_leads
from features.leads import Coded
from features.store.backfill import in_turn, spread
from features.store.spool import Spool, open_spool, write_spool
from features.store.training_sets import Asked, Part, encode, write_part

from .harness import PEAK, Figure, alone, summary
from .windows_log import as_leads, as_log, generated

CALLS, STRETCH = 1_000_000, 250_000
PART = Part("", 0, 1, 1, 1, 0, 0, "")
RIVAL = "one process over the whole log"
BUFFERS = {"distributed.p2p.comm.buffer": "64 MiB", "distributed.p2p.storage.buffer": "64 MiB"}
Cost = tuple[float, float, float]
"""CPU seconds, seconds, and the process's peak in MiB."""


def bench_cluster() -> list[Figure]:
    """What a million calls cost, spooled and warm: the spool itself and the first imports are told apart."""
    with tempfile.TemporaryDirectory() as folder:
        spools = [_spooled(Path(folder) / str(size), size) for size in (20_000, CALLS)]
        whole, turn = alone(at_once), alone(stretch_by_stretch, str(spools[1]), folder)
        far = _on_two_workers(spools, Path(folder))
        spooling = alone(spooling_alone, folder)
    ways = {"2 Dask workers": far, "stretch by stretch": turn, "writing the spool": spooling}
    return [
        summary(f"{way}: {what} per million calls", RIVAL, whole[place] / cost[place], [cost[place]], unit)
        for way, cost in ways.items()
        for place, (what, unit) in enumerate((("CPU", "s"), ("time", "s"), ("peak of a process", "MiB")))
    ]


def at_once() -> Cost:
    """The local way: every column of the whole log, and one part."""
    past, asked = _past(CALLS)
    compute(past, asked.take(np.arange(1_000)), for_leads(past.leads))

    def work() -> None:
        matrix = compute(Past(past.log, past.leads), asked, for_leads(past.leads))
        ids = Coded(tuple(past.leads.lead_id), asked.lead)
        names = Coded(tuple(map(str, range(past.agents))), asked.agent)
        with tempfile.TemporaryDirectory() as out:
            write_part(Path(out), PART, encode(Asked(ids, names, asked.at), matrix))

    return _cost(work)


def stretch_by_stretch(spool: str, out: str) -> Cost:
    """The same by the tasks of the cluster, one after the other."""
    return _cost(lambda: in_turn(open_spool(Path(spool)), Path(out), PART))


def spooling_alone(folder: str) -> Cost:
    """From columns in memory to files."""
    past, asked = _past(CALLS)
    return _cost(lambda: _write(Path(folder) / "again", past, asked))


def _on_two_workers(spools: list[Path], out: Path) -> Cost:
    """The workers' CPU together, the time of all, the larger peak; a small log first, to warm up."""
    with (
        dask.config.set(BUFFERS),
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        spread(cluster.scheduler_address, open_spool(spools[0]), out, PART)
        before, started = client.run(_own_cpu), time.perf_counter()
        spread(cluster.scheduler_address, open_spool(spools[1]), out, PART)
        took, after = time.perf_counter() - started, client.run(_own_cpu)
        peaks = client.run(_own_peak)
    return sum(after.values()) - sum(before.values()), took, max(peaks.values())


def _spooled(folder: Path, calls: int) -> Path:
    past, asked = _past(calls)
    return _write(folder, past, asked).folder


def _write(folder: Path, past: Past, asked: Moments) -> Spool:
    agents = list(map(str, range(past.agents)))
    return write_spool(folder, past, asked, for_leads(past.leads), agents, STRETCH)


def _past(calls: int) -> tuple[Past, Moments]:
    log = as_log(generated(calls))
    return Past(log, as_leads()), Moments(log.lead, log.agent, log.ended_at)


def _cost(work: Callable[[], object]) -> Cost:
    cpu, started = _own_cpu(), time.perf_counter()
    work()
    return _own_cpu() - cpu, time.perf_counter() - started, _own_peak()


def _own_cpu() -> float:
    return time.process_time()


def _own_peak() -> float:
    """MiB that the process ever held at once, its libraries among them."""
    found = re.search(PEAK, Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else float("nan")
