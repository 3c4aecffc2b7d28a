"""Leases that ran out are counted though their leads were leased again."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Apply; what a claim overwrote before is gone."""
    op.add_column("lease", sa.Column("ran_out_at", sa.BigInteger(), nullable=True))
    op.add_column("batch", sa.Column("ran_out", sa.JSON(none_as_null=True), nullable=True))
