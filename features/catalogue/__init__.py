"""The catalogue: every feature of the floor, one line each, and one for each attribute of its leads."""

from collections.abc import Collection, Mapping
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from ..leads import AttributeHistory, LeadTable
from ..past import Feature
from ..refused import refusal
from ..statistics.attribute import RARE, AgeAmong, Attribute, Category

MOST_PACES = 8
"""So many of the most frequent channels get a feature of age of their own."""

MOST_LEVELS = 63
"""A category keeps its most frequent levels; where there are more, all others are the one level `RARE`."""

MOST_ATTRIBUTES = 500
"""So many attributes become features, those told most often: as many as a single lead may have."""


def standing() -> tuple[Feature, ...]:
    """The lines that every installation has: each module of this folder lists its own in `FEATURES`."""
    return tuple(feature for _, _, features in chapters() for feature in features)


def chapters() -> list[tuple[str, str, tuple[Feature, ...]]]:
    """The standing lines by module: its name, its sentence and its lines."""
    modules = [(found.name, import_module(f"{__name__}.{found.name}")) for found in iter_modules(__path__)]
    return [(name, (module.__doc__ or "").strip(), module.FEATURES) for name, module in modules]


def for_leads(leads: LeadTable, allowed: Collection[str] = ()) -> tuple[Feature, ...]:
    """The standing lines, and one for each word field and attribute of these leads that may be a feature."""
    words = {
        name: most_frequent(leads.coded[name].levels, leads.coded[name].codes)
        for name in ("campaign", "channel", "country", "list", "region", "source")
    }
    fields = [Category(name, name, levels) for name, levels in words.items() if len(levels) > 1]
    channels = words["channel"]
    paces = [
        AgeAmong(f"age_of_{word}", "channel", word) for word in channels[:MOST_PACES] if len(channels) > 1
    ]
    not_these = refused(leads, allowed)
    told = {name: one.known_at.size for name, one in leads.attributes.items() if name not in not_these}
    attributes = [_line(name, leads.attributes[name]) for name in told_most(told)]
    return (*standing(), *fields, *paces, *attributes)


def refused(leads: LeadTable, allowed: Collection[str] = ()) -> dict[str, str]:
    """The attributes of these leads that may not be features, each with the reason."""
    reasons = {name: refusal(name, allowed) for name in sorted(leads.attributes)}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def told_most(told: Mapping[str, int]) -> list[str]:
    """Of attributes and how often each was told those that may become features, ties and order by name."""
    return sorted(sorted(told, key=lambda name: (-told[name], name))[:MOST_ATTRIBUTES])


def most_frequent(levels: tuple[str, ...], codes: np.typing.NDArray[np.int64]) -> tuple[str, ...]:
    """The most frequent levels, most frequent first, ties by name; then `RARE` if some were left out."""
    count = np.bincount(codes[codes >= 0], minlength=len(levels))
    order = sorted(range(len(levels)), key=lambda code: (-count[code], levels[code]))
    found = tuple(levels[code] for code in order if count[code] > 0)
    return found if len(found) <= MOST_LEVELS else (*found[:MOST_LEVELS], RARE)


def _line(name: str, history: AttributeHistory) -> Feature:
    words = np.count_nonzero(history.code >= 0)
    if words > history.code.size / 2:
        return Category(f"attribute_{name}", name, most_frequent(history.levels, history.code))
    return Attribute(f"attribute_{name}", name)
