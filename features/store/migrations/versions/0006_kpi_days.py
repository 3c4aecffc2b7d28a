"""The sums of days that are over."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "kpi_day",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sums", sa.LargeBinary(), nullable=False),
        sa.Column("sold", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "day", name=op.f("pk_kpi_day")),
    )
    op.create_table(
        "kpi_close",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("pending", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_kpi_close")),
    )
