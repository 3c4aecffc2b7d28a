"""Lines: the catalogue as people read it: what each feature asks and says, and how fresh its facts are."""

import math
from dataclasses import dataclass, replace

import numpy as np

from .calls import Moments
from .catalogue import for_leads
from .compute import compute
from .describe import meaning
from .freshness import ages, source_of, state_of, ttl_of
from .instants import SECOND
from .past import Feature, Past


@dataclass(frozen=True)
class Line:
    """One feature at an instant, of one lead (`value`) or of all of them (`share`)."""

    name: str
    kind: str
    by: str
    means: str
    draws_from: str
    looks_back: int | None
    """The age beyond which a fact no longer matters; None where it always does."""
    newest: int | None
    """The age of the newest fact; None where there is none."""
    state: str
    value: float | str | None = None
    """A number, or the word of a category; None where nothing is known."""
    share: float | None = None
    """How many of the leads have a value."""

    def as_json(self) -> dict[str, object]:
        """Plain values, ages in seconds."""
        named = ("name", "kind", "by", "means", "draws_from", "state")
        spans = {"looks_back_s": self.looks_back, "newest_fact_s": self.newest}
        return {
            **{name: getattr(self, name) for name in named},
            **{name: None if span is None else span / SECOND for name, span in spans.items()},
            **({"value": self.value} if self.share is None else {"share_of_leads": self.share}),
        }


def of_lead(past: Past, lead: int, agent: int, at: int) -> list[Line]:
    """What each feature says of a lead, with an agent or none (-1), as known strictly before `at`."""
    features = for_leads(past.leads)
    moment = Moments(np.array([lead]), np.array([agent]), np.array([at]))
    values = compute(past, moment, features).values[0].tolist()
    found = ages(past, features, lead, agent, at)
    return [
        replace(_line(feature, age), value=_word(feature, value))
        for feature, age, value in zip(features, found, values, strict=True)
    ]


def of_store(past: Past, at: int) -> list[Line]:
    """How each feature fares over all leads received before `at`."""
    features = for_leads(past.leads)
    received = np.flatnonzero(past.leads.created_at < at)
    known = ~np.isnan(compute(past, Moments.at_once(received, at), features).values)
    shares = known.mean(axis=0).tolist() if received.size else [0.0] * len(features)
    found = ages(past, features, -1, -1, at)
    return [
        replace(_line(feature, age), share=share)
        for feature, age, share in zip(features, found, shares, strict=True)
    ]


def _line(feature: Feature, age: int | None) -> Line:
    """What holds of a feature whomever it is asked about, and the age of its newest fact."""
    ttl = ttl_of(feature)
    return Line(
        name=feature.name,
        kind=type(feature).__name__,
        by=str(getattr(feature, "by", "lead")),
        means=meaning(feature),
        draws_from=source_of(feature),
        looks_back=ttl,
        newest=age,
        state=state_of(ttl, age),
    )


def _word(feature: Feature, value: float) -> float | str | None:
    """A value for people."""
    if math.isnan(value):
        return None
    levels = getattr(feature, "levels", None)
    return value if levels is None else str(levels[int(value)])
