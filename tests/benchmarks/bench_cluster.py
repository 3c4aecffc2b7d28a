"""What a million calls cost on two Dask workers, and stretch by stretch here, against the log at once."""

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
from features.store.backfill import Carried, follow, in_turn, share, spread
from features.store.spool import Spool, open_spool, write_spool
from features.store.training_sets import Asked, Part, encode, write_part

from .harness import PEAK, Figure, alone, summary
from .windows_log import as_leads, as_log, generated

CALLS, STRETCH = 500_000, 125_000
PART = Part("", 0, 1, 1, 1, 0, 0, "")
RIVAL = "one process over the whole log"
BUFFERS = {"distributed.p2p.comm.buffer": "64 MiB", "distributed.p2p.storage.buffer": "64 MiB"}
Cost = tuple[float, float, float]
"""CPU seconds, seconds, and the process's peak in MiB."""


def bench_cluster() -> list[Figure]:
    """Half a million calls, warm; writing the spool is told apart."""
    with tempfile.TemporaryDirectory() as folder:
        spools = [_spooled(Path(folder) / str(size), size) for size in (20_000, CALLS)]
        whole, turn = alone(at_once), alone(stretch_by_stretch, str(spools[0]), str(spools[1]), folder)
        far = _on_two_workers(spools, Path(folder))
        spooling = alone(spooling_alone, folder)
    ways = {"2 Dask workers": far, "stretch by stretch": turn, "writing the spool": spooling}
    return [
        summary(f"{way}: {what}", RIVAL, whole[place] / cost[place], [cost[place]], unit)
        for way, cost in ways.items()
        for place, (what, unit) in enumerate(
            (("CPU per million calls", "s"), ("time per million calls", "s"), ("peak of a process", "MiB"))
        )
    ]


def bench_chains() -> list[Figure]:
    """What is sequential, and what travels: the slowest chain, bytes of a call, what all chains carry."""
    with tempfile.TemporaryDirectory() as folder:
        took, carried, parcels, spooled = alone(chains_alone, folder)
    log = sum(np.asarray(column).nbytes for column in vars(as_log(generated(CALLS))).values())
    columns = "the log's columns in memory"
    return [
        summary(
            "the slowest chain: CPU per million calls", "all chains", sum(took) / max(took), [max(took)], "s"
        ),
        summary("spool: bytes of a call", columns, log / spooled, [spooled / CALLS], "B"),
        summary("parcels: bytes of a call", columns, log / parcels, [parcels / CALLS], "B"),
        summary("carried from stretch to stretch", columns, log / carried, [carried / 2**20], "MiB"),
    ]


def chains_alone(folder: str) -> tuple[list[float], int, int, int]:
    """CPU seconds per million calls of each chain; bytes: carried at most, all parcels, the spool."""
    spool = open_spool(_spooled(Path(folder) / "spool", CALLS))
    size = sum(path.stat().st_size for path in spool.folder.rglob("*") if path.is_file())
    carried: list[Carried] = [[] for _ in spool.chains]
    took, most, parcels = [0.0] * len(carried), 0, 0
    for stretch in range(-1, spool.stretches):  # the first once more: to warm up
        answered = []
        for chain, before in enumerate(carried):
            started = _own_cpu()
            values, after = follow(str(spool.folder), chain, max(stretch, 0), before if stretch >= 0 else [])
            if stretch >= 0:
                took[chain] += _per_million(_own_cpu() - started)
                carried[chain] = after
            answered.append(values)
        if stretch >= 0:
            shared = share(str(spool.folder), stretch, answered)
            parcels += sum(len(parcel.facts) + len(parcel.moments) for parcel in shared)
        most = max(most, sum(array.nbytes for arrays in carried for array in arrays))
    return took, most, parcels, size


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


def stretch_by_stretch(small: str, spool: str, out: str) -> Cost:
    """The same by the tasks of the cluster, one after the other."""
    in_turn(open_spool(Path(small)), Path(out), PART)
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
    spent = sum(after.values()) - sum(before.values())
    return _per_million(spent), _per_million(took), max(peaks.values())


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
    return _per_million(_own_cpu() - cpu), _per_million(time.perf_counter() - started), _own_peak()


def _per_million(seconds: float) -> float:
    return seconds / CALLS * 1e6


def _own_cpu() -> float:
    return time.process_time()


def _own_peak() -> float:
    """MiB that the process ever held at once, its libraries among them."""
    found = re.search(PEAK, Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else float("nan")
