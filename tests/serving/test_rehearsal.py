"""The rehearsal: after it a poll by rules compiles nothing any more."""

import sys

import numba
import pytest
from sqlalchemy import Engine

from features.instants import HOUR, SECOND
from serving.rehearsal import rehearse

from .desks import OPEN, a_desk, a_dial, many_leads, poll, tell, tell_leads


def compiled() -> dict[str, int]:
    """How many versions of each loop are compiled by now."""
    return {
        f"{name}.{loop.__name__}": len(loop.signatures)
        for name, module in sorted(sys.modules.items())
        if name.startswith(("features.", "serving."))
        for loop in vars(module).values()
        if hasattr(loop, "signatures") and loop.__module__ == name
    }


@pytest.mark.skipif(bool(getattr(numba.config, "DISABLE_JIT", 0)), reason="nothing is compiled in this run")
def test_after_a_rehearsal_no_poll_by_rules_compiles_anything(engine: Engine):
    rehearse()
    tell_leads(engine, many_leads(9, attributes={"need": 3}))
    tell(engine, a_dial("c1", "lead-0003", OPEN - 5 * HOUR), at=OPEN - HOUR)
    rehearsed = compiled()

    given = poll(a_desk(engine), OPEN + SECOND, 5)

    assert len(given.items) == 5
    assert compiled() == rehearsed
