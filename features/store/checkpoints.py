"""Checkpoints: the ledger and its tapes in one file, so that a restart reads only what was stored since.

A file holds for one installation, one state of this code and one change number; any other is passed over and
everything is read anew. It is a cache: nothing is lost with it.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from .. import calls, entries, facts, leads, reading, spec, tape
from ..columns import Codes, Columns
from . import call_book, call_facts, contact_book, fact_book, lead_book, lead_versions, ledger
from .frozen import Arrays, Freezer, Thawer, Tree
from .ledger import Ledger
from .tables import counter, installation

_NAME = "ledger.npz"


def save(book: Ledger, connection: Connection, folder: Path) -> Path:
    """Write the ledger's state."""
    return write(copied(book, connection), folder)


def copied(book: Ledger, connection: Connection) -> Arrays:
    """The ledger's state as arrays of its own: it may go on while they are written."""
    freezer = Freezer(classes(), derived=("_past", "_table"))
    tree = freezer.freeze(book)
    header = {"code": code_digest(), "installation": _installation(connection), "seq": book.seq}
    arrays = {name: array.copy() for name, array in freezer.arrays.items()}
    return arrays | {"header": _as_array(header), "tree": _as_array(tree)}


def write(arrays: Arrays, folder: Path) -> Path:
    """Write a state; the file is there whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / _NAME
    part = whole.with_name(f"{_NAME}.{os.getpid()}")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **cast("dict[str, Any]", arrays))
        file.flush()
        os.fsync(file.fileno())
    part.replace(whole)
    return whole


def restored(connection: Connection, folder: Path) -> Ledger | None:
    """The ledger as last saved, to follow from there; None where no file holds for this store and code."""
    passed_over = suppress(OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
    with passed_over, (folder / _NAME).open("rb") as file, np.load(file) as held:
        if _holds(orjson.loads(held["header"].tobytes()), connection):
            return _thawed({name: held[name] for name in held.files})
    return None


def _holds(header: dict[str, object], connection: Connection) -> bool:
    """Whether a file is of this code and installation, and not of a future that was undone."""
    latest = connection.execute(select(counter.c.value).where(counter.c.name == "change")).scalar_one()
    mine = header["code"] == code_digest() and header["installation"] == _installation(connection)
    return mine and int(str(header["seq"])) <= latest


def _thawed(arrays: Arrays) -> Ledger | None:
    found = Thawer(classes(), arrays).thaw(orjson.loads(arrays["tree"].tobytes()))
    return found if isinstance(found, Ledger) else None


def _as_array(said: Tree) -> NDArray[np.uint8]:
    return np.frombuffer(orjson.dumps(said), np.uint8)


@cache
def classes() -> dict[str, type]:
    """The classes that a ledger is made of, by name."""
    rooms = (
        *(calls, entries, facts, leads, reading, spec, tape),
        *(call_book, call_facts, contact_book, fact_book, lead_book, lead_versions, ledger),
    )
    found = {
        name: one
        for room in rooms
        for name, one in vars(room).items()
        if isinstance(one, type) and one.__module__ == room.__name__
    }
    return {**found, "Columns": Columns, "Codes": Codes}


@cache
def code_digest() -> str:
    """Names the state of this room's code: another version may mean something else by the same fields."""
    digest = hashlib.sha256(np.__version__.encode())
    for path in _sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    room = Path(__file__).parent.parent
    for folder in (room, room / "store", room / "statistics"):
        yield from sorted(folder.glob("*.py"))


def _installation(connection: Connection) -> str:
    salt = connection.execute(select(installation.c.salt)).scalar_one()
    return hashlib.sha256(salt).hexdigest()
