"""The facts of calls told once and disposed at most once, many at a time: the way nearly all calls go.

What they give equals what `call_facts` would, call by call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..calls import Outcome
from ..facts import call_bits, told_bits
from ..kernel import BoolArray, Float64Array, Int64Array
from .fact_book import Batch, of_call

Calls = Mapping[str, NDArray[Any]]
"""Columns of the CallBook, some rows of it, and `place`: which rows."""


@dataclass(frozen=True)
class _Outcomes:
    """What was said of the calls' outcomes: by the attempt itself, or by an agent."""

    bits: Int64Array
    time: Int64Array
    value: Float64Array

    @classmethod
    def own(cls, calls: Calls) -> "_Outcomes":
        """Until a disposition comes the attempt's own outcome stands as one."""
        sold = calls["outcome"] == Outcome.CONVERTED
        bits = told_bits(calls["outcome"], calls["answered"], sold)
        return cls(bits, calls["ended_at"], np.zeros(bits.size))

    @classmethod
    def told(cls, calls: Calls) -> "_Outcomes":
        """The dispositions; of undisposed calls their own outcome."""
        bits = told_bits(calls["disposition"], calls["answered"], calls["converted"])
        return cls(bits, calls["disposed_at"], calls["value"])

    @property
    def says(self) -> BoolArray:
        """Which say anything."""
        return np.asarray((self.bits != 0) | (self.value != 0))

    def where(self, other: "_Outcomes", rows: BoolArray) -> "_Outcomes":
        """These, and in the rows marked the other ones."""
        names = ("bits", "time", "value")
        return _Outcomes(*(np.where(rows, getattr(other, name), getattr(self, name)) for name in names))

    def same(self, other: "_Outcomes") -> BoolArray:
        """Which say the same."""
        same = (self.bits == other.bits) & (self.time == other.time) & (self.value == other.value)
        return np.asarray(same)


def calls_told(calls: Calls) -> list[Batch]:
    """The facts of calls as they became known, with the disposition where it was known by then."""
    known = calls["known_at"]
    by_then = (calls["told_at"] > 0) & (calls["disposed_known_at"] <= known)
    outcome = _Outcomes.own(calls).where(_Outcomes.told(calls), by_then)
    together = outcome.says & (outcome.time == calls["ended_at"])
    at_once = by_then & (calls["disposed_known_at"] == known)
    seq = np.where(at_once, np.minimum(calls["seq"], calls["told_seq"]), calls["seq"])
    call = _facts(calls, known, seq, calls["ended_at"]) | {
        "bits": call_bits(calls["outcome"], calls["answered"]) | np.where(together, outcome.bits, 0),
        "value": np.where(together, outcome.value, 0.0),
        "talk_s": calls["talk_s"],
        "wrap_s": calls["wrap_s"],
        "handle_s": calls["handle_s"],
    }
    return [call, _rows(_told(calls, known, seq, outcome), outcome.says & ~together)]


def calls_disposed(calls: Calls) -> list[Batch]:
    """What dispositions told later than their calls take back and add; other calls give nothing."""
    known, seq = calls["disposed_known_at"], calls["told_seq"]
    own, told = _Outcomes.own(calls), _Outcomes.told(calls)
    changed = (calls["told_at"] > 0) & (known > calls["known_at"]) & ~own.same(told)
    since = np.maximum(calls["known_at"], calls["ended_at"])
    back = _told(calls, known, seq, own) | {
        "sign": np.full(known.size, -1, np.int8),
        "seen": np.maximum(known, since),
        "first_seen": since,
    }
    return [_rows(back, changed & own.says), _rows(_told(calls, known, seq, told), changed & told.says)]


def _told(calls: Calls, known: Int64Array, seq: Int64Array, outcome: _Outcomes) -> dict[str, NDArray[Any]]:
    return _facts(calls, known, seq, outcome.time) | {"bits": outcome.bits, "value": outcome.value}


def _facts(calls: Calls, known: Int64Array, seq: Int64Array, time: Int64Array) -> dict[str, NDArray[Any]]:
    """Facts of calls without marks: seen when known, when they happened, and when the call had ended."""
    return {
        "known": known,
        "seq": seq,
        "unit": of_call(calls["place"]),
        "lead": calls["lead"],
        "agent": calls["agent"],
        "line": calls["line"],
        "script": calls["script"],
        "time": time,
        "seen": np.maximum(np.maximum(known, time), calls["ended_at"]),
        "sign": np.ones(known.size, np.int8),
    }


def _rows(facts: Mapping[str, NDArray[Any]], rows: BoolArray) -> Batch:
    return {name: column[rows] for name, column in facts.items()}
