"""Bring a database's schema up to this release's, and see that it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, Engine, inspect, text

from ...errors import StaleSchema
from ..engine import reading, transaction
from ..installation import install, secret_of

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0017"
"""The revision this release works with; a test keeps it equal to the newest file in `versions/`."""

VERSION_TABLE = "leadrank_version"

Schema = Literal["missing", "older", "current", "newer"]


def upgrade(engine: Engine) -> None:
    """Create or upgrade the schema and the installation's own rows; only a look where it is current."""
    if (found := schema_of(engine)) == "newer":
        raise StaleSchema(found=_revision(engine), wanted=HEAD)
    if found == "current":
        with reading(engine) as connection:
            secret_of(connection)
        return
    from alembic import command  # noqa: PLC0415  # slow to import, and most starts find nothing to do

    with transaction(engine) as connection:
        _lock(connection)
        command.upgrade(config(connection), "head")
        install(connection)


def schema_of(engine: Engine) -> Schema:
    """How the database's schema stands to this release's."""
    revision = _revision(engine)
    if revision is None:
        return "missing"
    if revision == HEAD:
        return "current"
    return "older" if revision < HEAD else "newer"


def require_current(engine: Engine) -> None:
    """Raise unless the database answers and has this release's schema."""
    if schema_of(engine) != "current":
        raise StaleSchema(found=_revision(engine), wanted=HEAD)


def config(connection: Connection) -> "Config":
    """Alembic's settings for work on an open connection: no file, no environment."""
    from alembic.config import Config  # noqa: PLC0415  # see `upgrade`

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["connection"] = connection
    return settings


def _revision(engine: Engine) -> str | None:
    with reading(engine) as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
        return None if found is None else str(found)


def _lock(connection: Connection) -> None:
    """Two workers that start together upgrade one after the other."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(727468)"))
