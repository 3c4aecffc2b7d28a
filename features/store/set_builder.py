"""Building a training set: each part that may say something new is computed anew, and written if it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from time import perf_counter

import numpy as np
from sqlalchemy import Engine

from ..calls import CallLog, Moments, Outcome
from ..compute import FeatureMatrix, compute
from ..errors import OtherFeatures, OtherTrainingSet
from ..instants import DAY
from ..kernel import Int64Array
from ..leads import Coded
from ..past import Feature, Past
from .columns_reader import read_snapshot
from .engine import reading
from .news import bears_from
from .training_sets import Asked, Manifest, Part, encode, load_manifest, save_manifest, sweep, write_part


@dataclass(frozen=True)
class Source:
    """The past as of an instant, and what of it a builder needs to know besides."""

    past: Past
    agents: tuple[str, ...]
    """Their names, by the codes in the log."""
    as_of: int
    """Nothing known at or after this instant is in the past."""
    seq: int
    """The store's change number."""
    bears_from: Callable[[int, int], int]
    """From when on moments may see what a builder at that change number and instant could not know."""
    note: str = ""
    """Why the store was read row by row, if it was."""

    @cached_property
    def leads(self) -> tuple[str, ...]:
        """The leads' ids, by their rows."""
        return tuple(self.past.leads.lead_id)


@dataclass(frozen=True)
class Plan:
    """What a training set is to hold: `starts` asks as each call begins, `ends` as it is over."""

    features: tuple[Feature, ...]
    moments: str = "starts"
    part_days: int = 1
    since: int | None = None
    """The first day; without one the day on which the set or the past begins."""
    fresh: bool = False


@dataclass
class Built:
    """What a build did; seconds by stage."""

    manifest: Manifest
    computed: int = 0
    written: int = 0
    kept: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: {"computing": 0.0, "writing": 0.0})


def read_source(engine: Engine, as_of: int) -> Source:
    """What the store knew strictly before an instant."""
    found = read_snapshot(engine, as_of)

    def bears(seq: int, since: int) -> int:
        with reading(engine) as connection:
            return bears_from(connection, seq, since, as_of)

    return Source(found.past, found.agents, as_of, found.seq, bears, found.note)


def build(folder: Path, source: Source, plan: Plan, advance: Callable[[int], None] = lambda _: None) -> Built:
    """Make the training set, or bring it up to `source.as_of`; killed in between, the next build goes on.

    A part that no news can bear on is kept; the others are computed, and written if a byte differs. Parts
    that were built as of a later instant stay as they are.
    """
    built = Built(begun(folder, plan))
    folder.mkdir(parents=True, exist_ok=True)
    source = replace(source, bears_from=cache(source.bears_from))
    for since, until in stretches(built.manifest, source, plan):
        before = built.manifest.part_from(since)
        if before is not None and _is_current(before, until, source):
            built.kept += 1
            if before.as_of <= source.as_of:
                seen = replace(before, as_of=source.as_of, seq=source.seq)
                built.manifest = built.manifest.with_part(seen)
        elif _has_moments(source, plan.moments, since, until):
            _add(folder, built, source, since, until)
        elif before is not None:
            built.manifest = built.manifest.without_part(since)
        advance(until)
    save_manifest(folder, built.manifest)
    sweep(folder, built.manifest)
    return built


def begun(folder: Path, plan: Plan) -> Manifest:
    """The set in the folder, if it asks what the plan asks, or an empty one.

    A set keeps the levels of its categories: words seen later for the first time are missing values in it.
    """
    found = None if plan.fresh else load_manifest(folder)
    if found is None:
        return Manifest(plan.features, plan.moments, plan.part_days)
    if (found.moments, found.part_days) != (plan.moments, plan.part_days):
        raise OtherTrainingSet(moments=found.moments, part_days=found.part_days)
    mine, theirs = ({_question(one) for one in features} for features in (found.features, plan.features))
    if mine != theirs:
        raise OtherFeatures(
            only_in_the_set=_names(mine - theirs) or "none",
            only_in_the_catalogue=_names(theirs - mine) or "none",
        )
    return found


def stretches(manifest: Manifest, source: Source, plan: Plan) -> list[tuple[int, int]]:
    """The parts' [since, until): `part_days` each, in UTC, the last until the source's instant."""
    width = plan.part_days * DAY
    first = plan.since
    if first is None:
        known = [part.since for part in manifest.parts[:1]]
        first = min([*known, int(instants(source.past.log, plan.moments).min(initial=source.as_of))])
    starts = range(first // width * width, source.as_of, width)
    return [(since, min(since + width, source.as_of)) for since in starts]


def compute_part(
    past: Past, features: Sequence[Feature], moments: str, since: int, until: int
) -> tuple[Moments, FeatureMatrix]:
    """The moments of [since, until) and what each feature says of them: all that a part needs of the past."""
    asked = moments_of(past.log, moments, since, until)
    return asked, compute(past, asked, features)


def moments_of(log: CallLog, kind: str, since: int, until: int) -> Moments:
    """The moments of [since, until): every call, or for `starts` those that may teach, as in training."""
    at = instants(log, kind)
    asked = (at >= since) & (at < until)
    if kind == "starts":
        asked &= log.outcome != Outcome.ERROR
    rows = np.flatnonzero(asked)
    rows = rows[np.argsort(at[rows], kind="stable")]
    return Moments(log.lead[rows], log.agent[rows], at[rows])


def instants(log: CallLog, kind: str) -> Int64Array:
    """When each call's moment is."""
    return log.started_at if kind == "starts" else log.ended_at


def _add(folder: Path, built: Built, source: Source, since: int, until: int) -> None:
    """Compute a part; if it differs from the one in the folder, write it. Then put it on record."""
    started, manifest = perf_counter(), built.manifest
    moments, matrix = compute_part(source.past, manifest.features, manifest.moments, since, until)
    computed = perf_counter()
    asked = Asked(Coded(source.leads, moments.lead), Coded(source.agents, moments.agent), moments.at)
    part = Part("", since, until, source.as_of, source.seq, len(asked), 0, "")
    before, part = manifest.part_from(since), write_part(folder, part, encode(asked, matrix))
    built.manifest = manifest.with_part(part)
    save_manifest(folder, built.manifest)
    built.computed += 1
    built.written += before is None or before.digest != part.digest
    built.seconds["computing"] += computed - started
    built.seconds["writing"] += perf_counter() - computed


def _has_moments(source: Source, kind: str, since: int, until: int) -> bool:
    """Whether there is anything to compute; days without a call have no part."""
    return len(moments_of(source.past.log, kind, since, until)) > 0


def _is_current(part: Part, until: int, source: Source) -> bool:
    """Whether the part says all that the source could."""
    if part.as_of > source.as_of or (part.as_of, part.seq) == (source.as_of, source.seq):
        return True
    return part.until >= until and part.until <= source.bears_from(part.seq, part.as_of)


def _question(feature: Feature) -> str:
    """A feature without its levels: what it asks, whatever words have been heard so far."""
    asked = replace(feature, levels=()) if hasattr(feature, "levels") else feature  # type: ignore[type-var]
    return repr(asked)


def _names(questions: set[str]) -> str:
    return ", ".join(sorted(questions))[:400]
