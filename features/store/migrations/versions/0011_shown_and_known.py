"""Whether a close is on the board, and when events were told again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply; what was told again before counts as known since the time that it speaks of."""
    op.add_column("kpi_close", sa.Column("shown", sa.Boolean(), nullable=True))
    op.rename_table("repeat", "repeat_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE repeat_before DROP CONSTRAINT pk_repeat")
    op.create_table(
        "repeat",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("quarter", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "type", "quarter", "known_at", name=op.f("pk_repeat")),
    )
    op.execute("INSERT INTO repeat SELECT source, type, quarter, quarter, told FROM repeat_before")
    op.drop_table("repeat_before")
