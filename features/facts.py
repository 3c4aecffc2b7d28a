"""Facts: the news of the floor, one row each: what happened, when, and since when a moment may see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .calls import CallLog, Outcome
from .instants import NEVER, SECOND
from .kernel import BoolArray, Int8Array, Int64Array

_OF_THE_CALL = ("no_answer", "busy", "machine", "disconnected", "wrong_number", "abandoned", "fax", "error")
_OF_THE_DISPOSITION = ("contact_refused", "contact_no_decision", "callback", "do_not_call")

MARKS = (
    *("calls", "answered", *_OF_THE_CALL),  # the call itself, as the dialer saw it
    *("told", "converted", *_OF_THE_DISPOSITION),  # what the agent told of a call that a human took
    *("touches", "inbound", "outbound", "email", "sms", "chat", "form", "social"),
    *("promised", "scored"),  # a callback was agreed on; a voice-analysis tool scored the call
)
"""What a fact may bear, each one bit of `Facts.bits`."""

QUANTITIES = (
    *("talk_s", "wrap_s", "handle_s", "value"),
    *("sentiment", "talk_ratio", "interruptions", "silence_s"),
)
"""What a fact may weigh; summed in whole thousandths, so that no sum depends on its order."""

WORDS = ("line", "script", "promise")
"""What a fact may name by a code: the line that dialed, the script, the instant of a promised callback."""

BIT = {name: 1 << place for place, name in enumerate(MARKS)}


@dataclass(frozen=True)
class Facts:
    """Equally long columns, one row per fact, in any order; codes are those of the log and of its leads.

    A call and what its agent told of it are one row where both were told at once. A fact that was taken back
    (a corrected outcome) stands once more with `sign` -1, the same `time`, and the `seen` of the correction.
    """

    lead: Int64Array
    agent: Int64Array
    time: Int64Array
    """When it happened: what windows and half-lives count from."""
    seen: Int64Array
    """A moment after it sees the fact: it had happened, and the store knew."""
    bits: Int64Array
    """The `MARKS` it bears."""
    sign: Int8Array
    quantities: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    """Those of `QUANTITIES` that any fact has; NaN counts as none."""
    words: Mapping[str, Int64Array] = field(default_factory=dict)
    """Those of `WORDS` that any fact has; -1 says nothing."""

    def __len__(self) -> int:
        return int(self.lead.size)

    @classmethod
    def of(cls, log: CallLog) -> "Facts":
        """The facts of a log: each call, and each disposition that was told apart from it."""
        seen = np.maximum(log.ended_at, log.known_at)
        told_at = np.maximum(np.maximum(log.disposed_at, log.disposed_known_at), seen)
        disposed = log.disposed_at < NEVER
        together = disposed & (log.disposed_at == log.ended_at) & (told_at == seen)
        apart = np.flatnonzero(disposed & ~together)
        calls = np.flatnonzero(seen < NEVER)
        if not apart.size and calls.size == len(log):
            return _of_calls(log, seen, together)
        return _of_both(log, calls, seen, together, apart, told_at)

    def take(self, rows: Int64Array | BoolArray | slice) -> "Facts":
        """The facts of some rows, in the order given."""
        return Facts(
            self.lead[rows], self.agent[rows], self.time[rows], self.seen[rows],
            self.bits[rows], self.sign[rows],
            {name: column[rows] for name, column in self.quantities.items()},
            {name: column[rows] for name, column in self.words.items()},
        )  # fmt: skip


def call_bits(outcome: Int8Array, answered: BoolArray) -> Int64Array:
    """The marks of calls as the dialer saw them."""
    return _CALL_BITS[outcome] | np.where(answered, BIT["answered"], 0)


def told_bits(disposition: Int8Array, answered: BoolArray, converted: BoolArray) -> Int64Array:
    """The marks of dispositions; one of a call that no human took marks only what it says."""
    bits = _TOLD_BITS[disposition] | np.where(answered, BIT["told"], 0)
    return bits | np.where(converted, BIT["converted"], 0)


def _table(names: tuple[str, ...], always: int = 0) -> Int64Array:
    """The bits of each outcome: its own if it is among the names; the last is that of outcome -1."""
    bits = np.full(len(Outcome) + 1, always)
    for name in names:
        bits[Outcome.of(name)] |= BIT[name]
    return bits


_CALL_BITS = _table(_OF_THE_CALL, BIT["calls"])
_TOLD_BITS = _table(_OF_THE_DISPOSITION)


def _of_calls(log: CallLog, seen: Int64Array, together: BoolArray) -> Facts:
    """One row per call: nothing was told apart."""
    bits = call_bits(log.outcome, log.answered)
    if together.any():
        bits |= np.where(together, told_bits(log.disposition, log.answered, log.converted), 0)
    return Facts(
        log.lead, log.agent, log.ended_at, seen, bits, np.ones(len(log), np.int8),
        {"talk_s": log.talk_s, "handle_s": log.handle_s, "wrap_s": _wrap_s(log), "value": log.value},
    )  # fmt: skip


def _of_both(
    log: CallLog,
    calls: Int64Array,
    seen: Int64Array,
    together: BoolArray,
    apart: Int64Array,
    told_at: Int64Array,
) -> Facts:
    """A row per call, one more for each disposition told apart, ordered by `seen`."""
    told = told_bits(log.disposition, log.answered, log.converted)
    bits = call_bits(log.outcome, log.answered) | np.where(together, told, 0)
    nothing = np.zeros(apart.size)
    both = np.concatenate([calls, apart])
    facts = Facts(
        lead=log.lead[both],
        agent=log.agent[both],
        time=np.concatenate([log.ended_at[calls], log.disposed_at[apart]]),
        seen=np.concatenate([seen[calls], told_at[apart]]),
        bits=np.concatenate([bits[calls], told[apart]]),
        sign=np.ones(both.size, np.int8),
        quantities={
            "talk_s": np.concatenate([log.talk_s[calls], nothing]),
            "handle_s": np.concatenate([log.handle_s[calls], nothing]),
            "wrap_s": np.concatenate([_wrap_s(log)[calls], nothing]),
            "value": np.concatenate([np.where(together, log.value, 0.0)[calls], log.value[apart]]),
        },
    )
    return facts.take(np.argsort(facts.seen, kind="stable"))


def _wrap_s(log: CallLog) -> NDArray[np.floating]:
    """Seconds from the call's end to the agent's: what is left of `handle_s`."""
    return np.maximum(log.handle_s - (log.ended_at - log.started_at) / SECOND, 0.0)
