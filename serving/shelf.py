"""The shelf: rankings as they were read, in files: pages and deltas are of one state for every worker."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson

from .ranking.listing import Listing

KEPT = 24
"""So many rankings of a campaign are kept, the newest."""


@dataclass(frozen=True)
class Label:
    """What a ranking is of."""

    campaign: str
    ranked_at: int
    seq: int
    """The store's change number that it knows."""
    model_version: str | None
    degraded: bool

    @property
    def snapshot_id(self) -> str:
        """The same for the same state of the same campaign."""
        return hashlib.blake2b(orjson.dumps(asdict(self)), digest_size=10).hexdigest()


@dataclass(frozen=True)
class Shelf:
    """A folder of rankings that several workers share."""

    folder: Path

    def put(self, label: Label, listing: Listing) -> None:
        """Keep a ranking, whole or not at all, and let the oldest go."""
        place = self._of(label.campaign)
        place.mkdir(parents=True, exist_ok=True)
        part = place / f"{label.snapshot_id}.{os.getpid()}"
        said = np.frombuffer(orjson.dumps(asdict(label)), np.uint8)
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, label=said, **vars(listing))
        part.replace(place / f"{label.snapshot_id}.npz")
        for old in list(self._newest_first(label.campaign))[KEPT:]:
            old.unlink(missing_ok=True)

    def get(self, campaign: str, snapshot_id: str) -> tuple[Label, Listing] | None:
        """A ranking by its id; None if it is not kept, or of another campaign."""
        if not snapshot_id.isalnum():
            return None
        with suppress(FileNotFoundError):
            return _read(self._of(campaign) / f"{snapshot_id}.npz")
        return None

    def latest(self, campaign: str) -> tuple[Label, Listing] | None:
        """The ranking kept last."""
        for path in self._newest_first(campaign):
            with suppress(FileNotFoundError):
                return _read(path)
        return None

    def _of(self, campaign: str) -> Path:
        return self.folder / hashlib.blake2b(campaign.encode(), digest_size=10).hexdigest()

    def _newest_first(self, campaign: str) -> Iterator[Path]:
        found = {}
        for path in self._of(campaign).glob("*.npz"):
            with suppress(FileNotFoundError):
                found[path] = path.stat().st_mtime_ns
        yield from sorted(found, key=found.__getitem__, reverse=True)


def _read(path: Path) -> tuple[Label, Listing]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
        label = Label(**orjson.loads(held["label"].tobytes()))
        return label, Listing(**{name: held[name] for name in held.files if name != "label"})
