"""Reading: what a column reads from its actor's tape at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .asked import Asked
from .entries import Blocks, advance
from .instants import NEVER
from .kernel import Int64Array, kernel
from .spec import Spec
from .tape import Tape


@dataclass(frozen=True)
class Reading:
    """One column: (`of` + p·n) / (`per` + n) with `prior=(p, n)`, or `of` alone where there is no `per`.

    Within a trailing window, or faded by a half-life; or the hours since an edge or until an instant named.
    """

    of: str
    per: str = ""
    within: int = NEVER
    half_life: int | None = None
    prior: tuple[float, float] = (0.0, 0.0)
    edge: Literal["last", "first"] | None = None
    until: bool = False

    @property
    def sums(self) -> tuple[str, ...]:
        """The running sums that it needs."""
        if self.until or self.half_life is not None:
            return ()
        return (self.of, self.per) if self.per else (self.of,)

    @property
    def fades(self) -> tuple[tuple[str, int], ...]:
        """The fading sums that it needs."""
        if self.half_life is None:
            return ()
        return tuple((name, self.half_life) for name in (self.of, self.per) if name)


def spec_of(
    by: str, readings: Sequence[Reading], copies: Sequence[str] = (), sums: Sequence[str] = ()
) -> Spec:
    """The leanest tape that answers all readings, and holds what else is named."""
    fades = {fade for reading in readings for fade in reading.fades}
    return Spec(
        by,
        sums=_once([*(name for reading in readings for name in reading.sums), *sums]),
        fades=tuple(sorted(fades, key=lambda fade: (fade[1], fade[0]))),
        edges=_once([(reading.of, reading.edge) for reading in readings if reading.edge is not None]),
        words=_once([reading.of for reading in readings if reading.until]),
        copies=_once(copies),
    )


def _once(names: Sequence[object]) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys(names))


def ends_of(tape: Tape, asked: Asked) -> Int64Array:
    """For each moment the entry behind the last one that it sees; its actor's first where it sees none."""
    ends = np.zeros(asked.at.size, np.int64)
    find_ends(tape.blocks, tape.entries.state, asked, ends)
    return ends


@kernel
def find_ends(blocks: Blocks, state: Int64Array, asked: Asked, out: Int64Array) -> None:
    """Fill `out[i]` with the first entry that moment i doesn't see; actors without a place keep theirs."""
    for g in range(blocks.first.size):
        end = blocks.first[g] + blocks.size[g]
        now = blocks.first[g]
        for i in range(asked.start[g + 1], asked.start[g + 2]):
            now = advance(state, now, end, asked.at[i])
            out[i] = now
