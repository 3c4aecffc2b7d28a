"""What the attempts of days that are over count for; the days closed before are drawn up anew."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply."""
    for table in ("kpi_day", "kpi_close"):
        op.drop_table(table)
    op.create_table(
        "kpi_day",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sums", sa.LargeBinary(), nullable=False),
        sa.Column("sold", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "day", name=op.f("pk_kpi_day")),
    )
    op.create_table(
        "kpi_column",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "name", "day", name=op.f("pk_kpi_column")),
    )
    op.create_table(
        "kpi_close",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_kpi_close")),
    )
