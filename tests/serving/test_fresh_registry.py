"""A fresh registry: trainings, boards and workers that come to a file nobody has made yet all succeed."""

import subprocess
import sys
import time
from pathlib import Path

from serving.models import UNTRAINED, Models

TRAINING = (
    "from training.tracking import Record, Tracking; Tracking({uri!r}).record(Record('trainings', 'a', 0))"
)
BOARD = "from serving.board import Board; Board({uri!r}).show_page()"


def test_several_processes_at_once_find_or_make_a_whole_registry(tmp_path: Path):
    uri = f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    models, seen = Models(uri, tmp_path / "bundles"), list[str]()

    started = [
        subprocess.Popen([sys.executable, "-c", does.format(uri=uri)], stderr=subprocess.PIPE, text=True)
        for does in (TRAINING, BOARD, TRAINING)
    ]
    try:
        while any(one.poll() is None for one in started):
            models.reload()
            seen += [models.trouble, models.listed().trouble]
            time.sleep(0.05)
    finally:
        said = [one.communicate()[1] for one in started]

    assert [one.returncode for one in started] == [0, 0, 0], said
    assert set(seen) <= {UNTRAINED, ""}
