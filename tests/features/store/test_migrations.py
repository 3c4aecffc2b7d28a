"""The schema: migrations agree with the tables, and the installation's own rows come with them."""

import json
import zlib

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text, update

from features.errors import MissingSecret, StaleSchema, WrongSecret
from features.store.engine import open_engine, reading, transaction
from features.store.installation import install, secret_of
from features.store.migrations import HEAD, require_current, schema_of, upgrade
from features.store.migrations.upgrade import VERSION_TABLE, config
from features.store.reads import Stretch
from features.store.repeats import repeated_calls
from features.store.tables import batch, event, installation, metadata


def test_migrations_and_tables_agree(engine: Engine):
    with reading(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )

        difference = compare_metadata(context, metadata)

    assert difference == []


def test_the_newest_migration_is_the_one_this_release_works_with(engine: Engine):
    with transaction(engine) as connection:
        script = ScriptDirectory.from_config(config(connection))

    assert script.get_current_head() == HEAD


def test_an_upgrade_of_a_current_database_changes_nothing(engine: Engine):
    with reading(engine) as connection:
        before = secret_of(connection)

    upgrade(engine)

    with reading(engine) as connection:
        connection.info.clear()
        assert secret_of(connection) == before


def test_a_database_of_the_first_release_gets_the_tables_that_came_since(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/first.db")
    with transaction(engine) as connection:
        command.upgrade(config(connection), "0001")
        install(connection)

    before = schema_of(engine)
    upgrade(engine)

    assert (before, schema_of(engine)) == ("older", "current")
    with reading(engine) as connection:
        assert inspect(connection).has_table("served_vector")
    engine.dispose()


def test_what_was_told_again_before_is_still_counted(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/before.db")
    with transaction(engine) as connection:
        command.upgrade(config(connection), "0010")
        install(connection)
        connection.execute(text("INSERT INTO repeat VALUES ('s', 'io.leadrank.call.attempted', 900, 3)"))

    upgrade(engine)

    with reading(engine) as connection:
        counted = [repeated_calls(connection, Stretch(0, 1_000, at)) for at in (899, 900)]
    assert counted == [{}, {"s": 3}]
    engine.dispose()


def test_reasons_kept_by_decision_are_kept_by_batch_after_an_upgrade(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/ninth.db")
    why = [[{"feature": "a", "effect": 1.5}], None, [{"feature": "b", "effect": -2.0}]]
    with transaction(engine) as connection:
        command.upgrade(config(connection), "0009")
        install(connection)
        connection.execute(text(_AN_OLD_LEAD))
        connection.execute(text(_AN_OLD_BATCH))
        for rank, reasons in reversed(list(enumerate(why, 1))):
            told = {"id": f"b-d{rank}", "lease": f"b-l{rank}", "rank": rank}
            connection.execute(text(_AN_OLD_DECISION), told | {"reasons": reasons and json.dumps(reasons)})

    upgrade(engine)

    with reading(engine) as connection:
        kept = connection.execute(select(batch.c.reasons)).scalar_one()
    assert json.loads(zlib.decompress(kept)) == [why[0], [], why[2]]
    engine.dispose()


_AN_OLD_LEAD = """
INSERT INTO lead (id, lead_id, campaign, created_at, updated_at, known_at, channel, phones, seq)
VALUES (1, 'a', 'spring', 1, 1, 1, 'web_form', '[]', 1)
"""
_AN_OLD_BATCH = """
INSERT INTO batch (batch_id, campaign, dialer_id, at, n, key_text, degraded, withheld, rules)
VALUES ('b', 'spring', 'd1', 1, 3, '', false, '{}', '[]')
"""
_AN_OLD_DECISION = """
INSERT INTO decision
    (decision_id, batch_id, lease_id, campaign, lead, at, arm, source, rank, attempt_no, reasons)
VALUES (:id, 'b', :lease, 'spring', 1, 1, 'model', 'ranked', :rank, 1, :reasons)
"""


def test_older_events_say_whom_they_are_about_after_an_upgrade(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/fifteenth.db")
    told = [{"call_id": "c", "lead_id": "a"}, {"call_id": "c"}, {"phone": "+12125550100"}, {"agent_id": "j"}]
    with transaction(engine) as connection:
        command.upgrade(config(connection), "0015")
        install(connection)
        for row, data in enumerate(told):
            connection.execute(text(_AN_OLD_EVENT), {"row": row, "data": json.dumps(data)})

    upgrade(engine)

    with reading(engine) as connection:
        about = connection.execute(select(event.c.about).order_by(event.c.row)).scalars().all()
    assert about == ["lead:a", "call:c", "phone:", None]
    engine.dispose()


_AN_OLD_EVENT = """
INSERT INTO event (row, source, id, type, time, known_at, data, seq)
VALUES (:row, 's', :row, 't', 1, 1, :data, 1)
"""


def test_a_database_of_a_newer_release_is_refused(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/newer.db")
    upgrade(engine)
    with transaction(engine) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    assert schema_of(engine) == "newer"
    with pytest.raises(StaleSchema, match="9999"):
        upgrade(engine)
    engine.dispose()


@pytest.mark.parametrize("found", ["missing", "older", "newer"])
def test_only_this_releases_schema_is_fit_to_serve(tmp_path, found):
    engine = open_engine(f"sqlite:///{tmp_path}/stale.db")
    if found != "missing":
        upgrade(engine)
        require_current(engine)
        with transaction(engine) as connection:
            revision = {"older": "0000", "newer": "9999"}[found]
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))

    with pytest.raises(StaleSchema):
        require_current(engine)
    engine.dispose()


def test_a_secret_given_from_outside_is_never_stored(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/given.db", secret="a long text")

    upgrade(engine)

    with reading(engine) as connection:
        assert connection.execute(select(installation.c.secret)).scalar_one() is None
        assert len(secret_of(connection)) == 32
    engine.dispose()


@pytest.mark.parametrize(("secret", "error"), [(None, MissingSecret), ("another text", WrongSecret)])
def test_a_missing_or_wrong_secret_is_refused(tmp_path, secret, error):
    first = open_engine(f"sqlite:///{tmp_path}/given.db", secret="a long text")
    upgrade(first)
    first.dispose()

    again = open_engine(f"sqlite:///{tmp_path}/given.db", secret=secret)

    with pytest.raises(error):
        upgrade(again)
    again.dispose()


def test_a_transaction_that_fails_leaves_nothing(engine: Engine):
    def fail_midway() -> None:
        with transaction(engine) as connection:
            connection.execute(update(installation).values(created_at=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()

    with reading(engine) as connection:
        assert connection.execute(select(installation.c.created_at)).scalar_one() != 1
