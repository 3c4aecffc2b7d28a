"""The calling rules, one file per subject; `rules()` finds them all."""

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from ..rule import Rule


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Every rule there is: each module of this folder gives its own in `members()`."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return tuple(rule for module in modules for rule in module.members())
