"""Trials: a campaign's account with those of its experiment and switchback, answered from the store."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from sqlalchemy import Connection

from features.instants import DAY, NEVER, render
from features.site import Site
from features.store.decisions import rules_on_record
from features.store.installation import secret_of
from features.store.reads import Stretch, read_received, received_ids

from .accounts import accounted, arm_told, attribution_of, lift_told, read_accounts, settings_of
from .kpi.cells import Cells, cells_of
from .kpi.lift import Attribution
from .kpi.quantities import Waits
from .kpi.switchback import Days, Deal, Switched, switched
from .kpi.trial import Before, Dealt, Rival, Trial, tried
from .plan import experiments_of
from .ranking.arms import dealt, places
from .ranking.policy import Experiment, Policy
from .switchbacks import Switchback, Test, switchbacks_of

PLANNED = 28 * DAY
"""Either is said to find what so long a time before it could show."""


@dataclass(frozen=True)
class Course:
    """An experiment, and how it went."""

    experiment: Experiment
    trial: Trial


@dataclass(frozen=True)
class Turns:
    """A switchback, and how it went."""

    switchback: Switchback
    account: Switched


@dataclass(frozen=True)
class Account:
    """A campaign's account over a stretch, with those of what it tried."""

    arms: Attribution
    course: Course | None
    turns: Turns | None


def account_of(connection: Connection, stretch: Stretch) -> Account:
    """The account of a campaign over a stretch; `NoHoldout` where it keeps none."""
    return account_from(connection, stretch, _read(connection, stretch))


def account_from(connection: Connection, stretch: Stretch, cells: Cells) -> Account:
    """The same from the sums of the campaign's attempts."""
    return Account(
        attribution_of(connection, stretch, cells),
        course_of(connection, stretch, cells),
        turns_of(connection, stretch, cells),
    )


def _read(connection: Connection, stretch: Stretch) -> Cells:
    return cells_of(read_accounts(connection, stretch), Site.of(settings_of(connection, stretch)))


def course_of(connection: Connection, stretch: Stretch, cells: Cells) -> Course | None:
    """The last experiment that ran within a stretch, or that is to begin; `cells` are the attempts' sums."""
    settings = settings_of(connection, stretch)
    found = _asked_for(experiments_of(settings), stretch)
    if found is None:
        return None
    return Course(
        found, tried(cells, _dealt(connection, stretch, found), _before(connection, stretch, found))
    )


def turns_of(connection: Connection, stretch: Stretch, cells: Cells) -> Turns | None:
    """The last switchback that ran within a stretch, or that is to begin; `cells` are the attempts' sums."""
    found = _asked_for(switchbacks_of(settings_of(connection, stretch)), stretch)
    if found is None:
        return None
    salt, begins = secret_of(connection), min(found.since, stretch.at)
    deal = found.deal(salt, max(found.since, stretch.since), min(found.until, stretch.until, stretch.at))
    days = replace(
        _days(connection, stretch, found, deal, cells), strays=_strays(connection, stretch, found, deal)
    )
    earlier = replace(stretch, since=begins - PLANNED, until=begins)
    before = found.deal(salt, earlier.since, earlier.until)
    known = _days(connection, earlier, found, before, _read(connection, earlier))
    return Turns(found, switched(days, known))


def _days(connection: Connection, stretch: Stretch, found: Switchback, deal: Deal, cells: Cells) -> Days:
    since, until = found.span(deal)
    waits = Waits(read_received(connection, replace(stretch, since=since, until=until)), stretch.at)
    waited = np.where(waits.valid & waits.reached, waits.waited_s, np.nan)
    return Days(deal, cells, found.site.days(waits.received.received_at), waited)


def _strays(connection: Connection, stretch: Stretch, found: Switchback, deal: Deal) -> int:
    """The days of a deal on which leads were handed out by other rules than those dealt."""
    on = dict(zip(deal.day.tolist(), deal.on.tolist(), strict=True))
    return len({
        day
        for at, said in rules_on_record(connection, stretch.campaign or "", *found.span(deal))
        if said != [found.named(on[day := found.site.day(at)])]
    })  # fmt: skip


def _asked_for(kept: Sequence[Test], stretch: Stretch) -> Test | None:
    for one in reversed(kept):
        if one.since < min(stretch.until, one.until) and one.until > stretch.since:
            return one
    return next((one for one in kept if one.since >= stretch.until and one.until == NEVER), None)


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
    return Before(len(received_ids(connection, span)[0]), _read(connection, span).total("net"))


def told(stretch: Stretch, found: Account) -> dict[str, object]:
    """All of it in the wire's terms."""
    return accounted(stretch, found.arms) | {
        "experiment": None if found.course is None else _course(found.course),
        "switchback": None if found.turns is None else _turns(found.turns),
    }


def _run(one: Experiment | Switchback) -> dict[str, object]:
    until = None if one.until == NEVER else render(one.until)
    return {"name": one.name, "since": render(one.since), "until": until}


def _turns(turns: Turns) -> dict[str, object]:
    one, found = turns.switchback, turns.account
    sides = [{"days": days, **arm_told(arm)} for days, arm in zip(found.days, found.arms, strict=True)]
    return _run(one) | {
        "rules": one.rules,
        "arms": sides,
        "sample_ratio": asdict(found.mismatch)
        | {"strays": found.strays, "blocks": found.mismatch.blocks or found.strays > 0},
        "lifts": [lift_told(lift, "days") for lift in found.lifts],
        "refusal": found.refusal or None,
        "guardrails_broken": list(found.worse),
        "foreseen": None if found.foreseen is None else asdict(found.foreseen),
    }


def _course(course: Course) -> dict[str, object]:
    trial = course.trial
    return _run(course.experiment) | {
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
