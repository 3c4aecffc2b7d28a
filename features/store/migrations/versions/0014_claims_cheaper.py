"""Resources are compared byte by byte, and their rows have room to change in place."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Apply; a language's order costs more to compare, and a row that moves is indexed anew."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("lease", "resource", type_=sa.Text(collation="C"))
        op.execute("ALTER TABLE lease SET (fillfactor = 60)")
