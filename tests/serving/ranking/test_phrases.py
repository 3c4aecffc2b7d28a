"""Phrases put together by a loop are, byte by byte, what one would write down."""

from typing import Any

import numba
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Feature
from features.groups import grouped
from features.kernel import Float32Array, Float64Array
from features.statistics.attribute import Age, Attribute, Category
from features.statistics.window import Count
from features.wording import worded
from serving.ranking import phrases
from serving.ranking.phrases import name_all, put_together
from serving.ranking.reasons import (
    MOST,
    Grouping,
    Reasons,
    Strongest,
    choose,
    reasons_of,
    sum_groups,
    told,
    warm_up,
)

COMPILED = pytest.mark.skipif(
    bool(getattr(numba.config, "DISABLE_JIT", 0)), reason="nothing is compiled in this run"
)
ODD = 'a "b" \\ \u00fc\n'
FEATURES: tuple[Feature, ...] = (
    Count("lead_calls_1d", by="lead", within=1),
    Count("lead_attempts", by="lead", within=2),
    Age("lead_age_hours"),
    Category("channel", "channel", ("web_form", ODD, "\u4e16")),
    *(Attribute(f"attribute_{name}", name) for name in (ODD, *"cdefghi")),
)
LEVELS = 3
effects = st.sampled_from([0.0, -0.0, 1e-300, -1e-300, 5e-324, 0.1, -0.1, 1.0]) | st.floats(-9, 9)
numbers = st.sampled_from([0.0, -0.0, 1.0, float("nan"), 0.1, 1e30]) | st.floats(0, 200, width=32)
levels = st.integers(0, LEVELS - 1).map(float) | st.just(float("nan"))
rows = st.tuples(
    st.tuples(*(levels if isinstance(one, Category) else numbers for one in FEATURES)),
    st.tuples(*(effects for _ in FEATURES)),
)


def obvious(features: tuple[Feature, ...], values: Float32Array, shares: Float64Array) -> list[Reasons]:
    """The same, reason by reason."""
    groups, code = grouped([feature.name for feature in features])
    found = []
    for row, effect in zip(values.tolist(), shares, strict=True):
        sums = np.zeros(len(groups))
        for place, share in enumerate(effect):
            sums[code[place]] += share
        order = np.argsort(-np.abs(sums), kind="stable")
        moved = np.count_nonzero(sums)
        shown = moved if moved <= MOST else MOST - 1
        reasons: list[dict[str, object]] = []
        for group in order[:shown]:
            members, sign = np.flatnonzero(code == group), np.sign(sums[group])
            place = int(members[np.argmax(effect[members] * sign)])
            what = worded(features[place], row[place])
            text = f"{groups[group].title} ({what})"
            reasons.append(one(features[place].name, said(features[place], row[place]), sums[group],
                               groups[group].name, text))  # fmt: skip
        left = np.where(np.arange(sums.size) < shown, 0.0, sums[order])[None].sum(axis=1)[0]
        if left:
            reasons.append(one("other", None, left, "other", "Everything else together"))
        kept = [{name: told for name, told in reason.items() if name != "text"} for reason in reasons]
        found.append(Reasons(orjson.dumps(reasons), orjson.dumps(kept)))
    return found


def one(feature: str, value: object, effect: float, group: str, text: str) -> dict[str, object]:
    way = "lowers" if effect < 0 else "raises"
    return {
        "feature": feature,
        "value": value,
        "effect": float(effect),
        "group": group,
        "text": f"{text} {way} it",
    }


def said(feature: Feature, value: float) -> object:
    if np.isnan(value):
        return None
    return feature.levels[int(value)] if isinstance(feature, Category) else value


@settings(deadline=None)
@given(seen=st.lists(rows, max_size=6))
def test_the_loop_writes_what_one_would_write_down(seen):
    values = np.array([row for row, _ in seen], np.float32).reshape(-1, len(FEATURES))
    shares = np.array([row for _, row in seen], np.float64).reshape(-1, len(FEATURES))

    assert reasons_of(FEATURES, values, shares) == obvious(FEATURES, values, shares)


@settings(deadline=None)
@given(seen=st.lists(rows, min_size=1, max_size=3), features=st.integers(0, len(FEATURES)))
def test_bundles_of_few_features_have_few_reasons(seen, features):
    values = np.array([row for row, _ in seen], np.float32)[:, :features]
    shares = np.array([row for _, row in seen], np.float64)[:, :features]

    assert reasons_of(FEATURES[:features], values, shares) == obvious(FEATURES[:features], values, shares)


def test_phrases_are_made_anew_once_there_are_too_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(phrases, "MOST_PHRASES", 30)
    known = Grouping(FEATURES, *grouped([feature.name for feature in FEATURES]))
    rng = np.random.default_rng(1)
    sizes = []

    for _ in range(20):
        values = rng.integers(0, LEVELS, (5, len(FEATURES))).astype(np.float32)
        values[:, :3] = rng.random((5, 3))
        shares = rng.normal(size=values.shape)
        found = known.told(values, known.strongest(shares))
        sizes.append(len(known.phrases._numbers))
        assert found == obvious(FEATURES, values, shares)

    assert max(sizes) <= 30 + 5 * MOST


def test_what_was_never_explained_has_no_reasons():
    nothing = reasons_of((), np.empty((2, 0), np.float32), np.empty((2, 0)))

    assert nothing == [Reasons()] * 2
    assert told((), np.empty((0, 0), np.float32), Strongest.nothing(0)) == []


@COMPILED
def test_after_warming_up_no_shape_of_question_compiles_anything():
    warm_up()
    loops: list[Any] = [name_all, put_together, sum_groups, choose]
    compiled = [len(loop.signatures) for loop in loops]
    values, shares = np.ones((6, len(FEATURES)), np.float32), np.ones((6, len(FEATURES)))
    kind = np.dtype([("effect", np.float64, MOST), ("place", np.int16, MOST)])
    kept = np.zeros(3, kind)
    shares.flags.writeable = values.flags.writeable = False

    reasons_of(FEATURES, values[::2], shares[::2])
    told(FEATURES, values[::2], Strongest(kept["place"], kept["effect"]))

    assert [len(loop.signatures) for loop in loops] == compiled == [1] * len(loops)
