"""Cluster: a backfill's tasks on the workers of a Dask scheduler; the only file that knows Dask."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import MissingExtra

TOPIC = "leadrank"
"""Where workers tell that a task is done."""

Columns = NDArray[np.float32]
Carried = list[NDArray[Any]]
Parcel = tuple[int, int, bytes, bytes]
Dask = Any
"""A module or a value of Dask's or pandas', which are there with the extra only."""


@dataclass(frozen=True)
class Work:
    """Tasks that a worker can import, and how many there are of each."""

    chains: int
    stretches: int
    buckets: int
    follow: Callable[[int, int, Carried], tuple[Columns, Carried]]
    """(chain, stretch, what the chain carries): its columns, and what it carries on."""
    share: Callable[[int, Sequence[Columns]], Iterator[Parcel]]
    """(stretch, the columns of all chains): what of it goes to each bucket."""
    finish: Callable[[Sequence[Parcel]], str]
    """(a bucket's parcels): what was made of them, as text."""


def require_dask() -> None:
    """Raise `MissingExtra` now rather than after a long preparation."""
    _dask("dask.dataframe")


def run(scheduler: str, work: Work, advance: Callable[[int], object]) -> list[str]:
    """What `finish` says of each bucket, worked out by the workers of the scheduler at that address.

    Chains run side by side, each from stretch to stretch; one shuffle brings each bucket's parcels together.
    """
    with _dask("distributed").Client(scheduler, set_as_default=False) as client, _told(client, advance):
        finished = client.compute(_finished(work), retries=2)
        return [text for frame in client.gather(finished) for text in frame["said"]]


def _finished(work: Work) -> Sequence[Dask]:
    """The graph's ends, one for each bucket."""
    frames, labels = _dask("dask.dataframe"), _labels(work.buckets)
    parcels = frames.from_delayed(_shared(work, labels), meta=_frame_of([]), verify_meta=False)
    by_bucket = parcels.shuffle("label", npartitions=work.buckets, shuffle_method="p2p")
    said = by_bucket.map_partitions(
        _finish, work.finish, meta=_dask("pandas").DataFrame({"said": _texts([])})
    )
    ends: Sequence[Dask] = said.to_delayed()
    return ends


def _shared(work: Work, labels: NDArray[np.int64]) -> list[Dask]:
    """A frame of parcels for each stretch; a chain hands what it carries from one stretch to the next."""
    delayed = _dask("dask").delayed
    follow, share = delayed(_follow, nout=2, pure=False), delayed(_share, pure=False)
    carried: list[Dask] = [[] for _ in range(work.chains)]
    frames = []
    for stretch in range(work.stretches):
        answered = []
        for chain, before in enumerate(carried):
            columns, carried[chain] = follow(work.follow, chain, stretch, before)
            answered.append(columns)
        frames.append(share(work.share, stretch, answered, labels))
    return frames


def _follow(follow: Dask, chain: int, stretch: int, carried: Carried) -> tuple[Columns, Carried]:
    done: tuple[Columns, Carried] = follow(chain, stretch, carried)
    _tell()
    return done


def _share(share: Dask, stretch: int, answered: Sequence[Columns], labels: NDArray[np.int64]) -> Dask:
    frame = _frame_of([(int(labels[parcel[0]]), *parcel) for parcel in share(stretch, answered)])
    _tell()
    return frame


def _finish(frame: Dask, finish: Dask) -> Dask:
    """One bucket's frame, unless two labels fell together."""
    said = []
    for _, mine in frame.groupby("bucket"):
        said.append(finish(list(mine.drop(columns="label").itertuples(index=False, name=None))))
        _tell()
    return _dask("pandas").DataFrame({"said": _texts(said)})


def _frame_of(rows: Sequence[tuple[int, int, int, bytes, bytes]]) -> Dask:
    """Parcels as a frame that Arrow can carry."""
    pandas, arrow = _dask("pandas"), _dask("pyarrow")
    label, bucket, stretch, facts, moments = zip(*rows, strict=True) if rows else ((),) * 5
    numbers = {"label": label, "bucket": bucket, "stretch": stretch}
    packed = pandas.ArrowDtype(arrow.large_binary())
    columns: dict[str, Dask] = {name: np.array(column, np.int64) for name, column in numbers.items()}
    columns |= {
        name: pandas.array(list(column), packed) for name, column in (("facts", facts), ("moments", moments))
    }
    return pandas.DataFrame(columns)


def _texts(texts: Sequence[str]) -> Dask:
    pandas, arrow = _dask("pandas"), _dask("pyarrow")
    return pandas.array(list(texts), pandas.ArrowDtype(arrow.large_string()))


def _labels(count: int) -> NDArray[np.int64]:
    """A number for each bucket, such that Dask's hash sends each to a partition of its own."""
    hashed, drawn = _dask("dask.dataframe.shuffle").partitioning_index, 8 * count
    while True:
        labels = np.arange(drawn)
        place = hashed(_dask("pandas").DataFrame({"label": labels}), count)
        _, first = np.unique(place, return_index=True)
        if first.size == count:
            return labels[first]
        drawn *= 2


def _tell() -> None:
    """Say that a task is done."""
    _dask("distributed").get_worker().log_event(TOPIC, 1)


@contextmanager
def _told(client: Dask, advance: Callable[[int], object]) -> Iterator[None]:
    """Hand on what workers say of their progress."""

    def hear(event: tuple[float, int]) -> None:
        advance(event[1])

    client.subscribe_topic(TOPIC, hear)
    yield
    client.unsubscribe_topic(TOPIC)


def _dask(module: str) -> Dask:
    """Dask, or what comes with it, imported where it is needed: one machine does without."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(library=module.split(".", maxsplit=1)[0], extra="dask") from error
