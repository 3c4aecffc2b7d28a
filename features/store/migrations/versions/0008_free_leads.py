"""How many leads of the model arm were free when a batch was drawn."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.add_column("batch", sa.Column("free", sa.Integer(), nullable=True))
