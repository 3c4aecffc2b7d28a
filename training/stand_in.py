"""Stand-in: until a bundle passes the gate, the best rival serves in the place of each head that lost."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .baselines import rivals
from .bundle import Bundle, Model
from .calibration import calibrate
from .evaluate import MEASURES
from .gate import CHAMPION, Comparison, HeadRace, Verdict
from .report import Trained
from .rival import Rival


def stand_in(bundle: Bundle, trained: Mapping[str, Trained], verdict: Verdict, threads: int) -> Bundle | None:
    """The refused bundle with rivals in the place of heads that lost to one; None where none lost so.

    Which rival stands in for which head is told by `degraded`.
    """
    chosen = {name: rival for name, race in verdict.races.items() if (rival := best(race)) is not None}
    if not chosen:
        return None
    models = {name: served(rival, trained[name], threads) for name, rival in chosen.items()}
    named = ", ".join(f"{rival.name} for {name}" for name, rival in chosen.items())
    why = f"the gate let no bundle pass yet; the best rival serves: {named}"
    facts = {**bundle.facts, "degraded": why}
    return replace(bundle, version="", models={**bundle.models, **models}, facts=facts).named()


def best(race: HeadRace) -> Rival | None:
    """The rival furthest ahead, of those that can be written as text; None where the head lost to none.

    Ahead in AUC where it lost by that, else in log loss.
    """
    lost = {one.measure for one in race.lost if one.against != CHAMPION}
    if not lost:
        return None
    measure = "auc" if "auc" in lost else "log_loss"
    able = {rival.name: rival for rival in rivals() if rival.write is not None}
    asked = [one for one in race.comparisons if one.measure == measure and one.against in able]
    return able[min(asked, key=_ahead).against]


def _ahead(one: Comparison) -> float:
    """How much better the head is than the rival."""
    return one.difference if MEASURES[one.measure].more_is_better else -one.difference


def served(rival: Rival, one: Trained, threads: int) -> Model:
    """The rival taught all examples, calibrated on the last fold by one that had not seen it."""
    assert rival.write is not None
    last, label = one.folds[-1], one.examples.label
    before = rival.write(one.matrix.take(last.train), label[last.train], threads)
    model = rival.write(one.matrix, label, threads)
    score = before.score(one.matrix.values[last.test], threads)
    if not rival.chances:
        low, high = np.quantile(score, [0.05, 0.95])
        unit = 1.0 / max(float(high - low), 1e-6)
        model, score = replace(model, margin=model.margin.scaled(unit)), score * unit
    return replace(model, calibration=calibrate(score, label[last.test], np.ones(score.size)))
