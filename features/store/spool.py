"""Spool: a backfill's input as files that every worker sees: stretches as Parquet, leads as arrays."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
from numpy.typing import NDArray
from pyarrow import parquet

from ..calls import Moments
from ..carry import Chain, chains_of
from ..compute import fingerprint, from_specs, to_specs
from ..errors import OtherFeatures
from ..facts import QUANTITIES, WORDS, Facts
from ..instants import NEVER
from ..kernel import Int64Array, own
from ..leads import AttributeHistory, Coded, LeadTable
from ..past import Feature, Past
from ..stretches import Stretch, bounds_of, cut

PLAN = "plan.json"

_ONE_EACH = ("lead", "agent", "time", "seen", "bits", "sign")
_HISTORY = ("starts", "known_at", "number", "code")


@dataclass(frozen=True)
class Spool:
    """What a backfill is to answer, cut into stretches of time; its leads fall into `buckets`."""

    folder: Path
    features: tuple[Feature, ...]
    agents: tuple[str, ...]
    sizes: Mapping[str, int]
    """How many agents, lines and scripts there are."""
    bounds: tuple[int, ...]
    """Instants between the stretches."""
    buckets: int

    @property
    def stretches(self) -> int:
        """How many there are."""
        return len(self.bounds) + 1

    @cached_property
    def chains(self) -> list[Chain]:
        """The lines that need facts of other leads, the widest chain first."""
        return chains_of(self.features)

    @cached_property
    def leads(self) -> LeadTable:
        """The leads, mapped: only what is looked at comes into memory."""
        return _map_leads(self.folder / "leads")

    def stretch(self, place: int, quantities: Sequence[str] = QUANTITIES) -> Stretch:
        """A stretch, its facts with these quantities only."""
        told, asked = (parquet.ParquetFile(self._file(kind, place)) for kind in ("facts", "moments"))
        wanted = {*_ONE_EACH, *WORDS, *quantities}
        columns = [name for name in told.schema_arrow.names if name in wanted]
        facts, moments = told.read(columns, use_threads=False), asked.read(use_threads=False)
        late = np.load(self._file("late", place).with_suffix(".npy"))
        since, until = (-NEVER, *self.bounds, NEVER)[place : place + 2]
        return Stretch(facts_of(facts), moments_of(moments), since, until, late)

    def _file(self, kind: str, place: int) -> Path:
        return self.folder / f"{kind}-{place:06d}.parquet"


def write_spool(
    folder: Path, past: Past, moments: Moments, features: Sequence[Feature], agents: Sequence[str], size: int
) -> Spool:
    """Write a past and the moments asked of it in stretches of about `size` facts, and as many buckets."""
    facts = past.facts
    bounds = bounds_of(facts.seen, size)
    words = {word: int(facts.words[word].max(initial=-1)) + 1 for word in WORDS[:2] if word in facts.words}
    sizes = {"line": 0, "script": 0, **words, "agent": past.agents}
    spool = Spool(
        folder, tuple(features), tuple(agents), sizes, tuple(bounds.tolist()), max(1, -(-len(facts) // size))
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write_leads(folder / "leads", past.leads)
    for place, stretch in enumerate(cut(facts, moments, bounds)):
        parquet.write_table(table_of_facts(stretch.facts), spool._file("facts", place), compression="zstd")
        parquet.write_table(
            table_of_moments(stretch.moments), spool._file("moments", place), compression="zstd"
        )
        np.save(spool._file("late", place).with_suffix(".npy"), stretch.late)
    _write_plan(spool)
    return spool


def open_spool(folder: Path) -> Spool:
    """A spool that was written; its lines must mean here what they meant there."""
    said = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    features = from_specs(said["features"])
    if fingerprint(features) != said["fingerprint"]:
        raise OtherFeatures(spool=said["fingerprint"][:12], here=fingerprint(features)[:12])
    return Spool(
        folder, features, tuple(said["agents"]), said["sizes"], tuple(said["bounds"]), said["buckets"]
    )


def _write_plan(spool: Spool) -> None:
    said = {
        "fingerprint": fingerprint(spool.features),
        "features": to_specs(spool.features),
        "agents": spool.agents,
        "sizes": spool.sizes,
        "bounds": spool.bounds,
        "buckets": spool.buckets,
    }
    (spool.folder / PLAN).write_text(json.dumps(said, allow_nan=False), encoding="utf-8")


def table_of_facts(facts: Facts) -> arrow.Table:
    """Facts as a table of one column each."""
    alone = {name: getattr(facts, name) for name in _ONE_EACH}
    return arrow.table({**alone, **facts.words, **facts.quantities})


def facts_of(table: arrow.Table) -> Facts:
    """The facts of such a table."""
    columns = {name: _plain(table, name) for name in table.column_names}
    return Facts(
        **{name: columns[name] for name in _ONE_EACH},
        quantities={name: columns[name] for name in QUANTITIES if name in columns},
        words={name: columns[name] for name in WORDS if name in columns},
    )


def table_of_moments(moments: Moments, values: Sequence[NDArray[np.float32]] = ()) -> arrow.Table:
    """Moments as a table, with columns that were answered already."""
    asked = {name: getattr(moments, name) for name in ("lead", "agent", "at")}
    return arrow.table({**asked, **{f"value_{place}": column for place, column in enumerate(values)}})


def moments_of(table: arrow.Table) -> Moments:
    """The moments of such a table."""
    return Moments(*(_plain(table, name) for name in ("lead", "agent", "at")))


def values_of(table: arrow.Table) -> list[NDArray[np.float32]]:
    """The columns answered already."""
    return [_plain(table, name) for name in table.column_names[3:]]


def _plain(table: arrow.Table, name: str) -> NDArray[Any]:
    """A column that a loop may be handed: one piece, writable."""
    return own(table[name].to_numpy())


class _Ids(Sequence[str]):
    """Texts in a mapped file, decoded one by one."""

    def __init__(self, characters: NDArray[np.uint8], ends: Int64Array) -> None:
        self._characters, self._ends = characters, ends

    def __len__(self) -> int:
        return int(self._ends.size) - 1

    def __getitem__(self, row: Any) -> Any:  # noqa: ANN401 -- a Sequence takes slices too, which nobody asks for
        return self._characters[self._ends[row] : self._ends[row + 1]].tobytes().decode()


def _write_leads(folder: Path, leads: LeadTable) -> None:
    folder.mkdir(exist_ok=True)
    texts = [lead_id.encode() for lead_id in leads.lead_id]
    arrays: dict[str, NDArray[Any]] = {
        "id": np.frombuffer(b"".join(texts), np.uint8),
        "id_ends": np.append(0, np.cumsum([len(text) for text in texts], dtype=np.int64)),
        "created_at": leads.created_at,
        "value": leads.value,
        **{f"coded_{place}": column.codes for place, column in enumerate(leads.coded.values())},
    }
    for kind, histories in _histories(leads).items():
        for place, history in enumerate(histories.values()):
            arrays |= {f"{kind}_{place}_{part}": getattr(history, part) for part in _HISTORY}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    said = {
        kind: {name: one.levels for name, one in named.items()} for kind, named in _histories(leads).items()
    }
    said["coded"] = {name: column.levels for name, column in leads.coded.items()}
    (folder / "levels.json").write_text(json.dumps(said), encoding="utf-8")


def _histories(leads: LeadTable) -> dict[str, Mapping[str, AttributeHistory]]:
    return {"attributes": leads.attributes, "changes": leads.changes}


def _map_leads(folder: Path) -> LeadTable:
    said = json.loads((folder / "levels.json").read_text(encoding="utf-8"))

    def mapped(name: str) -> NDArray[Any]:
        # Copied on writing, which nobody does: loops compile anew for arrays that can't be written.
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c"))

    histories = {
        kind: {
            name: AttributeHistory(
                **{part: mapped(f"{kind}_{place}_{part}") for part in _HISTORY}, levels=tuple(levels)
            )
            for place, (name, levels) in enumerate(said[kind].items())
        }
        for kind in ("attributes", "changes")
    }
    coded = {
        name: Coded(tuple(levels), mapped(f"coded_{place}"))
        for place, (name, levels) in enumerate(said["coded"].items())
    }
    ids = _Ids(mapped("id"), mapped("id_ends"))
    return LeadTable(ids, mapped("created_at"), mapped("value"), coded, **histories)
