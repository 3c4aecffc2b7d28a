"""Kernels: compiled for one shape of arrays, so that no request ever waits for a compiler."""

import json
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from features import CallLog, Moments, Past, compute
from features.compute import warm_up
from features.kernel import plain
from tests.builders import MONDAY, a_lead, a_lead_table, a_log
from tests.features.test_point_in_time import LINES

ROOT = Path(__file__).parent.parent.parent
COMPILED = pytest.mark.skipif(
    bool(getattr(numba.config, "DISABLE_JIT", 0)), reason="nothing is compiled in this run"
)

COUNT_COMPILATIONS = """
import json, sys
from numba.core.registry import CPUDispatcher
from features.compute import warm_up
warm_up()
loops = {
    f"{name}.{loop.__name__}": [len(loop.signatures), sum(loop.stats.cache_misses.values())]
    for name, module in sorted(sys.modules.items()) if name.startswith("features.")
    for loop in vars(module).values()
    if isinstance(loop, CPUDispatcher) and loop.__module__ == name
}
print(json.dumps(loops))
"""


def dispatchers() -> dict[str, int]:
    """How many versions of each loop of this room's feature path are compiled; parts go into their loops."""
    return {
        f"{name}.{loop.__name__}": len(loop.signatures)
        for name, module in sorted(sys.modules.items())
        if name.startswith("features.")
        for loop in vars(module).values()
        if hasattr(loop, "signatures") and loop.__module__ == name
        if not loop.targetoptions.get("forceinline")
    }


def frozen(array: np.ndarray) -> np.ndarray:
    """A read-only view, as arrays from a file or a buffer are."""
    view = array.view()
    view.flags.writeable = False
    return view


@pytest.fixture
def past() -> Past:
    leads = [a_lead(attributes={"income": [(0, 1.0)], "colour": [(0, "red")]}, source="red")] * 4
    log = a_log(*[(row % 4, row % 2, MONDAY + row, row % 3 == 0, row % 6 == 0) for row in range(20)])
    return Past(log, a_lead_table(*leads))


@COMPILED
def test_after_warming_up_no_shape_of_question_compiles_anything(past: Past):
    warm_up()
    compiled = dispatchers()
    lead, agent, at = np.arange(4), np.array([-1, 0, 1, 9]), np.full(4, MONDAY + 9)
    wide = np.repeat([lead, agent, at], 2, axis=1)
    log = CallLog(**{name: frozen(getattr(past.log, name)) for name in past.log.__dataclass_fields__})
    questions = {
        "all": Moments(lead, agent, at),
        "a slice": Moments(lead, agent, at).take(np.array([True, False, True, True])),
        "strided": Moments(*wide[:, ::2]),
        "read-only": Moments(frozen(lead), frozen(agent), frozen(at)),
        "broadcast": Moments(lead, np.broadcast_to(np.int64(-1), 4), np.broadcast_to(np.int64(MONDAY), 4)),
        "narrow": Moments(lead.astype(np.int32), agent.astype(np.int32), at),
        "none": Moments(lead[:0], agent[:0], at[:0]),
        "at once": Moments.at_once(lead, MONDAY),
    }

    for question in questions.values():
        compute(past, question, LINES)
        compute(Past(log, past.leads), question, LINES)

    assert dispatchers() == compiled
    assert set(compiled.values()) <= {0, 1}  # 0: came along with the loop that calls it


@COMPILED
def test_a_second_process_compiles_nothing():
    """What one process has compiled the next one reads from numba's cache."""
    subprocess.run([sys.executable, "-c", COUNT_COMPILATIONS], check=True, cwd=ROOT, capture_output=True)

    said = subprocess.run(
        [sys.executable, "-c", COUNT_COMPILATIONS], check=True, cwd=ROOT, capture_output=True, text=True
    )

    loops = json.loads(said.stdout)
    assert len(loops) >= 7
    assert {misses for _, misses in loops.values()} == {0}
    assert {versions for versions, _ in loops.values()} <= {0, 1}  # 0: came along with the loop that calls it


def test_the_answers_are_the_same_whatever_the_shape_of_the_question(past: Past):
    lead, agent, at = np.arange(4), np.array([-1, 0, 1, 9]), np.full(4, MONDAY + 9)

    usual = compute(past, Moments(lead, agent, at), LINES)
    backwards = compute(past, Moments(*(frozen(column[::-1]) for column in (lead, agent, at))), LINES)

    assert backwards.values[::-1].tobytes() == usual.values.tobytes()


def test_a_plain_column_is_passed_on_without_a_copy():
    column = np.arange(3)

    assert plain(column) is column


def test_other_columns_are_copied_into_the_plain_shape():
    column = np.arange(6)

    copies = [plain(column[::2]), plain(frozen(column)), plain(column.astype(np.int32))]

    for copy in copies:
        assert copy.flags.c_contiguous
        assert copy.flags.writeable
        assert copy.dtype == np.int64
