"""Whole files: what several processes may make or read at once is in its place only when done."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


def sqlite_file(uri: str) -> Path | None:
    """The file that an SQLite URI names; None for other stores, and for one in memory."""
    prefix = "sqlite:///"
    name = uri.removeprefix(prefix).partition("?")[0]
    return Path(name) if uri.startswith(prefix) and name not in ("", ":memory:") else None


def make_whole(file: Path, make: Callable[[str], object]) -> None:
    """Have an SQLite file made, and its folder, where it isn't; who looks for it meanwhile finds none.

    `make` is given the URI of another file to fill. Of several who want it one makes it, and the others wait.
    """
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(file.parent), TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        if file.exists():
            return
        draft, done = Path(folder) / "draft", Path(folder) / "done"
        make(f"sqlite:///{draft}")
        # a copy: `make` may have left connections open, whose journals lie beside the draft
        with closing(sqlite3.connect(draft)) as source, closing(sqlite3.connect(done)) as copy:
            source.backup(copy)
        _put(done, file)


def replace_whole(file: Path, written: bytes) -> None:
    """Write under another name, wait until the disk has it, rename: nobody reads half of it."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    with new.open("wb") as draft:
        draft.write(written)
        draft.flush()
        os.fsync(draft.fileno())
    new.replace(file)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """While no other process makes a file in it; one that ends, however it does, makes room."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _put(done: Path, file: Path) -> None:
    """Give a file its place, unless another has it: someone else's program may not wait for ours."""
    try:
        os.link(done, file)
    except FileExistsError:
        return
    except OSError:  # a file system that knows no links
        if not file.exists():
            done.rename(file)
