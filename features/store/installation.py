"""The installation's own rows: its secret and its change counter, made at the first upgrade."""

import hmac
import secrets

from sqlalchemy import Connection, insert, select

from ..errors import MissingSecret, WrongSecret
from ..pseudonym import proof_of
from .engine import database_clock, secret_given
from .tables import counter, installation


def install(connection: Connection) -> None:
    """Make the rows where they are missing; a secret given from outside is proved, never stored."""
    if connection.execute(select(installation.c.id)).first() is not None:
        return
    given, salt = secret_given(connection), secrets.token_bytes(16)
    secret = given or secrets.token_bytes(32)
    row = {"id": 1, "secret": None if given else secret, "salt": salt, "proof": proof_of(secret, salt)}
    connection.execute(insert(installation).values(**row, created_at=database_clock(connection)))
    connection.execute(insert(counter).values(name="change", value=0))


def secret_of(connection: Connection) -> bytes:
    """The key of this installation's pseudonyms; asked of the database once per connection."""
    found = connection.info.get("leadrank_secret")
    if not isinstance(found, bytes):
        found = connection.info["leadrank_secret"] = _proved_secret(connection)
    return found


def _proved_secret(connection: Connection) -> bytes:
    row = connection.execute(select(installation)).one()
    secret = secret_given(connection) or row.secret
    if secret is None:
        raise MissingSecret(installed_at=row.created_at)
    if not hmac.compare_digest(proof_of(secret, row.salt), row.proof):
        raise WrongSecret(installed_at=row.created_at)
    return bytes(secret)
