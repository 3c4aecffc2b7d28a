"""Scorer: who reads a model's trees: our own loops, or LightGBM where they are more than those hold."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.kernel import Float32Array, Float64Array, own

from .bitvectors import Bitvectors, bitvectors_of
from .blocks import BLOCK, room_for, score
from .forest import Forest, forest_of, walk
from .tree_shap import ROWS, Paths, add_shares, paths_of, steps_for

if TYPE_CHECKING:
    import lightgbm

FEW = 48
"""Up to so many rows are walked through the trees: fewer than make a block worth its while."""

_A_NUMBER_AND_A_CATEGORY = """tree
num_tree_per_iteration=1

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0 0
decision_type=2 1
left_child=1 -1
right_child=-2 -3
leaf_value=1 2 3
leaf_count=1 1 1
internal_count=3 2
cat_boundaries=0 1
cat_threshold=1
is_linear=0

end of trees
"""


@dataclass(frozen=True)
class Own:
    """Our own loops: the same scores as LightGBM's to the last bit, the same shares but for rounding."""

    forest: Forest
    vectors: Bitvectors

    @cached_property
    def paths(self) -> Paths:
        """What shares need beside the forest, made when first asked."""
        return paths_of(self.forest)

    def score(self, values: Float32Array, threads: int) -> Float64Array:
        """The sum of each row's leaves."""
        rows, out = self._rows(values), np.empty(values.shape[0])
        if out.size <= FEW:
            walk(rows, self.forest, out)
            return out

        def stretch(begin: int, end: int) -> None:
            score(rows[begin:end], self.vectors, room_for(self.vectors, end - begin), out[begin:end])

        side_by_side(stretch, out.size, BLOCK, threads)
        return out

    def shares(self, values: Float32Array, threads: int) -> tuple[float, Float64Array]:
        """Base, and what each feature adds for each row."""
        rows, paths = self._rows(values), self.paths
        out = np.zeros((rows.shape[1], rows.shape[0]))

        def stretch(begin: int, end: int) -> None:
            steps = steps_for(self.forest)
            for first in range(begin, end, ROWS):
                some = rows[first : min(end, first + ROWS)]
                told = np.zeros((rows.shape[1], some.shape[0]))
                add_shares(some, self.forest, paths, steps, told)
                out[:, first : first + some.shape[0]] = told

        side_by_side(stretch, rows.shape[0], ROWS, threads)
        return paths.base, out.T

    def _rows(self, values: Float32Array) -> Float32Array:
        """The rows as the loops read them, which don't look whether a column is there."""
        if values.shape[1] < self.columns:
            raise ValueError(f"{values.shape[1]} columns, but the trees ask for {self.columns}")
        return own(np.asarray(values, np.float32))

    @cached_property
    def columns(self) -> int:
        """How many columns the trees ask for, the unasked ones before the last among them."""
        return int(self.forest.feature.max(initial=-1)) + 1


@dataclass(frozen=True)
class Native:
    """LightGBM itself: slower, reads every model, and is what our own loops are held against."""

    text: str

    @cached_property
    def booster(self) -> "lightgbm.Booster":
        """The trees, read once."""
        import lightgbm  # noqa: PLC0415  # a second's work: only where our own loops don't do

        return lightgbm.Booster(model_str=self.text)

    def score(self, values: Float32Array, threads: int) -> Float64Array:
        """The sum of each row's leaves."""
        told = self.booster.predict(values, raw_score=True, num_threads=threads)
        return np.asarray(told, np.float64)

    def shares(self, values: Float32Array, threads: int) -> tuple[float, Float64Array]:
        """Base, and what each feature adds for each row."""
        told = np.asarray(self.booster.predict(values, pred_contrib=True, num_threads=threads), np.float64)
        return float(told[0, -1]), told[:, :-1]


def scorer_of(text: str) -> Own | Native:
    """Who reads these trees."""
    if (forest := forest_of(text)) is None or (vectors := bitvectors_of(forest)) is None:
        return Native(text)
    return Own(forest, vectors)


def warm_up() -> None:
    """Compile our own loops, or load them from numba's cache."""
    scorer = scorer_of(_A_NUMBER_AND_A_CATEGORY)
    scorer.score(np.zeros((1, 2), np.float32), 1)
    scorer.score(np.zeros((FEW + 1, 2), np.float32), 1)
    scorer.shares(np.zeros((1, 2), np.float32), 1)


def side_by_side(work: Callable[[int, int], None], rows: int, least: int, threads: int) -> None:
    """Do the work on stretches of rows, one a thread, none shorter than `least` but the last."""
    length = max(least, -(-rows // threads))
    begins = range(0, rows, length)
    if len(begins) < 2:
        work(0, rows)
        return
    with ThreadPoolExecutor(len(begins)) as pool:
        for done in [pool.submit(work, begin, min(rows, begin + length)) for begin in begins]:
            done.result()
