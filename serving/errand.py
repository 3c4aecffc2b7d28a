"""Errands: commands of leadrank that a service runs as processes of their own, behind what waits for it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from subprocess import PIPE
from typing import NamedTuple

BEHIND = 5
"""So much less urgent than the service they are to the system (`nice`): a third of its share at most."""


IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""How a service asks MLflow, which by default waits for minutes; its errands have the time."""


class Done(NamedTuple):
    """How an errand ended."""

    well: bool
    told: str
    """All that it wrote to its standard output."""
    said: str
    """The end of what it wrote to its standard error, on one line."""


def run(words: Sequence[str], database_url: str, mlflow_uri: str) -> Done:
    """Run a command of leadrank's on these stores to its end; OSError where no process can be started."""
    places = {"LEADRANK_DATABASE_URL": database_url, "LEADRANK_MLFLOW_URI": mlflow_uri}
    environment = patient(os.environ) | places  # noqa: TID251  # a child takes its settings from there
    command = [sys.executable, "-m", "leadrank", *words]
    with subprocess.Popen(command, env=environment, text=True, stdout=PIPE, stderr=PIPE) as child:
        _put_behind(child.pid)
        told, said = child.communicate()
    return Done(child.returncode == 0, told, " ".join(said.split())[-500:])


def patient(environment: Mapping[str, str]) -> dict[str, str]:
    """A service's environment, less its hurry with MLflow; what somebody else set stays."""
    return {name: word for name, word in environment.items() if IMPATIENT.get(name) != word}


def _put_behind(process: int) -> None:
    """Let a process just begun, and all that it begins, be less urgent; where the system can."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, 0) + BEHIND)
