"""Draws and reasons are kept as they come: what is compressed or random already gets no smaller."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply; PostgreSQL would try to compress whatever is large."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE draw ALTER COLUMN told SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE batch ALTER COLUMN reasons SET STORAGE EXTERNAL")
