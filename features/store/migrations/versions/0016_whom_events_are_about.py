"""Events say whom they are about, so that an erasure finds them; what was replayed is in the log alone."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_SAID = {
    "sqlite": "json_extract(data, '$.{name}')",
    "postgresql": """substring(CAST(data AS text) from '"{name}" ?: ?"([^"]*)"')""",
}


def upgrade() -> None:
    """Apply; a number that an older event names alone is not hashed here: such events are about `phone:`."""
    op.add_column("event", sa.Column("about", sa.Text(), nullable=True))
    said = {
        name: _SAID[op.get_bind().dialect.name].format(name=name) for name in ("lead_id", "call_id", "phone")
    }
    about = (
        f"CASE WHEN {said['lead_id']} IS NOT NULL THEN 'lead:' || {said['lead_id']} "
        f"WHEN {said['call_id']} IS NOT NULL THEN 'call:' || {said['call_id']} "
        f"WHEN {said['phone']} IS NOT NULL THEN 'phone:' END"
    )
    # The driver's own text: a colon in it is no parameter.
    op.get_bind().exec_driver_sql(f"UPDATE event SET about = {about}")
    op.create_index(op.f("ix_event_about"), "event", ["about"])
    op.get_bind().exec_driver_sql("UPDATE quarantine SET payload = '{}' WHERE replayed_at IS NOT NULL")
