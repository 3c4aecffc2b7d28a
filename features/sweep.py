"""Sweeps: features grouped so that one pass over an actor's tape fills all of its columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from .asked import Asked
from .calls import Moments
from .filling import read, read_nobody
from .kernel import Float32Array, Int64Array, kernel
from .past import IN_USE, By, Feature, Filled, Past, Read, Scanned
from .reading import Reading, ends_of, spec_of
from .sheet import Sheet, sheet_of
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

    def follow(self, past: Past) -> None:
        """Bring what it reads up to the past: kept tapes are written by one thread, then read by several."""
        past.tape(self.spec)
        if {"line", "script"} & set(self.by.split("×")):
            past.tape(IN_USE)
        if self.pool is not None:
            self.pool.follow(past)

    def __call__(self, past: Past, moments: Moments, values: Float32Array) -> None:
        """Fill them; where the agent isn't chosen yet, rates are those of all agents."""
        self._answer(past, past.actors(self.by, moments), moments.at, values)
        if self.pool is None:
            return
        rows, columns = np.flatnonzero(moments.agent < 0), self.pool.columns
        if rows.size == len(moments):
            self.pool(past, moments, values)
        elif rows.size:
            pooled = np.empty((rows.size, columns.size), np.float32)
            self.pool.alone(past, moments.take(rows), pooled)
            values[np.ix_(rows, columns)] = pooled

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
        """At one instant few actors answer for many moments: ask each of them once."""
        places = np.zeros(past.groups(self.by) + 2, np.int64)
        actors = each_once(actor, places)
        answers = np.empty((actors.size, len(self.columns)), np.float32)
        self.alone._answer(past, actors, np.full(actors.size, at), answers)
        spread(answers, actor, places, self.columns, values)

    @cached_property
    def columns(self) -> Int64Array:
        """The places of its columns in the matrix."""
        return np.array([*self.readings, *self.scans], np.int64)

    @cached_property
    def alone(self) -> "ActorSweep":
        """The same with a matrix of its own: its columns are 0, 1, 2 ..."""
        readings = dict(enumerate(self.readings.values()))
        return ActorSweep(self.by, readings, dict(enumerate(self.scans.values(), len(readings))))


@kernel
def each_once(actor: Int64Array, places: Int64Array) -> Int64Array:
    """The actors of moments, each once; `places[1 + actor]` becomes its place among them.

    The first place is nobody's, the last one theirs who have no past.
    """
    last = places.size - 1
    for i in range(actor.size):
        places[min(actor[i] + 1, last)] = 1
    found = np.flatnonzero(places)
    for k in range(found.size):
        places[found[k]] = k
    return found - 1


@kernel
def spread(
    answers: Float32Array, actor: Int64Array, places: Int64Array, columns: Int64Array, out: Float32Array
) -> None:
    """Give each moment its actor's answers."""
    last = places.size - 1
    for i in range(actor.size):
        row, said = out[np.uint64(i)], answers[np.uint64(places[min(actor[i] + 1, last)])]
        for k in range(columns.size):
            row[np.uint64(columns[k])] = said[k]
