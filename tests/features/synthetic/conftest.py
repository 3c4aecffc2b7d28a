"""Small worlds, made once, for all tests of the simulated world."""

from collections.abc import Iterator

import numpy as np
import pytest

from features.synthetic.history import History, play_history
from features.synthetic.parameters import family
from features.synthetic.world import World, make_world


@pytest.fixture(autouse=True)
def _integers_may_wrap() -> Iterator[None]:
    """Uncompiled, the coins' arithmetic modulo 2**64 would warn."""
    with np.errstate(over="ignore"):
        yield


@pytest.fixture(scope="session")
def world() -> World:
    """Two weeks of some 600 leads each."""
    return make_world(family("F0", scale=0.04, agents=1, days=14), seed=3)


@pytest.fixture(scope="session")
def history(world: World) -> History:
    """One week of that world under the bootstrap policy: read it, don't run on."""
    with np.errstate(over="ignore"):
        return play_history(world, days=7)
