"""The kinds of features, one file each; `KINDS` finds them by name."""

from importlib import import_module
from pkgutil import iter_modules

from ..past import Feature


def kinds() -> dict[str, type[Feature]]:
    """Every kind of feature by its class's name: each module lists its own in `KINDS`."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {kind.__name__: kind for module in modules for kind in module.KINDS}
