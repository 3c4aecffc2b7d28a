"""Experiments: what a campaign keeps of them from one change of its settings to the next."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from features.instants import NEVER, render

from .errors import ExperimentChanged, ExperimentTooEarly
from .plan import experiments_of
from .ranking.policy import BY_SCORE, Arm, Experiment


def followed(
    before: Mapping[str, object], told: Mapping[str, object], wanted: Experiment | None, at: int
) -> dict[str, object]:
    """The settings that hold from `at` on where a campaign is told these and wants an experiment, or none.

    `wanted.since` 0: at once. All that a campaign ever had stay among its settings: one that isn't wanted any
    more ends, and its name is never given again. While one runs neither its arms nor the holdout change:
    leads would change theirs.
    """
    kept = experiments_of(before)
    running = kept[-1] if kept and kept[-1].until == NEVER else None
    if running is not None and wanted is not None and running.name == wanted.name:
        if replace(wanted, since=wanted.since or running.since) != running:
            raise ExperimentChanged(experiment=wanted.name)
        wanted = None
    elif running is not None:
        kept[-1] = replace(running, until=at)
    if wanted is not None:
        kept.append(_opened(wanted, kept, at))
    return {**told, "experiments": [asdict(one) for one in kept]}


def _opened(wanted: Experiment, kept: list[Experiment], at: int) -> Experiment:
    if any(one.name == wanted.name for one in kept):
        raise ExperimentChanged(experiment=wanted.name)
    if 0 < wanted.since < at:
        raise ExperimentTooEarly(since=render(wanted.since))
    return replace(wanted, since=wanted.since or at)


def shown(settings: Mapping[str, object]) -> dict[str, object] | None:
    """The experiment that runs or is to begin, as it is asked for; None where there is none."""
    kept = experiments_of(settings)
    if not kept or kept[-1].until < NEVER:
        return None
    one = kept[-1]
    return {"name": one.name, "since": render(one.since), "arms": [_shown(arm) for arm in one.arms]}


def _shown(arm: Arm) -> dict[str, object]:
    temperature = arm.temperature if arm.order == BY_SCORE else None
    return {"name": arm.name, "share": arm.share, "order": arm.order, "temperature": temperature}
