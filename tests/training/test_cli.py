"""The command line of the room that learns: errors of the world are a line, not a traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.cli import app


def test_an_empty_store_says_how_many_calls_it_takes(tmp_path: Path):
    """The whole command runs, database and all, up to the point where it can't go on."""
    store, runs = f"sqlite:///{tmp_path}/leadrank.db", f"sqlite:///{tmp_path}/mlflow.db"

    result = CliRunner().invoke(app, ["train", "--database", store, "--mlflow-uri", runs])

    assert result.exit_code == 2
    assert "not_enough_calls" in result.stderr
    assert "at_least=500" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("command", [["train"], ["race", "bank-marketing"]])
def test_help_shows_an_example(command: list[str]):
    result = CliRunner().invoke(app, [*command, "--help"])

    assert result.exit_code == 0
    assert f"leadrank {' '.join(command)}" in result.stdout
