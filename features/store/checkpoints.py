"""Checkpoints: what a process remembers of the store, in one file: a restart reads only what came since.

A file holds for one installation, one state of the code and one change number; any other is passed over and
everything is read anew. It is a cache: nothing is lost with it. Processes that start from the same file share
its memory until they change it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from .. import calls, columns, entries, facts, leads, reading, spec, tape
from . import call_book, call_facts, contact_book, fact_book, lead_book, lead_versions, ledger, mapped
from .frozen import Freezer, Thawer, Tree, name_of
from .tables import counter, installation

_NAME = "memory.map"


@dataclass(frozen=True)
class Code:
    """The code that gives a file its meaning."""

    classes: Mapping[str, type]
    """Those that may be met, by name."""
    digest: str
    """Names its state: another version may mean something else by the same fields."""
    derived: tuple[str, ...] = ("_past", "_table")
    """Fields that are not kept: they are found again as None."""

    def and_(self, rooms: Sequence[ModuleType], folders: Sequence[Path], derived: Sequence[str]) -> "Code":
        """The same with the classes of more modules, whose meaning is in the code of some folders."""
        digest = hashlib.sha256(self.digest.encode() + _digest(folders).encode()).hexdigest()
        return Code({**self.classes, **classes_of(rooms)}, digest, (*self.derived, *derived))


def label(seq: int, code: Code, connection: Connection) -> Tree:
    """What a file holds for; `seq` is the change number up to which the thing knows the store."""
    return {"code": code.digest, "installation": _installation(connection), "seq": seq}


def save(thing: object, label: Tree, code: Code, folder: Path) -> None:
    """Write a thing; the file is there whole or not at all."""
    freezer = Freezer(code.classes, code.derived)
    tree = freezer.freeze(thing)
    mapped.write(freezer.arrays | {"header": _as_array(label), "tree": _as_array(tree)}, folder / _NAME)


def restored(code: Code, connection: Connection, folder: Path) -> object | None:
    """The thing as last saved, to follow from there; None where no file holds for this store and code."""
    with suppress(OSError, ValueError, KeyError):
        arrays = mapped.read(folder / _NAME)
        if _holds(orjson.loads(arrays["header"].tobytes()), code, connection):
            found: object = Thawer(code.classes, arrays).thaw(orjson.loads(arrays["tree"].tobytes()))
            return found
    return None


def _holds(header: dict[str, object], code: Code, connection: Connection) -> bool:
    """Whether a file is of this code and installation, and not of a future that was undone."""
    latest = connection.execute(select(counter.c.value).where(counter.c.name == "change")).scalar_one()
    mine = header["code"] == code.digest and header["installation"] == _installation(connection)
    return mine and int(str(header["seq"])) <= latest


def _as_array(said: Tree) -> NDArray[np.uint8]:
    return np.frombuffer(orjson.dumps(said), np.uint8)


@cache
def of_ledgers() -> Code:
    """What a ledger is made of."""
    rooms = (
        *(calls, columns, entries, facts, leads, reading, spec, tape),
        *(call_book, call_facts, contact_book, fact_book, lead_book, lead_versions, ledger),
    )
    room = Path(__file__).parent.parent
    folders = (room, room / "store", room / "statistics")
    return Code(classes_of(rooms), _digest(folders))


def classes_of(rooms: Sequence[ModuleType]) -> dict[str, type]:
    """The classes that some modules define, by name."""
    return {
        name_of(one): one
        for room in rooms
        for one in vars(room).values()
        if isinstance(one, type) and one.__module__ == room.__name__
    }


def _digest(folders: Sequence[Path]) -> str:
    digest = hashlib.sha256(np.__version__.encode())
    for path in _sources(folders):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((*folder.glob("*.py"), *folder.glob("*.toml")))


def _installation(connection: Connection) -> str:
    salt = connection.execute(select(installation.c.salt)).scalar_one()
    return hashlib.sha256(salt).hexdigest()
