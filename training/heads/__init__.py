"""The heads of the bundle, one file each: its `HEAD` is trained, calibrated and served by name."""

from importlib import import_module
from pkgutil import iter_modules

from ..head import Head


def heads() -> tuple[Head, ...]:
    """Every head, by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return tuple(sorted((module.HEAD for module in modules), key=lambda head: head.name))
