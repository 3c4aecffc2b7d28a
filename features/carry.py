"""Carry: lines answered stretch by stretch; of a stretch's tapes only what later moments need is carried on.

A tape grows at its end and each entry holds the whole state, so a tape that lost its old entries goes on to
the same bits as the whole one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .calls import CallLog, Moments
from .entries import LATE, NOTHING, SEEN, TIME, Blocks, Entries
from .facts import Facts
from .instants import NEVER
from .kernel import Float32Array, Int64Array, kernel, own
from .leads import LeadTable
from .past import Feature, Past, Read, Scanned
from .stretches import Stretch
from .sweep import ActorSweep
from .tape import Tape, room_for

Tapes = dict[tuple[object, ...], Tape]
"""As a Past keeps them."""


def is_of_a_lead(feature: Feature) -> bool:
    """Whether the facts of the lead that is asked about, and the lead itself, are all that a line needs."""
    if not isinstance(feature, Read | Scanned):
        return True
    parts = set(feature.by.split("×"))
    return "lead" in parts and not parts & {"line", "script"}


def chains_of(features: Sequence[Feature]) -> list["Chain"]:
    """The lines that need facts of other leads too, by whose past they ask; the widest first."""
    by: dict[str, dict[int, Read | Scanned]] = {}
    for column, feature in enumerate(features):
        if isinstance(feature, Read | Scanned) and not is_of_a_lead(feature):
            by.setdefault(feature.by, {})[column] = feature
    chains = [Chain(tuple(lines), tuple(lines.values())) for lines in by.values()]
    return sorted(chains, key=lambda chain: -len(chain.columns))


@dataclass(frozen=True)
class Chain:
    """Lines of one kind of actor, answered from one stretch to the next."""

    columns: tuple[int, ...]
    """Their places in the catalogue."""
    features: tuple[Read | Scanned, ...]

    @cached_property
    def sweep(self) -> ActorSweep:
        """All of them; their columns are 0, 1, 2 ..."""
        sweep = ActorSweep(self.features[0].by)
        for column, feature in enumerate(self.features):
            sweep.add(column, feature)
        return sweep

    @cached_property
    def looks_back(self) -> int:
        """The longest window; NEVER where a line looks at every entry."""
        windows = [reading.within for reading in self.sweep.readings.values()]
        return NEVER if self.sweep.scans else max((w for w in windows if w < NEVER), default=0)

    def blank(self, leads: LeadTable, sizes: Mapping[str, int]) -> Tapes:
        """The tapes that the lines need, before any fact: one without an agent asks for all of them."""
        tapes: Tapes = {}
        past = Past(CallLog.empty(), leads, _no_facts(), tapes, sizes)
        anybody = Moments(np.zeros(1, np.int64), np.full(1, -1), np.zeros(1, np.int64))
        self.sweep(past, anybody, np.empty((1, len(self.columns)), np.float32))
        return {key: Tape(tape.spec, tape.blocks, tape.entries, facts=1) for key, tape in tapes.items()}

    def answer(
        self, leads: LeadTable, sizes: Mapping[str, int], stretch: Stretch, carried: Tapes
    ) -> tuple[Float32Array, Tapes]:
        """The lines' columns at the stretch's moments, and the tapes for the next one.

        `sizes` says how many agents, lines and scripts there are in all; the tapes of `carried` are used up.
        """
        past = Past(CallLog.empty(), leads, _behind_one(stretch.facts), carried, sizes)
        for tape in list(carried.values()):
            past.tape(tape.spec)  # even one that no moment asks now
        values = np.empty((len(stretch.moments), len(self.columns)), np.float32)
        self.sweep(past, stretch.moments, values)
        return values, {
            key: trimmed(tape, self.looks_back, stretch.until, stretch.late) for key, tape in carried.items()
        }


def packed(tapes: Tapes) -> list[NDArray[Any]]:
    """Tapes as plain arrays, in their order."""
    return [array for tape in tapes.values() for array in (*tape.blocks, *tape.entries)]


def unpacked(blank: Tapes, arrays: Sequence[NDArray[Any]]) -> Tapes:
    """The tapes that were packed, by what `blank` says of their kinds; `blank` itself of nothing.

    What following writes over is copied: the arrays may be asked for again.
    """
    if not arrays:
        return blank
    each, blocks = len(Blocks._fields) + len(Entries._fields), len(Blocks._fields)
    held = [arrays[start : start + each] for start in range(0, len(arrays), each)]
    return {
        key: Tape(
            tape.spec,
            Blocks(*(np.array(array) for array in mine[:blocks])),
            Entries(*map(own, mine[blocks:])),
            used=mine[blocks].shape[0],
            facts=1,
        )
        for (key, tape), mine in zip(blank.items(), held, strict=True)
    }


def _no_facts() -> Facts:
    """Nothing was ever told."""
    nothing = np.empty(0, np.int64)
    return Facts(nothing, nothing, nothing, nothing, nothing, np.empty(0, np.int8))


def _behind_one(facts: Facts) -> Facts:
    """The facts behind one that stands for all before: tapes followed it already, and nobody looks at it."""

    def behind(column: NDArray[Any]) -> NDArray[Any]:
        return np.append(np.zeros(1, column.dtype), column)

    return Facts(
        lead=behind(facts.lead),
        agent=behind(facts.agent),
        time=behind(facts.time),
        seen=behind(facts.seen),
        bits=behind(facts.bits),
        sign=behind(facts.sign),
        quantities={name: behind(column) for name, column in facts.quantities.items()},
        words={name: behind(column) for name, column in facts.words.items()},
    )


def trimmed(tape: Tape, looks_back: int, since: int, late: Int64Array) -> Tape:
    """What moments at or after `since`, and facts seen then, need of a tape for windows up to `looks_back`.

    Of each actor the entries of the longest window stay, and the one before, which holds all that was. `late`
    are the instants before `since` that later facts tell of.
    """
    if looks_back == NEVER:
        return replace(tape, facts=1)
    before = since - (looks_back if tape.spec.sums else 0)
    old = np.zeros(tape.groups, np.int64)
    count_old(tape.blocks, tape.entries.state, before, old)
    return _shortened(tape, old, _instants(tape, old, late) if tape.spec.edges else _NONE)


@kernel
def count_old(blocks: Blocks, state: Int64Array, before: int, out: Int64Array) -> None:
    """Fill `out[g]` with how many entries of an actor were seen before an instant, less the last of them."""
    for g in range(out.size):
        first = blocks.first[g]
        seen = np.searchsorted(state[first : first + blocks.size[g], SEEN], before)
        out[g] = seen - 1 if seen > 0 else 0


class _Instants(NamedTuple):
    """Instants of old facts, by actor and time, and what each brought to the sums that edges follow."""

    actor: Int64Array
    time: Int64Array
    brought: Int64Array
    """(instants, sums)"""


_NONE = _Instants(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 0), np.int64))


def _instants(tape: Tape, old: Int64Array, late: Int64Array) -> _Instants:
    """Those that an edge can ever fall back to; an actor's last one stands for the rest.

    When the fact at an edge is taken back, the edge is looked for among the instants at which its mark
    stands. One that nothing later tells of stands for ever: no edge passes the latest and the earliest such.
    """
    every = _every_instant(tape, old)
    if not every.actor.size:
        return _NONE
    touched = np.isin(every.time, np.concatenate([late, _times_kept(tape, old)]))
    kept = (touched & np.any(every.brought != 0, axis=1)) | np.any(every.brought < 0, axis=1)
    starts = np.flatnonzero(np.diff(every.actor, prepend=-1))
    starts, place = np.flatnonzero(np.diff(every.actor, prepend=-1)), np.arange(kept.size)
    stands = [(column > 0) & ~touched for column in every.brought.T]
    latest = [np.maximum.reduceat(np.where(one, place, -1), starts) for one in stands]
    for last, one in zip(latest, stands, strict=True):
        earliest = np.minimum.reduceat(np.where(one, place, kept.size), starts)
        kept[last[last >= 0]] = kept[earliest[last >= 0]] = True
    for last, column in zip(latest, every.brought.T, strict=True):
        rest = np.add.reduceat(np.where(kept, 0, column), starts)
        column[last[last >= 0]] += rest[last >= 0]
    return _Instants(every.actor[kept], every.time[kept], every.brought[kept])


def _every_instant(tape: Tape, old: Int64Array) -> _Instants:
    """All instants of old entries and of the one that stays before the window."""
    actor = np.flatnonzero(old)
    if not actor.size:
        return _NONE
    state, sizes = tape.entries.state, old[actor] + 1
    entry, first = _ranges(tape.blocks.first[actor], sizes), np.repeat(tape.blocks.first[actor], sizes)
    actor, time, sums = np.repeat(actor, sizes), state[entry, TIME], _sums_of_edges(tape)
    before = np.where(entry > first, entry - 1, NOTHING)
    brought = state[entry[:, None], sums] - state[before[:, None], sums]
    order = np.lexsort((time, actor))
    actor, time = actor[order], time[order]
    starts = np.flatnonzero((np.diff(actor, prepend=-1) != 0) | (np.diff(time, prepend=time[0]) != 0))
    return _Instants(actor[starts], time[starts], np.add.reduceat(brought[order], starts, axis=0))


def _times_kept(tape: Tape, old: Int64Array) -> Int64Array:
    """What the entries behind the old ones tell of."""
    sizes = np.maximum(tape.blocks.size - old - 1, 0)
    return np.asarray(tape.entries.state[_ranges(tape.blocks.first + old + 1, sizes), TIME])


def _sums_of_edges(tape: Tape) -> Int64Array:
    """The columns of the sums that tell where a mark stands."""
    return np.array(sorted({tape.spec.column(mark) for mark, _ in tape.spec.edges}), np.int64)


def _ranges(first: Int64Array, sizes: Int64Array) -> Int64Array:
    """`first[i]`, `first[i] + 1` ..., so many of each."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if ends.size else 0
    return np.asarray(np.arange(total) + np.repeat(first - ends + sizes, sizes))


def _shortened(tape: Tape, old: Int64Array, instants: _Instants) -> Tape:
    """The tape without the old entries, in front of each actor's others one entry per instant of `instants`.

    The last of these is the entry that stays before the window: it holds the whole state.
    """
    blocks, (state, faded) = tape.blocks, tape.entries
    more = np.maximum(np.bincount(instants.actor, minlength=old.size) - 1, 0)
    size = blocks.size - old + more
    first = NOTHING + 1 + np.cumsum(size) - size
    base = np.repeat(blocks.first + old, size)
    source = np.maximum(_ranges(blocks.first + old - more, size), base)
    entries = room_for(NOTHING + 1 + source.size, tape.spec)
    np.take(state, source, axis=0, out=entries.state[NOTHING + 1 :])
    np.take(faded, source, axis=0, out=entries.faded[NOTHING + 1 :])
    late = entries.state[NOTHING + 1 :, LATE]
    late[:] = np.maximum(late - np.repeat(old - more, size), -1)
    if instants.actor.size:
        _write_instants(instants, first, _sums_of_edges(tape), entries.state)
    kept = Blocks(first, size, size.copy(), blocks.worst, blocks.taken_back)
    return Tape(tape.spec, kept, entries, used=entries.state.shape[0], facts=1)


def _write_instants(instants: _Instants, first: Int64Array, sums: Int64Array, state: Int64Array) -> None:
    """Write times and running sums of an actor's instants into its first entries."""
    actor, time, brought = instants
    begins = np.flatnonzero(np.diff(actor, prepend=-1))
    begin = np.repeat(begins, np.diff(np.append(begins, actor.size)))
    totals = np.cumsum(brought, axis=0)
    totals -= totals[begin] - brought[begin]
    entry = first[actor] + np.arange(actor.size) - begin
    state[entry, TIME] = time
    state[entry[:, None], sums] = totals
