"""People for the tests of the rules: how hypothesis draws them, and their standing at an instant."""

import numpy as np
from hypothesis import strategies as st

from features.instants import DAY, HOUR, MINUTE, NEVER, parse
from serving.jurisdictions import jurisdictions
from serving.rule import Caps
from serving.rules.attempts import daily_cap
from serving.standing import NEVER_CALLED, Standing

from .reference import Person

CLOSED = ("", "converted", "dnc", "objected", "unworkable")
PLACES = [
    ("US", "FL", ("America/New_York", "America/Chicago")),
    ("US", "FL", ("America/New_York",)),
    ("US", "CA", ("America/Los_Angeles",)),
    ("US", "AL", ("America/Chicago",)),
    ("US", "TX", ("America/Chicago", "America/Denver")),
    ("US", "", ("America/New_York", "Pacific/Honolulu")),
    ("GB", "", ("Europe/London",)),
    ("FR", "", ("Europe/Paris",)),
    ("CA", "", ("America/St_Johns",)),
    ("AU", "", ("Australia/Lord_Howe",)),
    ("IN", "", ("Asia/Kolkata",)),
    ("DE", "", ()),
]
"""Zones with half hours, two DST rules, none at all, and none known."""

_EDGES = [
    parse("2026-03-08T06:59Z"),  # spring in America
    parse("2026-11-01T05:59Z"),  # autumn in America
    parse("2026-03-29T00:59Z"),  # spring in Europe
    parse("2026-10-25T00:59Z"),  # autumn in Europe
    parse("2026-04-04T14:59Z"),  # autumn on Lord Howe, by half an hour
    parse("2026-12-24T18:00Z"),
]

instants = st.one_of(
    st.integers(parse("2026-01-01T00:00Z"), parse("2027-01-01T00:00Z")),
    st.builds(lambda edge, off: edge + off * MINUTE, st.sampled_from(_EDGES), st.integers(-2000, 2000)),
)
caps = st.builds(
    Caps,
    per_day=st.integers(1, 5),
    lifetime=st.integers(1, 9),
    min_gap=st.integers(0, 8 * HOUR),
    max_age=st.integers(1 * HOUR, 40 * DAY),
)


@st.composite
def people(draw, at: int) -> Person:
    country, region, zones = draw(st.sampled_from(PLACES))
    back = st.integers(0, 3 * DAY)
    return Person(
        zones=zones,
        country=country,
        region=region,
        calls=tuple(sorted(at - ago for ago in draw(st.lists(back, max_size=7)))),
        closed=draw(st.sampled_from(CLOSED)),
        callback_at=draw(st.one_of(st.just(NEVER), st.integers(at - 2 * HOUR, at + 2 * HOUR))),
        not_before=draw(st.one_of(st.just(0), st.integers(at - DAY, at + DAY))),
        leased_until=draw(st.one_of(st.just(0), st.integers(at - HOUR, at + HOUR))),
        created_at=at - draw(st.integers(0, 41 * DAY)),
        has_phone=draw(st.booleans()),
    )


def a_new_yorker() -> Person:
    """Somebody whom nobody called yet, received long ago."""
    return Person(("America/New_York",), "US", "NY", (), "", NEVER, 0, 0, 0, has_phone=True)


def standing_of(persons: list[Person], caps: Caps, at: int) -> Standing:
    """The columns that the desk would read for these people at `at`."""
    zones = tuple(dict.fromkeys(person.zones for person in persons if person.zones))
    place = np.array([jurisdictions().code(p.country, p.region, None) for p in persons])
    cap = daily_cap(place, caps)
    return Standing(
        zones=zones,
        zone=np.array([zones.index(p.zones) if p.zones else -1 for p in persons]),
        jurisdiction=place,
        attempts=np.array([len(p.calls) for p in persons]),
        calls_24h=np.array([sum(at - DAY < call <= at for call in p.calls) for p in persons]),
        last_call_at=np.array([p.calls[-1] if p.calls else NEVER_CALLED for p in persons]),
        oldest_in_24h=np.array([_oldest(p, int(k)) for p, k in zip(persons, cap, strict=True)]),
        closed=np.array([CLOSED.index(p.closed) for p in persons], np.int8),
        callback_at=np.array([p.callback_at for p in persons]),
        not_before=np.array([p.not_before for p in persons]),
        leased_until=np.array([p.leased_until for p in persons]),
        created_at=np.array([p.created_at for p in persons]),
        has_phone=np.array([p.has_phone for p in persons]),
    )


def _oldest(person: Person, cap: int) -> int:
    return person.calls[-cap] + DAY if len(person.calls) >= cap else 0
