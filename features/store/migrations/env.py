"""Run by Alembic: migrate over the connection that `upgrade` holds, in its transaction."""

from alembic import context

from features.store.migrations.upgrade import VERSION_TABLE
from features.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    compare_type=True,
)
context.run_migrations()
