"""API keys as rows: their digests, scopes and campaigns; what a key's secret is nobody here knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, select, update

from .tables import api_key


@dataclass(frozen=True)
class StoredKey:
    """One key; `campaigns` None means all of them."""

    key_id: str
    name: str
    digest: bytes
    scopes: frozenset[str]
    campaigns: frozenset[str] | None
    created_at: int
    revoked_at: int | None


def add_key(connection: Connection, key: StoredKey) -> None:
    """Store a new key."""
    campaigns = None if key.campaigns is None else sorted(key.campaigns)
    row = {"key_id": key.key_id, "name": key.name, "digest": key.digest, "created_at": key.created_at}
    connection.execute(insert(api_key).values(**row, scopes=sorted(key.scopes), campaigns=campaigns))


def find_key(connection: Connection, key_id: str) -> StoredKey | None:
    """The key of that id that isn't revoked, or None."""
    found = select(api_key).where(api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
    return next(iter(_as_keys(connection.execute(found).mappings().all())), None)


def all_keys(connection: Connection) -> list[StoredKey]:
    """Every key, oldest first, the revoked ones too."""
    found = select(api_key).order_by(api_key.c.created_at, api_key.c.key_id)
    return _as_keys(connection.execute(found).mappings().all())


def revoke_key(connection: Connection, key_id: str, at: int) -> bool:
    """Revoke a key; False if there is none of that id, or it was revoked before."""
    revoked = update(api_key).where(api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
    return connection.execute(revoked.values(revoked_at=at)).rowcount == 1


def _as_keys(rows: Sequence[RowMapping]) -> list[StoredKey]:
    return [
        StoredKey(
            key_id=row["key_id"],
            name=row["name"],
            digest=bytes(row["digest"]),
            scopes=frozenset(row["scopes"]),
            campaigns=None if row["campaigns"] is None else frozenset(row["campaigns"]),
            created_at=row["created_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    ]
