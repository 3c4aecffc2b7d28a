"""The pages about serving say what the code says."""

import re
from pathlib import Path

from features.errors import LeadrankError
from serving import errors
from serving.api.problems import status_of
from serving.rules import rules

from .rules.reference import table

DOCS = Path(__file__).parents[2] / "docs"


def test_every_rule_and_every_row_of_the_table_is_on_the_page():
    page = (DOCS / "rules.md").read_text()

    assert all(f"`{rule.id}`" in page for rule in rules())
    assert all(row["source"] in page for row in table()["hours"])
    for row in table()["hours"]:
        spells = [spell for key, spell in row.items() if re.match("(mon|tue|wed|thu|fri|sat|sun)", key)]
        assert all(spell in page for one in spells for spell in ([one] if isinstance(one, str) else one))


def test_every_problem_is_on_the_page_with_its_status():
    lines = re.findall(r"^\| (\d{3}) \| (.*) \|$", (DOCS / "api.md").read_text(), re.MULTILINE)
    told = {code: int(status) for status, codes in lines for code in re.findall("`([a-z_]+)`", codes)}

    raised = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LeadrankError)
    ]
    not_of_the_service = {"ServingError", "ServiceRefused", "StageFailed", "LeadrankError"}
    for kind in raised:
        if kind.__name__ not in not_of_the_service:
            assert told.get(kind.code) == status_of(kind()), kind.code
