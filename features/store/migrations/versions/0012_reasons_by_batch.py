"""Reasons of a batch's decisions in one place; handing out locks no lead's row and writes fewer indexes."""

import zlib
from itertools import groupby
from operator import attrgetter

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_OLD = sa.table(
    "decision", sa.column("batch_id", sa.Text), sa.column("rank", sa.Integer), sa.column("reasons", sa.JSON)
)
_BATCH = sa.table("batch", sa.column("batch_id", sa.Text), sa.column("reasons", sa.LargeBinary))


def upgrade() -> None:
    """Apply."""
    op.add_column("batch", sa.Column("reasons", sa.LargeBinary(), nullable=True))
    _gather(op.get_bind())
    op.drop_index(op.f("ix_lease_lease_id"), table_name="lease")
    with op.batch_alter_table("decision") as decision:
        decision.drop_column("reasons")
        decision.drop_constraint(op.f("fk_decision_lead"), type_="foreignkey")


def _gather(connection: sa.Connection) -> None:
    """Write each batch's reasons, in the order of its decisions' ranks."""
    told = sa.select(_OLD).order_by(_OLD.c.batch_id, _OLD.c.rank)
    rows = connection.execute(told, execution_options={"yield_per": 10_000})
    for batch_id, decisions in groupby(rows, attrgetter("batch_id")):
        kept = zlib.compress(orjson.dumps([row.reasons or [] for row in decisions]), level=1)
        named = _BATCH.c.batch_id == batch_id
        connection.execute(sa.update(_BATCH).where(named).values(reasons=kept))
