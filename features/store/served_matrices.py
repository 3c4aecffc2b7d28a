"""Served matrices: the vectors of a stretch of time as columns, by what their columns mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, select

from ..compute import fingerprint, from_specs
from ..kernel import Float32Array, Int64Array
from ..past import Feature
from ..served import decode
from .served_vectors import read_served
from .tables import feature_set


@dataclass(frozen=True)
class ServedMatrix:
    """What models saw, under one set of features: equally long, in the order of time."""

    features: tuple[Feature, ...]
    values: Float32Array
    lead: Int64Array
    """The lead's key in the database."""
    at: Int64Array
    """When it was scored."""


def read_matrices(connection: Connection, since: int, until: int) -> list[ServedMatrix]:
    """The vectors scored in [since, until); those of features that this release doesn't know are left out."""
    rows = sorted(read_served(connection, since, until, None), key=lambda row: row.scored_at)
    specs = {row.fingerprint: row.specs for row in connection.execute(select(feature_set))}
    found = []
    for name in dict.fromkeys(row.fingerprint for row in rows):
        features = _known(specs.get(name, ()), name)
        theirs = [row for row in rows if row.fingerprint == name]
        if features:
            values = decode([bytes(row.vector) for row in theirs], len(features))
            lead = np.array([row.lead for row in theirs], np.int64)
            found.append(ServedMatrix(features, values, lead, np.array([row.scored_at for row in theirs])))
    return found


def _known(specs: Sequence[dict[str, object]], name: str) -> tuple[Feature, ...]:
    try:
        features = from_specs(specs)
    except (KeyError, TypeError):
        return ()
    return features if fingerprint(features) == name else ()
