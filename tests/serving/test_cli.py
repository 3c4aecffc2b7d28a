"""The commands `keys`, `kpi`, `lift` and `docs`, as somebody types them."""

from dataclasses import asdict
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from features.store.campaigns import write_campaign
from features.store.engine import open_engine, transaction
from serving import cli, kpi_cli
from serving.access import Keys
from serving.errors import KeyUnknown
from serving.kpi.measures import MEASURES
from serving.kpi.page import page
from serving.ranking.policy import Arm, Experiment
from serving.switchbacks import Switchback
from tests.features.store.tellings import a_lead
from tests.serving.desks import OPEN, a_dial, tell, tell_leads


@pytest.fixture
def database(template: Path, tmp_path: Path) -> str:
    (tmp_path / "leadrank.db").write_bytes(template.read_bytes())
    return f"sqlite:///{tmp_path / 'leadrank.db'}"


def run(*words: str) -> Result:
    app = kpi_cli.app if words[0] in ("kpi", "lift") else cli.app
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


def test_a_key_is_printed_once_and_works(database: str):
    made = run(
        "keys", "create", "dialer", "--scopes", "queue, read", "--campaigns", "spring", "--database", database
    )
    token = made.stdout.strip()

    listed = run("keys", "list", "--database", database)
    found = Keys(open_engine(database)).principal(token, 0.0)

    assert made.exit_code == 0
    assert (found.name, sorted(found.scopes), found.campaigns) == (
        "dialer",
        ["queue", "read"],
        frozenset({"spring"}),
    )
    assert token.split("_")[1] in listed.stdout
    assert token.split("_")[2] not in listed.stdout


def test_a_revoked_key_works_no_more(database: str):
    token = run("keys", "create", "dialer", "--scopes", "queue", "--database", database).stdout.strip()

    first, again = (run("keys", "revoke", token.split("_")[1], "--database", database) for _ in range(2))

    with pytest.raises(KeyUnknown):
        Keys(open_engine(database)).principal(token, 0.0)
    assert (first.exit_code, again.exit_code) == (0, 2)


def test_a_scope_that_does_not_exist_is_refused_with_those_that_do(database: str):
    refused = run("keys", "create", "dialer", "--scopes", "dance", "--database", database)

    assert refused.exit_code == 2
    assert "ingest, queue, read, manage" in refused.stderr


def test_kpi_lists_the_definitions_without_a_database():
    listed = run("kpi")

    assert listed.exit_code == 0
    assert all(measure.kpi in listed.stdout for measure in MEASURES)


def test_kpi_answers_as_a_table_and_as_json(database: str):
    table = run("kpi", "contact_rate", "--database", database)
    told = run("kpi", "contact_rate", "--json", "--at", "2026-01-05T00:00:00Z", "--database", database)

    assert "contact_rate (percent)" in table.stdout
    assert orjson.loads(told.stdout)["rows"][0]["value"] is None


@pytest.mark.parametrize(
    "words", [("happiness",), ("contact_rate", "--by", "moon"), ("contact_rate", "--from", "noon")]
)
def test_kpi_says_what_it_does_not_know(database: str, words: tuple[str, ...]):
    refused = run("kpi", *words, "--database", database)

    assert refused.exit_code == 2
    assert refused.stderr.startswith("leadrank: ")


def test_what_others_named_is_printed_as_they_said_it(database: str):
    odd, arms = "[/red] :smile:", (Arm("a", 0.5), Arm("b", 0.5, "oldest"))
    engine = open_engine(database)
    with transaction(engine) as connection:
        write_campaign(
            connection, "spring", {"experiments": [asdict(Experiment("heat", arms, 0.9, OPEN))]}, at=0
        )
    tell_leads(engine, [a_lead("ann", source=odd)])
    tell(engine, a_dial("c1", "ann", OPEN))
    run("keys", "create", odd, "--scopes", "read", "--database", database)

    said = [
        run(*words, "--database", database)
        for words in (
            ("keys", "list"),
            ("kpi", "contact_rate", "--by", "source"),
            ("kpi", odd),
            ("lift", "spring"),
        )
    ]

    assert [one.exit_code for one in said] == [0, 0, 2, 0]
    assert all(odd in one.output for one in said[:3])
    assert "heat:b: No lift yet" in said[3].output


def test_lift_tells_the_arms_as_a_table_and_as_json(database: str):
    with transaction(open_engine(database)) as connection:
        slow = Switchback("slow", {"caps": {"min_gap_s": 60}}, {"timezone": "UTC"})
        write_campaign(connection, "spring", {"mode": "power", "switchbacks": [asdict(slow)]}, at=0)

    table = run("lift", "spring", "--database", database)
    told = run("lift", "spring", "--json", "--at", "2026-01-05T00:00:00Z", "--database", database)

    assert "agent hours" in table.stdout
    assert "No lift yet: the model arm has 0 agent-days, at least 2 are needed." in table.stdout
    assert "slow: No lift yet: 0 of at least 7 blocks of two days with calls are over." in table.stdout
    assert [arm["arm"] for arm in orjson.loads(told.stdout)["arms"]] == ["model", "holdout"]
    assert orjson.loads(told.stdout)["switchback"]["name"] == "slow"


def test_lift_of_a_campaign_that_nobody_named_says_so(database: str):
    refused = run("lift", "autumn", "--database", database)

    assert refused.exit_code == 2
    assert "no campaign of that name" in refused.stderr


def test_docs_writes_the_page_of_kpis_and_notices_a_stale_one(tmp_path: Path):
    assert run("docs", "--folder", str(tmp_path), "--check").exit_code == 1

    assert run("docs", "--folder", str(tmp_path)).exit_code == 0
    assert (tmp_path / "kpis.md").read_text() == page()
    assert run("docs", "--folder", str(tmp_path), "--check").exit_code == 0
    assert all(f"`{measure.kpi}`" in page() for measure in MEASURES)
