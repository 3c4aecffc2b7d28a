"""Lookout: reads what was served, has the champion's checks made, and tells of a drift once."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from features.instants import DAY, render
from features.store.engine import reading, transaction
from features.store.outbox import DRIFT, tell, told
from features.store.served_calls import read_served_calls
from features.store.served_matrices import read_matrices

from .by_day import WEEK
from .drift_figure import PLOT, drift_figure
from .tracking import Tracking
from .watch import BEFORE, Check, Watched, look

QUIET = 7 * DAY
"""What was told is not told again within this time, however long it lasts."""
EXPERIMENT, RUN = "leadrank drift", "the floor by day"


@dataclass(frozen=True)
class Sighting:
    """A look at the floor, and what of it is news."""

    watched: Watched
    news: tuple[Check, ...] = ()
    """The drifts that nobody was told of lately."""
    run_id: str = ""


def watch(engine: Engine, tracking: Tracking, at: int) -> Sighting | None:
    """Look at the whole days before an instant; None while no champion serves.

    A drift is an event of the outbox, written once however often and by however many it is found.
    """
    champion = tracking.champion()
    if champion is None:
        return None
    until = at // DAY * DAY
    since = until - (BEFORE + WEEK) * DAY
    with reading(engine) as connection:
        calls = read_served_calls(connection, since, until)
        vectors = read_matrices(connection, since, until)
    found = look(champion, calls, vectors, at)
    news = _tell(engine, found, at)
    tags = {"bundle": found.bundle, "drifted": "; ".join(one.sentence for one in found.drifted)[:500]}
    if found.drawn.empty:
        return Sighting(found, news)
    drawn = {PLOT: drift_figure(found.drawn)}
    return Sighting(found, news, tracking.follow(EXPERIMENT, RUN, found.by_day, tags, drawn))


def _tell(engine: Engine, found: Watched, at: int) -> tuple[Check, ...]:
    """Write what is news to the outbox and the log; return it, nothing where another was faster."""
    with transaction(engine) as connection:
        known = {subject for one in told(connection, DRIFT, at - QUIET) for subject in _subjects(one.payload)}
        news = tuple(one for one in found.drifted if subject_of(one) not in known)
        if not news or not tell(connection, DRIFT, key_of(found, news), at, payload_of(found, news)):
            return ()
    structlog.get_logger("leadrank").warning(
        DRIFT, bundle=found.bundle, until=render(found.until), found=[one.sentence for one in news]
    )
    return news


def key_of(found: Watched, news: Sequence[Check]) -> str:
    """The same for the same drifts of the same day, whoever finds them."""
    return "|".join([found.bundle, render(found.until), *sorted(subject_of(one) for one in news)])


def subject_of(check: Check) -> str:
    """What a check is about, over whichever days."""
    return f"{check.kind} of {check.of}"


def payload_of(found: Watched, news: Sequence[Check]) -> dict[str, object]:
    """What an event says."""
    return {
        "bundle": found.bundle,
        "until": render(found.until),
        "found": [
            {
                "subject": subject_of(one),
                "days": one.days,
                "figure": round(one.figure, 4),
                "limit": round(one.limit, 4),
                "rows": one.rows,
            }
            for one in news
        ],
    }


def _subjects(payload: object) -> list[str]:
    found = payload.get("found", []) if isinstance(payload, dict) else []
    return [str(one["subject"]) for one in found if isinstance(one, dict) and "subject" in one]
