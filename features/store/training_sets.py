"""Training sets: feature matrices as Parquet, a part per stretch of days, with a manifest."""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..compute import FeatureMatrix, fingerprint, from_specs, to_specs
from ..errors import DamagedTrainingSet, MissingExtra, NoTrainingSet, OtherFeatures
from ..instants import parse, render, to_datetime
from ..kernel import Int64Array
from ..leads import Coded
from ..past import Feature
from ..whole import replace_whole

SCHEMA = 1
"""The version of the parts' columns: `lead_id`, `agent`, `at`, then one float32 column per feature."""

MANIFEST = "manifest.json"

_OURS = re.compile(r"(part-[0-9TZ]+-[0-9a-f]{12}\.parquet|manifest\.json)((\.[0-9]+)?\.new)?")
_ID_COLUMNS = ("lead_id", "agent", "at")
Arrow = Any
"""A module or a value of pyarrow's, which ships no types."""


@dataclass(frozen=True)
class Asked:
    """Whom and when each row of a training set is about, by name: the store's rows say nothing outside."""

    lead: Coded
    agent: Coded
    """-1 where no agent was on the call."""
    at: Int64Array

    def __len__(self) -> int:
        return int(self.at.size)

    def in_order(self) -> Int64Array:
        """The rows by instant, then by name: an order that no database has a say in."""
        lead, agent = (_alphabetical(column)[1] for column in (self.lead, self.agent))
        return np.lexsort((agent, lead, self.at))

    def take(self, rows: Int64Array) -> "Asked":
        """Some rows, in the order given."""
        lead, agent = (Coded(column.levels, column.codes[rows]) for column in (self.lead, self.agent))
        return Asked(lead, agent, self.at[rows])


@dataclass(frozen=True)
class Part:
    """One file: the moments of [since, until), by what was known strictly before `as_of`."""

    file: str
    since: int
    until: int
    as_of: int
    seq: int
    """The store's change number then."""
    rows: int
    size: int
    digest: str
    """SHA-256 of the file's bytes."""


@dataclass(frozen=True)
class Manifest:
    """What a training set holds; `parts` in the order of time."""

    features: tuple[Feature, ...]
    moments: str
    part_days: int
    parts: tuple[Part, ...] = ()

    @property
    def rows(self) -> int:
        """Of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)

    def part_from(self, since: int) -> Part | None:
        """The part that begins then."""
        return next((part for part in self.parts if part.since == since), None)

    def with_part(self, new: Part) -> "Manifest":
        """The same with a part added, or in the place of the one that began at the same instant."""
        others = self.without_part(new.since).parts
        return replace(self, parts=tuple(sorted([*others, new], key=lambda part: part.since)))

    def without_part(self, since: int) -> "Manifest":
        """The same without the part that begins then."""
        return replace(self, parts=tuple(part for part in self.parts if part.since != since))

    def as_json(self) -> dict[str, object]:
        """Plain values, instants in RFC 3339."""
        instants = ("since", "until", "as_of")
        parts = [
            {name: render(value) if name in instants else value for name, value in asdict(part).items()}
            for part in self.parts
        ]
        return {
            "schema": SCHEMA,
            "leadrank": metadata.version("leadrank"),
            "fingerprint": fingerprint(self.features),
            "moments": self.moments,
            "part_days": self.part_days,
            "since": parts[0]["since"] if parts else None,
            "until": parts[-1]["until"] if parts else None,
            "as_of": max(str(part["as_of"]) for part in parts) if parts else None,
            "rows": self.rows,
            "bytes": self.size,
            "features": to_specs(self.features),
            "parts": parts,
        }


def load_manifest(folder: Path) -> Manifest | None:
    """What the folder's manifest says, None where there is none."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        said = json.loads(text)
        return Manifest(_features(said), said["moments"], said["part_days"], tuple(_parts(said["parts"])))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedTrainingSet(file=folder / MANIFEST) from error


def save_manifest(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in the place of the former one, whole."""
    text = json.dumps(manifest.as_json(), indent=1, allow_nan=False) + "\n"
    replace_whole(folder / MANIFEST, text.encode())


def encode(asked: Asked, matrix: FeatureMatrix) -> bytes:
    """A part's bytes: equal rows and features give equal bytes with the same release of Arrow."""
    arrow, parquet = _arrow(), _arrow("parquet")
    order = asked.in_order()
    ids = asked.take(order)
    columns = {
        "lead_id": _words(arrow, ids.lead),
        "agent": _words(arrow, ids.agent),
        "at": arrow.array(ids.at, arrow.timestamp("us", tz="UTC")),
        **{name: arrow.array(matrix.values[order, k]) for k, name in enumerate(matrix.names)},
    }
    table = arrow.table(columns).replace_schema_metadata(
        {"leadrank.schema": str(SCHEMA), "leadrank.fingerprint": matrix.fingerprint}
    )
    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd", version="2.6")
    return out.getvalue()


def write_part(folder: Path, part: Part, written: bytes) -> Part:
    """Write a part's bytes under a name of their own: the former file stands until the manifest changes."""
    digest = hashlib.sha256(written).hexdigest()
    begins = to_datetime(part.since).strftime("%Y%m%dT%H%M%SZ")
    named = replace(part, file=f"part-{begins}-{digest[:12]}.parquet", digest=digest, size=len(written))
    if not _is_whole(folder, named):
        replace_whole(folder / named.file, written)
    return named


def sweep(folder: Path, manifest: Manifest) -> None:
    """Remove what earlier or killed builds left: files of ours that the manifest doesn't name."""
    named = {MANIFEST, *(part.file for part in manifest.parts)}
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in named:
            path.unlink()


def require_arrow() -> None:
    """Raise `MissingExtra` now rather than after a long computation."""
    _arrow("parquet")


def read_training_set(folder: Path) -> tuple[FeatureMatrix, Asked]:
    """All parts as one matrix, with whom and when each row is about; a file not as written is refused."""
    manifest = load_manifest(folder)
    if manifest is None:
        raise NoTrainingSet(folder=folder)
    values = np.empty((manifest.rows, len(manifest.features)), np.float32)
    at, lead, agent = np.empty(manifest.rows, np.int64), _Gathered(), _Gathered()
    first = 0
    for part in manifest.parts:
        table = _read_part(folder, part, manifest.features)
        rows = slice(first, first := first + part.rows)
        at[rows] = table["at"].cast("int64").to_numpy()
        lead.add(table["lead_id"])
        agent.add(table["agent"])
        for k, feature in enumerate(manifest.features):
            values[rows, k] = table[feature.name].to_numpy()
    return FeatureMatrix(manifest.features, values), Asked(lead.coded(), agent.coded(), at)


class _Gathered:
    """A column of words put together from the parts'."""

    def __init__(self) -> None:
        self._code: dict[str, int] = {}
        self._codes: list[Int64Array] = [np.empty(0, np.int64)]

    def add(self, column: Arrow) -> None:
        for chunk in column.chunks:
            words = [self._code.setdefault(word, len(self._code)) for word in chunk.dictionary.to_pylist()]
            places = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            self._codes.append(np.append(np.array(words, np.int64), -1)[places])

    def coded(self) -> Coded:
        return Coded(tuple(self._code), np.concatenate(self._codes))


def _read_part(folder: Path, part: Part, features: Sequence[Feature]) -> Arrow:
    """The part's table; its bytes, columns and rows are those that the manifest names."""
    arrow, parquet = _arrow(), _arrow("parquet")
    try:
        written = (folder / part.file).read_bytes()
    except FileNotFoundError as error:
        raise DamagedTrainingSet(file=folder / part.file, why="it is gone") from error
    if hashlib.sha256(written).hexdigest() != part.digest:
        raise DamagedTrainingSet(file=folder / part.file, why="its digest is not the manifest's")
    table = parquet.read_table(arrow.BufferReader(written))
    wanted = [*_ID_COLUMNS, *(feature.name for feature in features)]
    if table.num_rows != part.rows or table.column_names != wanted:
        raise DamagedTrainingSet(file=folder / part.file, why="its rows or columns are not the manifest's")
    return table


def _is_whole(folder: Path, part: Part) -> bool:
    try:
        return hashlib.sha256((folder / part.file).read_bytes()).hexdigest() == part.digest
    except FileNotFoundError:
        return False


def _features(said: Mapping[str, Any]) -> tuple[Feature, ...]:
    """The manifest's features, provided that they still mean what they meant."""
    specs, wanted = said["features"], said["fingerprint"]
    try:
        features = from_specs(specs)
    except (KeyError, TypeError) as error:
        raise OtherFeatures(why="a kind of feature that it asks is gone or asks otherwise now") from error
    if fingerprint(features) != wanted:
        raise OtherFeatures(set=wanted[:12], here=fingerprint(features)[:12])
    return features


def _parts(said: Iterable[Mapping[str, Any]]) -> Iterable[Part]:
    for part in said:
        instants = {name: parse(part[name]) for name in ("since", "until", "as_of")}
        yield Part(**{**part, **instants})


def _alphabetical(column: Coded) -> tuple[list[str], Int64Array]:
    """The words that occur, in order, and each row's place among them; -1 where unknown."""
    used = np.unique(column.codes[column.codes >= 0]).tolist()
    used.sort(key=column.levels.__getitem__)
    place = np.full(len(column.levels) + 1, -1)
    place[used] = np.arange(len(used))
    return [column.levels[code] for code in used], place[column.codes]


def _words(arrow: Arrow, column: Coded) -> Arrow:
    """A dictionary column; null where the word is unknown."""
    words, place = _alphabetical(column)
    indices = arrow.array(place.astype(np.int32), arrow.int32(), mask=place < 0)
    return arrow.DictionaryArray.from_arrays(indices, arrow.array(words, arrow.string()))


def _arrow(module: str = "") -> Arrow:
    """pyarrow or one of its modules, imported where it is needed: serving does without."""
    try:
        return import_module(f"pyarrow.{module}" if module else "pyarrow")
    except ModuleNotFoundError as error:
        raise MissingExtra(library="pyarrow", extra="train") from error
