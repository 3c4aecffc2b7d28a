"""Sweeps: features grouped so that one pass over an actor's tape fills all of its columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from .asked import Asked
from .calls import Moments
from .kernel import Float32Array, Int64Array, kernel
from .past import By, Feature, Filled, Past, Read, Scanned
from .reading import Reading, ends_of, spec_of
from .sheet import Sheet, read, read_nobody, sheet_of
from .spec import Spec
from .tape import Tape

Sweep = Callable[[Past, Moments, Float32Array], None]
"""Fills its columns of the matrix for all moments."""


def sweeps_of(features: Sequence[Feature]) -> tuple[Sweep, ...]:
    """One sweep per actor whose tape is read, the widest first, and one for all columns of other kinds.

    They are worked out once per list of features: a service asks the same one all day.
    """
    return _sweeps_of(tuple(features))


@lru_cache(maxsize=256)
def _sweeps_of(features: tuple[Feature, ...]) -> tuple[Sweep, ...]:
    actors: dict[By, ActorSweep] = {}
    for column, feature in enumerate(features):
        if isinstance(feature, Read | Scanned):
            actors.setdefault(feature.by, ActorSweep(feature.by)).add(column, feature)
    widest = sorted(actors.values(), key=lambda sweep: -len(sweep.readings) - len(sweep.scans))
    filled = [(c, f) for c, f in enumerate(features) if isinstance(f, Filled)]
    return (*widest, *([FilledSweep(tuple(filled))] if filled else []))


@dataclass(frozen=True)
class FilledSweep:
    """Columns that ask leads and clocks, one after the other."""

    columns: tuple[tuple[int, Filled], ...]

    def __call__(self, past: Past, moments: Moments, values: Float32Array) -> None:
        """Fill them."""
        column = np.empty(len(moments), np.float32)
        for place, feature in self.columns:
            feature.fill(past, moments, column)
            values[:, place] = column


@dataclass(frozen=True)
class ActorSweep:
    """All columns that one kind of actor's tape answers."""

    by: By
    readings: dict[int, Reading] = field(default_factory=dict)
    scans: dict[int, Scanned] = field(default_factory=dict)

    def add(self, column: int, feature: Read | Scanned) -> None:
        """Take in a column."""
        if isinstance(feature, Read):
            self.readings[column] = feature.reading
        else:
            self.scans[column] = feature

    @cached_property
    def spec(self) -> Spec:
        """The tape that answers them all."""
        copies = [word for scan in self.scans.values() for word in scan.copies]
        sums = [name for scan in self.scans.values() for name in scan.sums]
        return spec_of(self.by, list(self.readings.values()), copies, sums)

    @cached_property
    def sheet(self) -> Sheet:
        """What is read of it."""
        return sheet_of(self.spec, list(self.readings.values()), list(self.readings))

    @cached_property
    def pool(self) -> "ActorSweep | None":
        """The rates of the same actors, agents aside; None where there are none or no agent is asked."""
        rates = {column: reading for column, reading in self.readings.items() if reading.per}
        parts = self.by.split("×")
        if "agent" not in parts or not rates:
            return None
        return ActorSweep("×".join(part for part in parts if part != "agent") or "everyone", rates)

    def __call__(self, past: Past, moments: Moments, values: Float32Array) -> None:
        """Fill them; where the agent isn't chosen yet, rates are those of all agents."""
        self._answer(past, past.actors(self.by, moments), moments.at, values)
        if self.pool is not None and np.any(moments.agent < 0):
            rows, columns = np.flatnonzero(moments.agent < 0), np.array(list(self.pool.readings), np.int64)
            pooled = np.empty((rows.size, values.shape[1]), np.float32)
            self.pool(past, moments.take(rows), pooled)
            values[np.ix_(rows, columns)] = pooled[:, columns]

    def _answer(self, past: Past, actor: Int64Array, at: Int64Array, values: Float32Array) -> None:
        if at.size > past.groups(self.by) + 2 and np.all(at == at[0]):
            self._answer_once_each(past, actor, int(at[0]), values)
            return
        for tape, asked in past.answered_by(self.spec, actor, at):
            if self.readings:
                read_nobody(self.sheet, asked, values)
                read(tape.blocks, tape.entries, self.sheet, asked, values)
            if self.scans:
                self._scan(past, tape, asked, values)

    def _scan(self, past: Past, tape: Tape, asked: Asked, values: Float32Array) -> None:
        ends, found = ends_of(tape, asked), np.empty(asked.at.size, np.float32)
        for column, feature in self.scans.items():
            feature.scan(tape, asked, ends, past, found)
            values[asked.row, column] = found

    def _answer_once_each(self, past: Past, actor: Int64Array, at: int, values: Float32Array) -> None:
        """At one instant few actors answer for many moments: ask each, nobody, and one without a past."""
        everyone = np.arange(-1, past.groups(self.by) + 1)
        answers = np.empty((everyone.size, values.shape[1]), np.float32)
        self._answer(past, everyone, np.full(everyone.size, at), answers)
        spread(answers, actor, np.array([*self.readings, *self.scans], np.int64), values)


@kernel
def spread(answers: Float32Array, actor: Int64Array, columns: Int64Array, out: Float32Array) -> None:
    """Give each moment its actor's answers; the first row is nobody's, the last one's without a past."""
    for i in range(actor.size):
        g = min(actor[i] + 1, answers.shape[0] - 1)
        for c in columns:
            out[i, c] = answers[g, c]
