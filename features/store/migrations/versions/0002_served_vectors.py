"""Served vectors: what the model saw of a sample of the leads handed out."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "feature_set",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("specs", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_feature_set")),
    )
    op.create_table(
        "served_vector",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("scored_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_seq", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("bundle_version", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_served_vector")),
    )
    op.create_index(op.f("ix_served_vector_scored_at"), "served_vector", ["scored_at"], unique=False)
