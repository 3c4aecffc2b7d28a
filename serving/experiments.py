"""Experiments and switchbacks: what a campaign keeps of them from one change of its settings to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from features.instants import NEVER, render

from .errors import ExperimentChanged, ExperimentTooEarly
from .plan import experiments_of
from .ranking.policy import BY_SCORE, Arm, Experiment
from .switchbacks import Switchback, Test, switchbacks_of


def followed(
    before: Mapping[str, object],
    told: Mapping[str, object],
    experiment: Experiment | None,
    switchback: Switchback | None,
    at: int,
) -> dict[str, object]:
    """The settings that hold from `at` on where a campaign is told these and wants an experiment, or none.

    A begin of 0: at once, or at the next midnight. All that a campaign ever had stay among its settings: one
    that isn't wanted any more ends, and its name is never given again. While one runs what it was told stays:
    leads would change their arms, and days their rules.
    """
    dawn = at if switchback is None else dawn_of(switchback, at)
    experiments = _followed(experiments_of(before), experiment, at, at)
    switchbacks = _followed(switchbacks_of(before), switchback, at, dawn)
    return {
        **told,
        "experiments": [asdict(one) for one in experiments],
        "switchbacks": [asdict(one) for one in switchbacks],
    }


def dawn_of(switchback: Switchback, at: int) -> int:
    """The first midnight of its clock from an instant on."""
    site = switchback.site
    return site.begins(site.day(at - 1) + 1)


def _followed(kept: Sequence[Test], wanted: Test | None, at: int, soonest: int) -> list[Test]:
    """All of a kind; one that is to begin at once begins at `soonest`."""
    all_ = list(kept)
    running = _last(all_)
    if running is not None and wanted is not None and running.name == wanted.name:
        if replace(wanted, since=wanted.since or running.since) != running:
            raise ExperimentChanged(experiment=wanted.name)
        return all_
    if running is not None:
        all_[-1] = replace(running, until=at)
    if wanted is not None:
        if any(one.name == wanted.name for one in all_):
            raise ExperimentChanged(experiment=wanted.name)
        if 0 < wanted.since < at:
            raise ExperimentTooEarly(since=render(wanted.since))
        all_.append(replace(wanted, since=wanted.since or soonest))
    return all_


def shown(settings: Mapping[str, object]) -> dict[str, object]:
    """The experiment and the switchback that run or are to begin, as they are asked for; or None."""
    experiment, switchback = _last(experiments_of(settings)), _last(switchbacks_of(settings))
    return {
        "experiment": None
        if experiment is None
        else _begun(experiment) | {"arms": [_shown(arm) for arm in experiment.arms]},
        "switchback": None if switchback is None else _begun(switchback) | {"rules": switchback.rules},
    }


def _last(kept: Sequence[Test]) -> Test | None:
    return kept[-1] if kept and kept[-1].until == NEVER else None


def _begun(one: Experiment | Switchback) -> dict[str, object]:
    return {"name": one.name, "since": render(one.since)}


def _shown(arm: Arm) -> dict[str, object]:
    temperature = arm.temperature if arm.order == BY_SCORE else None
    return {"name": arm.name, "share": arm.share, "order": arm.order, "temperature": temperature}
