"""Lineage: what a head was taught and judged on, with a digest that changes with any of it."""

import hashlib

import numpy as np

from features.instants import render
from features.kernel import Int64Array

from .report import Trained
from .served import kind_of
from .tracking import DataUsed

DIGITS = 16


def datasets_of(name: str, one: Trained, known_before: int) -> tuple[DataUsed, ...]:
    """The examples that taught a head, and those of them that judged its models."""
    everything = _used(f"{name} examples", one, np.arange(len(one.examples)), known_before, "training")
    if not one.fitted.unseen.rows.size:
        return (everything,)
    rows = one.fitted.unseen.rows
    return everything, _used(f"{name} calls judged", one, rows, known_before, "evaluation")


def digest(one: Trained, rows: Int64Array) -> str:
    """Of the features' definitions, and of the rows' instants, labels and values."""
    found = hashlib.sha256(one.matrix.fingerprint.encode())
    for column in (one.examples.at, one.examples.label, one.matrix.values):
        found.update(np.ascontiguousarray(column[rows]).data)
    return found.hexdigest()[:DIGITS]


def _used(name: str, one: Trained, rows: Int64Array, known_before: int, context: str) -> DataUsed:
    at = one.examples.at[rows]
    source = {
        "what": f"calls of the store: {one.head.label}",
        "known before": render(known_before),
        "first call": render(int(at.min())),
        "last call": render(int(at.max())),
        "features": one.matrix.fingerprint,
    }
    profile = {
        "num_rows": rows.size,
        "num_elements": rows.size * len(one.matrix.features),
        "marked": one.marked(rows),
    }
    columns = {feature.name: kind_of(feature) for feature in one.matrix.features}
    return DataUsed(name, digest(one, rows), source, columns, profile, context)
