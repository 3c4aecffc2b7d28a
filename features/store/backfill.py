"""Backfill by stretches: the tasks that answer a spool's moments, in one process or spread over many.

A chain answers the lines of one kind of actor, stretch after stretch; then every lead's rows come together in
its bucket, once, where the lines of the lead itself are answered and the part is written.
"""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as arrow
from numpy.typing import NDArray
from sqlalchemy import Engine

from ..calls import CallLog, Moments
from ..carry import packed, unpacked
from ..catalogue import for_leads
from ..cluster import Work, require_dask, run
from ..compute import FeatureMatrix, compute
from ..facts import Facts
from ..kernel import Float32Array, Int64Array
from ..leads import Coded
from ..past import Feature, Past
from ..stretches import bucket_of, some_leads
from .set_builder import Built, Plan, Source, begun, read_source
from .set_builder import moments_of as moments_in
from .spool import (
    Spool,
    facts_of,
    moments_of,
    open_spool,
    table_of_facts,
    table_of_moments,
    values_of,
    write_spool,
)
from .training_sets import Asked, Manifest, Part, encode, save_manifest, sweep, write_part

Carried = list[NDArray[Any]]
"""Tapes as plain arrays."""

BY_LEAD = 0
"""The days of a part that holds some leads' rows of the whole time."""

_SIZES = struct.Struct("<qqq")


class Parcel(NamedTuple):
    """A bucket's share of a stretch as Arrow streams: facts, and moments with what chains said of them."""

    bucket: int
    stretch: int
    facts: bytes
    moments: bytes


@dataclass(frozen=True)
class Order:
    """What to backfill, where to, and on whose processors."""

    out: Path
    spool: Path
    since: int
    """The first moment."""
    until: int
    """Nothing known at or after this instant counts."""
    stretch: int
    """Facts of a stretch."""
    scheduler: str | None = None
    """A Dask scheduler's address; None is this process alone."""
    fresh: bool = False
    allow: frozenset[str] = frozenset()
    """Protected attributes that may be features."""


def backfill(
    engine: Engine, order: Order, told: Callable[[int, int], object] = lambda done, of: None
) -> Built:
    """A row for each call that ended since `order.since`, in parts by lead; `told(done, of)` after each task.

    A set of another kind in the folder is refused unless the order says `fresh`.
    """
    if order.scheduler is not None:
        require_dask()
    began = perf_counter()
    source = read_source(engine, order.until)
    features = for_leads(source.past.leads, order.allow)
    plan = Plan(features, "ends", BY_LEAD, order.since, order.fresh)
    begun(order.out, plan)
    order.out.mkdir(parents=True, exist_ok=True)
    order.spool.mkdir(parents=True, exist_ok=True)
    started = perf_counter()
    with TemporaryDirectory(dir=order.spool, prefix="backfill-") as folder:
        spool = _spooled(Path(folder).resolve(), order, source, features)
        spooled = perf_counter()
        part = Part("", order.since, source.as_of, source.as_of, source.seq, 0, 0, "")
        parts = _worked_out(spool, order, part, lambda done: told(done, steps(spool)))
    built = Built(Manifest(plan.features, plan.moments, plan.part_days, tuple(parts)), len(parts), len(parts))
    built.seconds = {
        "reading": started - began,
        "spooling": spooled - started,
        "computing": perf_counter() - spooled,
    }
    save_manifest(order.out, built.manifest)
    sweep(order.out, built.manifest)
    return built


def _spooled(folder: Path, order: Order, source: Source, features: Sequence[Feature]) -> Spool:
    asked = moments_in(source.past.log, "ends", order.since, source.as_of)
    return write_spool(folder, source.past, asked, features, source.agents, order.stretch)


def _worked_out(spool: Spool, order: Order, part: Part, advance: Callable[[int], object]) -> list[Part]:
    out = order.out.resolve()
    if order.scheduler is None:
        return in_turn(spool, out, part, advance)
    return spread(order.scheduler, spool, out, part, advance)


def follow(folder: str, chain: int, stretch: int, carried: Carried) -> tuple[Float32Array, Carried]:
    """A chain's columns at a stretch's moments, and what it carries to the next: nothing before the first."""
    spool = _opened(folder)
    lines = spool.chains[chain]
    asked = [*lines.sweep.spec.quantities]
    tapes = unpacked(lines.blank(spool.leads, spool.sizes), carried)
    values, tapes = lines.answer(spool.leads, spool.sizes, spool.stretch(stretch, asked), tapes)
    return values, packed(tapes)


def share(folder: str, stretch: int, answered: Sequence[Float32Array]) -> Iterator[Parcel]:
    """A stretch's facts and moments by buckets, with the columns of all chains in their order."""
    spool = _opened(folder)
    told = spool.stretch(stretch)
    columns = [column for values in answered for column in values.T]
    facts, moments = table_of_facts(told.facts), table_of_moments(told.moments, columns)
    fact_rows, moment_rows = (_by_bucket(rows.lead, spool.buckets) for rows in (told.facts, told.moments))
    for bucket, (mine, asked) in enumerate(zip(fact_rows, moment_rows, strict=True)):
        if mine.size or asked.size:
            yield Parcel(bucket, stretch, _stream(facts.take(mine)), _stream(moments.take(asked)))


def finish(folder: str, out: str, parcels: Iterable[Parcel], part: Part) -> Part | None:
    """Answer the lines of a bucket's own leads, and write its part; None where nothing is asked of them."""
    spool = _opened(folder)
    ordered = sorted(parcels, key=lambda parcel: parcel.stretch)
    if not ordered:
        return None
    facts = facts_of(arrow.concat_tables([_read(parcel.facts) for parcel in ordered]))
    told = arrow.concat_tables([_read(parcel.moments) for parcel in ordered])
    if not told.num_rows:
        return None
    asked, matrix = _answered(spool, facts, moments_of(told), values_of(told))
    return write_part(Path(out), replace(part, rows=len(asked)), encode(asked, matrix))


def in_turn(
    spool: Spool, out: Path, part: Part, advance: Callable[[int], object] = lambda _: None
) -> list[Part]:
    """All tasks in this process, one after the other: it holds a stretch, or a bucket, never the log."""
    folder = str(spool.folder)
    carried: list[Carried] = [[] for _ in spool.chains]
    for stretch in range(spool.stretches):
        answered = []
        for chain, before in enumerate(carried):
            values, carried[chain] = follow(folder, chain, stretch, before)
            answered.append(values)
            advance(1)
        for parcel in share(folder, stretch, answered):
            _put_by(spool.folder, parcel)
        advance(1)
    written = []
    for bucket in range(spool.buckets):
        written.append(finish(folder, str(out), _taken_out(spool.folder, bucket), part))
        advance(1)
    return [part for part in written if part is not None]


def spread(
    scheduler: str, spool: Spool, out: Path, part: Part, advance: Callable[[int], object] = lambda _: None
) -> list[Part]:
    """The same tasks on the workers of a Dask scheduler; they see the spool and the folder `out` as we do."""
    folder = str(spool.folder)
    work = Work(
        len(spool.chains),
        spool.stretches,
        spool.buckets,
        partial(follow, folder),
        partial(share, folder),
        partial(_finished, folder, str(out), json.dumps(asdict(part))),
    )
    written = [json.loads(said) for said in run(scheduler, work, advance)]
    return [Part(**said) for said in written if said is not None]


def _finished(folder: str, out: str, part: str, parcels: Sequence[tuple[Any, ...]]) -> str:
    """`finish` with everything as plain values."""
    done = finish(folder, out, [Parcel(*parcel) for parcel in parcels], Part(**json.loads(part)))
    return json.dumps(None if done is None else asdict(done))


def steps(spool: Spool) -> int:
    """How many tasks a backfill takes."""
    return (len(spool.chains) + 1) * spool.stretches + spool.buckets


def _answered(
    spool: Spool, facts: Facts, moments: Moments, answered: Sequence[Float32Array]
) -> tuple[Asked, FeatureMatrix]:
    """All columns of a bucket's moments: those of chains are there, those of leads are worked out."""
    rows = np.unique(np.concatenate([facts.lead, moments.lead]))
    facts = replace(facts, lead=np.searchsorted(rows, facts.lead))
    moments = replace(moments, lead=np.searchsorted(rows, moments.lead))
    leads = some_leads(spool.leads, rows)
    values = np.empty((len(moments), len(spool.features)), np.float32)
    past = Past(CallLog.empty(), leads, facts, sizes=spool.sizes)
    columns = [column for chain in spool.chains for column in chain.columns]
    mine = [column for column in range(len(spool.features)) if column not in columns]
    values[:, mine] = compute(past, moments, [spool.features[column] for column in mine]).values
    for column, said in zip(columns, answered, strict=True):
        values[:, column] = said
    ids, names = tuple(leads.lead_id), spool.agents
    asked = Asked(Coded(ids, moments.lead), Coded(names, moments.agent), moments.at)
    return asked, FeatureMatrix(spool.features, values)


@lru_cache(maxsize=2)
def _opened(folder: str) -> Spool:
    """A worker opens a spool once."""
    return open_spool(Path(folder))


def _by_bucket(lead: Int64Array, buckets: int) -> list[Int64Array]:
    """The rows of each bucket, in their order."""
    bucket = bucket_of(lead, buckets)
    order = np.argsort(bucket, kind="stable")
    return np.split(order, np.searchsorted(bucket[order], np.arange(1, buckets)))


def _stream(table: arrow.Table) -> bytes:
    """A table as an Arrow stream, packed lightly: it travels and waits on disks."""
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema, options=_PACKED) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


_PACKED = arrow.ipc.IpcWriteOptions(compression="lz4", use_threads=False)


def _read(stream: bytes) -> arrow.Table:
    return arrow.ipc.open_stream(stream).read_all()


def _put_by(folder: Path, parcel: Parcel) -> None:
    """Append a parcel to its bucket's file."""
    with (folder / f"bucket-{parcel.bucket:06d}").open("ab") as file:
        file.write(_SIZES.pack(parcel.stretch, len(parcel.facts), len(parcel.moments)))
        file.write(parcel.facts)
        file.write(parcel.moments)


def _taken_out(folder: Path, bucket: int) -> Iterator[Parcel]:
    """The parcels of a bucket's file."""
    path = folder / f"bucket-{bucket:06d}"
    if not path.exists():
        return
    with path.open("rb") as file:
        while head := file.read(_SIZES.size):
            stretch, facts, moments = _SIZES.unpack(head)
            yield Parcel(bucket, stretch, file.read(facts), file.read(moments))
    path.unlink()
