"""Served vectors put on record for a test, as a poll does."""

from collections.abc import Mapping

from sqlalchemy import Connection

from features.served import ServedVector
from features.store.bulk import insert_rows
from features.store.served_vectors import served_rows, write_meanings
from features.store.tables import served_vector


def write_served(connection: Connection, vectors: Mapping[str, ServedVector]) -> None:
    """By decision, with what their columns mean."""
    write_meanings(connection, {one.fingerprint: one.features for one in vectors.values()})
    insert_rows(connection, served_vector, served_rows(vectors))
