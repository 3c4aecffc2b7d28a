"""Trials: a campaign's account with that of its experiment, answered from the store."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from sqlalchemy import Connection

from features.instants import DAY, NEVER, render
from features.site import Site
from features.store.installation import secret_of
from features.store.reads import Stretch, read_received, received_ids

from .accounts import accounted, arm_told, attribution_of, lift_told, read_accounts, settings_of
from .kpi.cells import Cells, cells_of
from .kpi.lift import Attribution
from .kpi.quantities import Waits
from .kpi.trial import Before, Dealt, Rival, Trial, tried
from .plan import experiments_of
from .ranking.arms import dealt, places
from .ranking.policy import Experiment, Policy

PLANNED = 28 * DAY
"""An experiment is said to find what so long a time before it could show."""


@dataclass(frozen=True)
class Course:
    """An experiment, and how it went."""

    experiment: Experiment
    trial: Trial


def account_of(connection: Connection, stretch: Stretch) -> tuple[Attribution, Course | None]:
    """The account of a campaign over a stretch, and its experiment's; `NoHoldout` where it keeps none."""
    site = Site.of(settings_of(connection, stretch))
    cells = cells_of(read_accounts(connection, stretch), site)
    return attribution_of(connection, stretch, cells), course_of(connection, stretch, cells)


def course_of(connection: Connection, stretch: Stretch, cells: Cells) -> Course | None:
    """The last experiment that ran within a stretch, or that is to begin; `cells` are the attempts' sums."""
    settings = settings_of(connection, stretch)
    found = _asked_for(experiments_of(settings), stretch)
    if found is None:
        return None
    return Course(
        found, tried(cells, _dealt(connection, stretch, found), _before(connection, stretch, found))
    )


def _asked_for(kept: Sequence[Experiment], stretch: Stretch) -> Experiment | None:
    ran = [one for one in kept if one.since < min(stretch.until, one.until) and one.until > stretch.since]
    to_begin = [one for one in kept if one.since >= stretch.until and one.until == NEVER]
    return next(iter([*reversed(ran), *to_begin]), None)


def _dealt(connection: Connection, stretch: Stretch, found: Experiment) -> Dealt:
    """The leads received while it ran, by arm."""
    since, policy = max(found.since, stretch.since), Policy(found.holdout, experiment=found)
    span = Stretch(since, min(found.until, stretch.until), stretch.at, stretch.campaign)
    names, _ = received_ids(connection, span)
    salt, waits = secret_of(connection), Waits(read_received(connection, span), stretch.at)
    arm = dealt(policy, lambda experiment: places(salt, experiment, names))
    reached, own = waits.valid & waits.reached, [one.name for one in policy.arms]
    return Dealt(
        share={own[number]: one.share for number, one in zip(_numbers(found), found.arms, strict=True)},
        leads={name: int(np.count_nonzero(arm == number)) for number, name in enumerate(own)},
        waited={name: waits.waited_s[reached & (arm == number)] for number, name in enumerate(own)},
        holdout=found.holdout,
    )


def _numbers(found: Experiment) -> list[int]:
    """Of its arms, as `Policy.arms` numbers them."""
    return [0, *range(2, len(found.arms) + 1)]


def _before(connection: Connection, stretch: Stretch, found: Experiment) -> Before:
    ends = min(found.since, stretch.at)
    span = Stretch(ends - PLANNED, ends, stretch.at, stretch.campaign)
    accounts = read_accounts(connection, span)
    sold = cells_of(accounts, Site.of(settings_of(connection, stretch))).total("net")
    return Before(len(received_ids(connection, span)[0]), sold)


def told(stretch: Stretch, found: Attribution, course: Course | None) -> dict[str, object]:
    """Both in the wire's terms."""
    return accounted(stretch, found) | {"experiment": None if course is None else _course(course)}


def _course(course: Course) -> dict[str, object]:
    experiment, trial = course.experiment, course.trial
    return {
        "name": experiment.name,
        "since": render(experiment.since),
        "until": None if experiment.until == NEVER else render(experiment.until),
        "arms": [arm_told(arm) for arm in trial.arms],
        "sample_ratio": asdict(trial.mismatch) | {"blocks": trial.mismatch.blocks},
        "compared": [{"arm": one.name, "with": trial.arms[0].name, **_rival(one)} for one in trial.rivals],
    }


def _rival(one: Rival) -> dict[str, object]:
    return {
        "lifts": [lift_told(lift) for lift in one.lifts],
        "refusal": one.refusal or None,
        "guardrails_broken": list(one.worse),
        "foreseen": None if one.foreseen is None else asdict(one.foreseen),
    }
