"""Frozen: the ledger's objects as plain arrays and JSON, and back: nothing but known classes is ever made.

Long runs of text and numbers become arrays, so that a million rows thaw in a blink; the rest is a JSON tree.
An object that is held in two places thaws as one. Classes may have `lean()`, themselves without what follows
from the rest, and `whole()`, which finds that again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Tree: TypeAlias = Any
"""JSON."""

Thing: TypeAlias = Any
"""An object of a known class, or plain."""

BULK = 16
"""Lists and dicts at least this long are tried as arrays."""


_PLAIN: tuple[tuple[type | tuple[type, ...], Callable[[Thing], Tree]], ...] = (
    ((str, type(None)), lambda value: value),
    (bool, lambda value: {"b": int(value)}),
    ((int, np.integer), lambda value: {"i": str(int(value))}),
    ((float, np.floating), lambda value: {"f": float(value).hex()}),
)
"""How single values look in the tree: whole numbers and floats exactly, as text."""


def name_of(kind: type) -> str:
    """How a class is called among the known ones."""
    return f"{kind.__module__}.{kind.__name__}"


@dataclass
class Freezer:
    """Takes objects apart; `known` are the classes that may be met, by `name_of`."""

    known: Mapping[str, type]
    derived: Collection[str] = ()
    """Fields that hold what can be worked out anew: they thaw as None."""
    arrays: Arrays = field(default_factory=dict)
    _met: dict[int, int] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)

    def freeze(self, value: Thing) -> Tree:
        """The value as a tree; `TypeError` names a class that isn't known."""
        for kind, freeze in _PLAIN:
            if isinstance(value, kind):
                return freeze(value)
        if isinstance(value, np.ndarray):
            return {"array": self._array(value)}
        if type(value) is tuple:
            return {"tuple": [self.freeze(one) for one in value]}
        if isinstance(value, set):
            return {"set": self.freeze(sorted(value))}
        if isinstance(value, dict):
            return self._shared(value, self._dict)
        return self._shared(value, self._list if isinstance(value, list) else self._object)

    def _shared(self, value: Thing, freeze: Callable[[Any], dict[str, Any]]) -> Tree:
        """An object's tree the first time it is met, its number afterwards."""
        if id(value) in self._met:
            return {"again": self._met[id(value)]}
        number = self._met[id(value)] = len(self._met)
        self._kept.append(value)  # so that no other object gets its id
        return {"number": number, **freeze(value)}

    def _object(self, value: Thing) -> dict[str, Any]:
        name = name_of(type(value))
        if self.known.get(name) is not type(value):
            raise TypeError(f"{type(value).__qualname__} is no class that a checkpoint knows")
        if isinstance(value, tuple):
            return {"of": name, "items": [self.freeze(one) for one in value]}
        lean = value.lean() if hasattr(value, "lean") else value
        held = {key: None if key in self.derived else one for key, one in vars(lean).items()}
        return {"of": name, "fields": {key: self.freeze(one) for key, one in held.items()}}

    def _list(self, value: list[Any]) -> dict[str, Any]:
        packed = self._packed(value)
        return {"list": [self.freeze(one) for one in value]} if packed is None else {"packed": packed}

    def _dict(self, value: dict[Any, Any]) -> dict[str, Any]:
        keys, values = list(value), list(value.values())
        packed = self._packed(keys), self._packed(values)
        if None not in packed:
            return {"keys": packed[0], "values": packed[1]}
        return {"dict": [[self.freeze(key), self.freeze(one)] for key, one in value.items()]}

    def _packed(self, values: list[Any]) -> Tree:
        """A long list of only text, only whole numbers, or only lists of whole numbers, as arrays."""
        if len(values) < BULK:
            return None
        if all(type(one) is str for one in values):
            return {"text": [self._array(array) for array in text_arrays(values)]}
        if all(type(one) is int for one in values):
            return {"whole": self._array(np.array(values, np.int64))}
        if all(type(one) is list and all(type(item) is int for item in one) for one in values):
            ends = np.cumsum([len(one) for one in values])
            flat = np.array([item for one in values for item in one], np.int64)
            return {"lists": [self._array(flat), self._array(ends)]}
        return None

    def _array(self, array: NDArray[Any]) -> str:
        name = f"a{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(array)
        return name


@dataclass
class Thawer:
    """Puts objects together again."""

    known: Mapping[str, type]
    arrays: Mapping[str, NDArray[Any]]
    _made: dict[int, object] = field(default_factory=dict)

    def thaw(self, tree: Tree) -> Thing:
        """The value of a tree; `KeyError` or `ValueError` if it is none."""
        if tree is None or isinstance(tree, str):
            return tree
        (kind, *_) = [key for key in tree if key != "number"]
        return getattr(self, f"_{kind}")(tree)

    def _i(self, tree: Tree) -> int:
        return int(tree["i"])

    def _b(self, tree: Tree) -> bool:
        return bool(tree["b"])

    def _f(self, tree: Tree) -> float:
        return float.fromhex(tree["f"])

    def _array(self, tree: Tree) -> NDArray[Any]:
        return self.arrays[tree["array"]]

    def _tuple(self, tree: Tree) -> tuple[Any, ...]:
        return tuple(self.thaw(one) for one in tree["tuple"])

    def _set(self, tree: Tree) -> set[Any]:
        return set(self.thaw(tree["set"]))

    def _again(self, tree: Tree) -> object:
        return self._made[tree["again"]]

    def _of(self, tree: Tree) -> object:
        kind = self.known[tree["of"]]
        if "items" in tree:
            made = kind(*(self.thaw(one) for one in tree["items"]))
            self._made[tree["number"]] = made
            return made
        made = self._made[tree["number"]] = object.__new__(kind)
        for key, one in tree["fields"].items():
            object.__setattr__(made, key, self.thaw(one))
        if hasattr(made, "whole"):
            made.whole()
        return made

    def _list(self, tree: Tree) -> list[Any]:
        made: list[Any] = []
        self._made[tree["number"]] = made
        made += [self.thaw(one) for one in tree["list"]]
        return made

    def _packed(self, tree: Tree) -> list[Any]:
        made = self._unpacked(tree["packed"])
        self._made[tree["number"]] = made
        return made

    def _dict(self, tree: Tree) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        self._made[tree["number"]] = made
        made.update((self.thaw(key), self.thaw(one)) for key, one in tree["dict"])
        return made

    def _keys(self, tree: Tree) -> dict[Any, Any]:
        made = dict(zip(self._unpacked(tree["keys"]), self._unpacked(tree["values"]), strict=True))
        self._made[tree["number"]] = made
        return made

    def _unpacked(self, packed: Tree) -> list[Any]:
        if "text" in packed:
            return texts(*(self.arrays[name] for name in packed["text"]))
        if "whole" in packed:
            whole: list[Any] = self.arrays[packed["whole"]].tolist()
            return whole
        flat, ends = (self.arrays[name].tolist() for name in packed["lists"])
        return list(_cut(flat, ends))


def text_arrays(values: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts as one run of characters and where each ends."""
    ends = np.cumsum([len(one) for one in values])
    return np.frombuffer("".join(values).encode("utf-32-le", "surrogatepass"), np.uint8), ends


def texts(characters: NDArray[np.uint8], ends: NDArray[np.int64]) -> list[str]:
    """The texts again."""
    return list(_cut(characters.tobytes().decode("utf-32-le", "surrogatepass"), ends.tolist()))


def _cut(run: Thing, ends: Sequence[int]) -> Iterator[Any]:
    start = 0
    for end in ends:
        yield run[start:end]
        start = end
