"""The rivals, one file each: in every race on real calls, and in the gate of every training."""

from importlib import import_module
from pkgutil import iter_modules

from ..rival import Rival


def rivals() -> tuple[Rival, ...]:
    """Every rival, by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return tuple(sorted((module.RIVAL for module in modules), key=lambda rival: rival.name))
