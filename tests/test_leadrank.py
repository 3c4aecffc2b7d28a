"""The command `leadrank`: finds rooms without opening those it doesn't need."""

import subprocess
import sys

import pytest

import leadrank


def test_help_lists_every_command_and_opens_no_room():
    rooms = "[name for name in ('features', 'training', 'serving') if name in sys.modules]"
    code = f"import sys, leadrank; leadrank.main(['--help']); print({rooms})"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert all(f"  {name}" in told for name in leadrank.COMMANDS)
    assert told.strip().endswith("[]")


def test_version(capsys: pytest.CaptureFixture[str]):
    assert leadrank.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"leadrank {leadrank.__version__}"


def test_an_unknown_command_is_an_error_that_guesses(capsys: pytest.CaptureFixture[str]):
    assert leadrank.main(["sevre"]) == 2
    assert "Did you mean `serve`?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "keys", "kpi"])
def test_a_command_answers_from_its_room(command: str, capsys: pytest.CaptureFixture[str]):
    assert leadrank.main([command, "--help"]) == 0
    assert f"leadrank {command}" in capsys.readouterr().out


def test_a_rooms_own_refusal_is_the_commands_exit_code():
    assert leadrank.main(["keys", "create", "x", "--scopes", "dance", "--database", "sqlite://"]) == 2
