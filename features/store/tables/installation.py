"""What there is once per installation: its secret, the change counter, its keys and answers already given."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from .metadata import Json, Long, instant, maybe_instant, metadata

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Long, nullable=False),
)
"""One row, `change`: the number of the last change of any row that readers follow."""

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=True),  # null where LEADRANK_SECRET holds it
    Column("salt", LargeBinary, nullable=False),
    Column("proof", LargeBinary, nullable=False),  # HMAC of the salt: tells a wrong secret from the right one
    instant("created_at"),
)
"""One row: the secret that keys every pseudonym."""

api_key = Table(
    "api_key",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("campaigns", Json, nullable=True),  # null: all
    instant("created_at"),
    maybe_instant("revoked_at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("body_digest", LargeBinary, nullable=False),
    Column("status", Integer, nullable=True),  # null while the first request is still at work
    Column("response", LargeBinary, nullable=True),
    Column("created_at", Long, nullable=False, index=True),
)
"""Answers already given to an `Idempotency-Key`."""

import_run = Table(
    "import_run",
    metadata,
    Column("file_digest", Text, primary_key=True),
    Column("mapping_digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("rows_done", Long, nullable=False),
    Column("accepted", Long, nullable=False),
    Column("duplicates", Long, nullable=False),
    Column("quarantined", Json, nullable=False),  # events by reason code
    Column("rejected", Json, nullable=False),  # rows by reason code
    instant("updated_at"),
)
"""How far each imported file has come."""
