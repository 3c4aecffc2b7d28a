"""Served vectors on record: written with their decisions, and worked out again from the store to compare."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np
from sqlalchemy import Connection, Row, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from ..calls import Moments
from ..compute import compute, fingerprint, from_specs, to_specs
from ..kernel import Int64Array
from ..past import Feature
from ..served import Difference, Found, ServedVector, decode, differences, judge
from .ledger import Ledger
from .news import fact_tables
from .tables import decision, feature_set, lead, served_vector

BATCH = 20_000
"""So many vectors are worked out at a time."""

ServedRow = Row[tuple[str, int, int, str, str, bytes, int]]


@dataclass
class Verification:
    """How the served vectors of a stretch stand to what the store says of the same moments."""

    vectors: int = 0
    values: Int64Array = field(default_factory=lambda: np.zeros(len(Found), np.int64))
    """How many values were found to be what, by `Found`; of the vectors compared."""
    features: dict[str, "Worst"] = field(default_factory=dict)
    told_since: int = 0
    """Vectors that differ, but the store was told or made to forget something since that bears on them."""
    other_features: int = 0
    """Vectors of features that mean something else in this release: they can't be worked out."""

    @property
    def passed(self) -> bool:
        """Whether every value compared is equal."""
        return not self.values[Found.MISMATCHED :].any()


@dataclass(frozen=True)
class Worst:
    """A feature that differs: its counts by `Found`, and the decision where it differs most."""

    counts: Int64Array
    decision_id: str
    served: float
    again: float


def write_meanings(connection: Connection, sets: Mapping[str, tuple[Feature, ...]]) -> None:
    """Put on record, by fingerprint, what columns mean; what is known stays."""
    known = set(connection.execute(select(feature_set.c.fingerprint)).scalars().all()) if sets else set()
    for name in sets.keys() - known:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        meaning = dialect.insert(feature_set).values(fingerprint=name, specs=to_specs(sets[name]))
        connection.execute(meaning.on_conflict_do_nothing())


def served_rows(vectors: Mapping[str, ServedVector]) -> list[dict[str, object]]:
    """Rows of the table of vectors, which say by a fingerprint what their columns mean."""
    return [
        {
            "decision_id": decision_id, "scored_at": one.scored_at, "seen_seq": one.seen_seq,
            "fingerprint": one.fingerprint, "bundle_version": one.bundle_version, "vector": one.vector,
        }
        for decision_id, one in vectors.items()
    ]  # fmt: skip


def read_served(connection: Connection, since: int, until: int, sample: int | None) -> Sequence[ServedRow]:
    """The vectors scored in [since, until), with each one's lead; with `sample` at most so many.

    Decisions bear the hash of their batch in front: the first by name are a fair sample.
    """
    asked = (
        select(served_vector, decision.c.lead)
        .join(decision, decision.c.decision_id == served_vector.c.decision_id)
        .where(served_vector.c.scored_at >= since, served_vector.c.scored_at < until)
        .order_by(served_vector.c.decision_id)
    )
    return connection.execute(asked.limit(sample)).all()


def verify(
    connection: Connection,
    since: int,
    until: int,
    sample: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Work the served vectors out again, each as of the instant when it was scored, and compare."""
    rows = read_served(connection, since, until, sample)
    found = Verification(vectors=len(rows))
    if rows:
        ledger = Ledger()
        ledger.follow(connection)
        for features, theirs in _by_features(connection, rows, found):
            for first in range(0, len(theirs), BATCH):
                _compare(connection, ledger, features, theirs[first : first + BATCH], found)
                advance(min(BATCH, len(theirs) - first))
    return found


def _by_features(
    connection: Connection, rows: Sequence[ServedRow], found: Verification
) -> Iterable[tuple[tuple[Feature, ...], list[ServedRow]]]:
    """The rows by what their columns mean; those that this release can't work out are counted alone."""
    known = {row.fingerprint: row.specs for row in connection.execute(select(feature_set))}
    for name in dict.fromkeys(row.fingerprint for row in rows):
        theirs = [row for row in rows if row.fingerprint == name]
        try:
            features = from_specs(known[name])
        except (KeyError, TypeError):
            features = ()
        if fingerprint(features) == name:
            yield features, theirs
        else:
            found.other_features += len(theirs)


def _compare(
    connection: Connection,
    ledger: Ledger,
    features: tuple[Feature, ...],
    rows: Sequence[ServedRow],
    found: Verification,
) -> None:
    """Add what comes out of some rows of the same features."""
    served = decode([bytes(row.vector) for row in rows], len(features))
    leads = np.array([ledger.leads.row_of_key(row.lead) for row in rows], np.int64)
    at = np.array([row.scored_at for row in rows], np.int64)
    again = compute(ledger.past(), Moments(leads, np.full(leads.size, -1), at), features).values
    differs = np.any(judge(served, again) != Found.MATCHED, axis=1)
    told_since = cache(partial(_told_since, connection))
    excused = [
        place
        for place in np.flatnonzero(differs).tolist()
        if told_since(rows[place].seen_seq, rows[place].scored_at)
    ]
    kept = np.setdiff1d(np.arange(len(rows)), excused)
    found.told_since += len(excused)
    found.values += np.bincount(judge(served[kept], again[kept]).ravel(), minlength=len(Found))
    names = [feature.name for feature in features]
    for one in differences(names, served[kept], again[kept]):
        _add(found.features, one, rows[kept[one.row]].decision_id)


def _add(features: dict[str, Worst], new: Difference, decision_id: str) -> None:
    """Count a feature's differences; the worst case is that of the rows with the most of them."""
    before = features.get(new.name)
    worst = Worst(new.counts, decision_id, new.served, new.again)
    if before is not None:
        first = before if before.counts[1:].sum() >= new.counts[1:].sum() else worst
        worst = Worst(before.counts + new.counts, first.decision_id, first.served, first.again)
    features[new.name] = worst


def _told_since(connection: Connection, seen_seq: int, scored_at: int) -> bool:
    """Whether something known before the scoring was stored after what the scorer read, or a lead erased."""
    late = [exists().where(table.c.seq > seen_seq, table.c.known_at < scored_at) for table in fact_tables()]
    erased = exists().where(lead.c.seq > seen_seq, lead.c.erased_at.is_not(None))
    return any(connection.execute(select(one)).scalar() for one in (*late, erased))
