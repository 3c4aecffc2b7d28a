"""Errands: run on the service's own stores, behind whoever waits for it, and told as they ended."""

import os
import sys
from pathlib import Path

import pytest

from serving.errand import BEHIND, IMPATIENT, Done, patient, run

STORES = "sqlite:///here.db", "sqlite:///there.db"


def told_by(script: str, folder: Path, patch: pytest.MonkeyPatch) -> Done:
    """An errand that a script does in Python's place."""
    stand_in = folder / "python"
    stand_in.write_text(f"#!/bin/sh\n{script}\n")
    stand_in.chmod(0o755)
    patch.setattr(sys, "executable", str(stand_in))
    return run(["train", "--json", "-"], *STORES)


def test_it_is_a_command_of_leadranks_on_the_services_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = told_by('echo "$@" "$LEADRANK_DATABASE_URL" "$LEADRANK_MLFLOW_URI"', tmp_path, monkeypatch)

    assert done == Done(well=True, told=f"-m leadrank train --json - {' '.join(STORES)}\n", said="")


def test_one_that_fails_says_why_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = told_by('echo "no  such" >&2; echo store >&2; exit 3', tmp_path, monkeypatch)

    assert done == Done(well=False, told="", said="no such store")


def test_it_waits_for_whatever_is_as_urgent_as_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = told_by("sleep 0.2; nice", tmp_path, monkeypatch)

    assert int(done.told) == os.getpriority(os.PRIO_PROCESS, 0) + BEHIND


def test_one_that_cannot_begin_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))

    with pytest.raises(OSError, match="nowhere"):
        run(["train"], *STORES)


def test_it_waits_for_mlflow_as_long_as_mlflow_does_unless_somebody_said_otherwise():
    retries = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"

    assert patient({"HOME": "/", **IMPATIENT}) == {"HOME": "/"}
    assert patient({**IMPATIENT, retries: "3"}) == {retries: "3"}
