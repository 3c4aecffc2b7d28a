"""Random models of LightGBM and rows that try their edges."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Any

import lightgbm
import numpy as np
from hypothesis import strategies as st

from features.kernel import Float32Array, Float64Array
from training.seeds import averaged

Node = dict[str, Any]
"""A node or leaf of `Booster.dump_model()`."""

EDGES = np.array(
    [
        *(np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 1e-35, -1e-35, 1.1e-35, 3e38, -3e38),
        *(
            -0.5,
            -0.99,
            -1,
            -1.5,
            0.5,
            1.99,
            2.5,
            7,
            8,
            31,
            32,
            62.5,
            63,
            63.9,
            64,
            65,
            255,
            256,
            1e9,
            4294967299,
        ),
    ],
    np.float32,
)
"""Values at which numbers, codes and machines change their minds."""


@st.composite
def boosters(draw: st.DrawFn) -> lightgbm.Booster:
    """Few rows and features of all kinds, few or many leaves and trees, one seed or several, averaged."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = draw(st.lists(st.sampled_from([0, 0, 0, 3, 9, 40, 64]), min_size=1, max_size=6))
    rows = draw(st.sampled_from([40, 300]))
    values = some_values(rng, rows, codes, draw(st.sampled_from([0, 0.2])))
    objective = draw(st.sampled_from(["binary", "regression", "poisson", "quantile", "cross_entropy"]))
    told = {
        "objective": objective,
        "num_leaves": draw(st.sampled_from([2, 5, 12, 31, 64])),
        "min_data_in_leaf": draw(st.sampled_from([1, 5])),
        "min_data_per_group": 1,
        "cat_smooth": 1,
        "max_cat_to_onehot": draw(st.sampled_from([1, 4])),
        "use_missing": draw(st.sampled_from([True, True, False])),
        "feature_fraction": 0.7,
        "verbosity": -1,
        "num_threads": 1,
        "max_bin": 255,
    }
    of_codes = [place for place, many in enumerate(codes) if many]
    label = some_label(rng, values, objective)
    data = lightgbm.Dataset(values, label, categorical_feature=of_codes, params=told)
    trees, seeds = draw(st.integers(1, 12)), draw(st.integers(1, 3))
    return averaged([lightgbm.train({**told, "feature_fraction_seed": k}, data, trees) for k in range(seeds)])


def some_values(rng: np.random.Generator, rows: int, codes: Sequence[int], missing: float) -> Float32Array:
    """A column each: numbers, some of which are often equal, or so many codes."""
    columns = []
    for place, many in enumerate(codes):
        numbers = rng.normal(size=rows).round(place % 3) if place % 2 else rng.normal(size=rows)
        columns.append(rng.integers(0, many, rows) if many else numbers)
    values = np.column_stack(columns).astype(np.float32)
    values[rng.random(values.shape) < missing] = np.nan
    return values


def some_label(rng: np.random.Generator, values: Float32Array, objective: str) -> Float64Array:
    """What depends on all columns, and on two of them together."""
    known = np.nan_to_num(values.astype(np.float64))
    score = (known % 5).sum(axis=1) + known[:, 0] * known[:, -1] + rng.normal(size=len(known))
    if objective in ("binary", "cross_entropy"):
        return np.asarray((score > np.median(score)) * 1.0)
    return np.asarray(np.exp(np.tanh(score)) if objective == "poisson" else score)


def rows_for(booster: lightgbm.Booster, rng: np.random.Generator, count: int) -> Float32Array:
    """Rows of thresholds, their neighbours, edges and codes, all mixed."""
    at = np.clip(thresholds(booster), -3e38, 3e38).astype(np.float32)
    near = np.concatenate([at, np.nextafter(at, np.float32(np.inf)), np.nextafter(at, np.float32(-np.inf))])
    pool = np.concatenate(
        [near, EDGES, np.arange(70, dtype=np.float32), rng.normal(size=30).astype(np.float32)]
    )
    return rng.choice(pool, (count, booster.num_feature()))


def native_scores(booster: lightgbm.Booster, values: Float32Array) -> Float64Array:
    """LightGBM's own, before any link."""
    return np.asarray(booster.predict(values, raw_score=True, num_threads=1), np.float64)


def native_shares(booster: lightgbm.Booster, values: Float32Array) -> Float64Array:
    """LightGBM's own, the base last."""
    return np.asarray(booster.predict(values, pred_contrib=True, num_threads=1), np.float64)


def thresholds(booster: lightgbm.Booster) -> Float64Array:
    """Those of all numbers."""
    return np.array(
        [
            node["threshold"]
            for tree in booster.dump_model()["tree_info"]
            for node in nodes_of(tree["tree_structure"])
            if "split_feature" in node and node["decision_type"] == "<="
        ],
        np.float64,
    )


def nodes_of(node: Node) -> list[Node]:
    """A node and all below it."""
    if "split_feature" not in node:
        return [node]
    return [node, *nodes_of(node["left_child"]), *nodes_of(node["right_child"])]


def scored_by_walking(booster: lightgbm.Booster, row: Float32Array) -> float:
    """The twin: the leaf of each tree, found by hand, added up."""
    total = 0.0
    for tree in booster.dump_model()["tree_info"]:
        node = tree["tree_structure"]
        while "split_feature" in node:
            node = node[
                "left_child" if turns_left(node, float(row[node["split_feature"]])) else "right_child"
            ]
        total += node["leaf_value"]
    return total


def turns_left(node: Node, value: float) -> bool:
    """LightGBM's rule, in words: `missing_type` says whether missing is told apart or read as zero."""
    if node["decision_type"] == "==":
        return not np.isnan(value) and -1 < value < 2**31 and str(int(value)) in node["threshold"].split("||")
    if np.isnan(value) and node["missing_type"] == "NaN":
        return bool(node["default_left"])
    value = 0.0 if np.isnan(value) or abs(value) <= np.float32(1e-35) else value
    return bool(value <= node["threshold"] or node["threshold"] >= 1e300)  # that is how infinity is dumped


def shares_by_subsets(booster: lightgbm.Booster, row: Float32Array) -> Float64Array:
    """The twin: Shapley's sum over all subsets of features, one tree's expectation at a time."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    every = range(booster.num_feature())
    found = np.zeros(booster.num_feature())
    for feature in every:
        others = [other for other in every if other != feature]
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(others) + 1)
            for known in combinations(others, size):
                with_it = sum(expected(tree, row, {*known, feature}) for tree in trees)
                found[feature] += weight * (with_it - sum(expected(tree, row, {*known}) for tree in trees))
    return found


def shares_by_fractions(booster: lightgbm.Booster, row: Float32Array) -> Float64Array:
    """The twin for deep trees: each leaf's integral from the coefficients of its polynomial, in fractions."""
    found = np.zeros(booster.num_feature())
    for tree in booster.dump_model()["tree_info"]:
        for value, passed, share in leaves_of(tree["tree_structure"], row, {}, {}):
            for feature in share:
                product = [Fraction(1)]
                for other in share.keys() - {feature}:
                    rise = passed[other] - share[other]
                    shifted, longer = [Fraction(0), *product], [*product, Fraction(0)]
                    product = [
                        share[other] * one + rise * two for one, two in zip(longer, shifted, strict=True)
                    ]
                integral = sum((one / (power + 1) for power, one in enumerate(product)), Fraction(0))
                found[feature] += value * float((passed[feature] - share[feature]) * integral)
    return found


def leaves_of(
    node: Node, row: Float32Array, passed: dict[int, int], share: dict[int, Fraction]
) -> Iterator[tuple[float, dict[int, int], dict[int, Fraction]]]:
    """Each leaf's value, which features of its path the row passes, and the share of examples that do."""
    if "split_feature" not in node:
        yield node["leaf_value"], passed, share
        return
    feature, left = node["split_feature"], turns_left(node, float(row[node["split_feature"]]))
    for side, taken in ((node["left_child"], left), (node["right_child"], not left)):
        came = Fraction(side.get("internal_count", side.get("leaf_count")), node["internal_count"])
        now = {**passed, feature: passed.get(feature, 1) * taken}
        yield from leaves_of(side, row, now, {**share, feature: share.get(feature, Fraction(1)) * came})


def expected(node: Node, row: Float32Array, known: set[int]) -> float:
    """A tree's value where only some features are known; elsewhere the mean of both sides' examples."""
    if "split_feature" not in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        turned = left if turns_left(node, float(row[node["split_feature"]])) else right
        return expected(turned, row, known)
    counts = [side.get("internal_count", side.get("leaf_count")) for side in (left, right)]
    both = counts[0] * expected(left, row, known) + counts[1] * expected(right, row, known)
    return float(both / sum(counts))
