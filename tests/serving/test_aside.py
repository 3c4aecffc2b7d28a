"""Aside: a copy of the process works on what was, whatever the process does meanwhile."""

import os
import threading
from pathlib import Path

from serving import aside


def test_a_copy_writes_what_was_as_it_split_off(tmp_path: Path):
    held, said = ["before"], tmp_path / "said"

    def work() -> None:
        os.read(reads, 1)
        said.write_text(held[0])

    reads, writes = os.pipe()
    child = aside.begin(work)
    held[0] = "after"
    os.write(writes, b"!")

    assert aside.done(child)
    assert said.read_text() == "before"


def test_work_that_fails_in_the_copy_is_told_and_ends_nothing_else():
    def work() -> None:
        raise RuntimeError

    child = aside.begin(work)

    assert not aside.done(child)


def test_other_threads_of_the_process_do_not_stand_in_a_copys_way(tmp_path: Path):
    stop, busy = threading.Event(), threading.Thread(target=lambda: [None for _ in iter(stop.is_set, True)])
    busy.start()

    done = [aside.done(aside.begin((tmp_path / f"{turn}").touch)) for turn in range(10)]

    stop.set()
    busy.join()
    assert done == [True] * 10
    assert len(list(tmp_path.iterdir())) == 10
