"""What waits in quarantine reaches no further than the key that handed it in."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply; what waits already came before anybody noted by whose key."""
    op.add_column("quarantine", sa.Column("within", sa.JSON(none_as_null=True), nullable=True))
