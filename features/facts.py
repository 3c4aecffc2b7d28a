"""Facts: the news of the floor, one row each: what happened, when, and since when a moment may see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .calls import CallLog, Outcome
from .instants import NEVER, SECOND
from .kernel import BoolArray, Float32Array, Int8Array, Int64Array, kernel, own, plain

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

WORDS = ("line", "script", "promise", "first_seen")
"""What a fact may name: the line that dialed and the script by a code, the instant of a promised callback;
and one that is taken back: since when it had been seen."""

BIT = {name: 1 << place for place, name in enumerate(MARKS)}
ANSWERED, TOLD, SOLD = BIT["answered"], BIT["told"], BIT["converted"]


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

    def grouped(self, rows: slice | Int64Array = slice(None)) -> Int64Array:
        """As of when a lead's words say whose fact it is: one taken back leaves the actor it was told to."""
        seen = self.seen[rows]
        if "first_seen" not in self.words:
            return seen
        first = self.words["first_seen"][rows]
        return np.where(first >= 0, first, seen)

    @classmethod
    def of(cls, log: CallLog) -> "Facts":
        """The facts of a log: each call, and each disposition that was told apart from it."""
        seen, bits = np.empty(len(log), np.int64), np.empty(len(log), np.int64)
        wrap_s = np.empty(len(log), np.float32)
        apart = tell(
            plain(log.started_at), plain(log.ended_at), plain(log.known_at),
            plain(log.disposed_at), plain(log.disposed_known_at),
            own(log.outcome), own(log.disposition), own(log.answered), own(log.converted),
            own(log.handle_s), _CALL_BITS, _TOLD_BITS, seen, bits, wrap_s,
        )  # fmt: skip
        quantities: dict[str, NDArray[np.floating]] = {
            "talk_s": log.talk_s, "handle_s": log.handle_s, "wrap_s": wrap_s, "value": log.value,
        }  # fmt: skip
        facts = cls(log.lead, log.agent, log.ended_at, seen, bits, np.ones(len(log), np.int8), quantities)
        return facts if not apart else _with_told_apart(facts, log)

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


@kernel
def tell(
    started_at: Int64Array,
    ended_at: Int64Array,
    known_at: Int64Array,
    disposed_at: Int64Array,
    disposed_known_at: Int64Array,
    outcome: Int8Array,
    disposition: Int8Array,
    answered: BoolArray,
    converted: BoolArray,
    handle_s: Float32Array,
    of_call: Int64Array,
    of_told: Int64Array,
    seen: Int64Array,
    bits: Int64Array,
    wrap_s: Float32Array,
) -> int:
    """Fill what each call tells, its disposition too where that was told at once; count the facts apart."""
    apart = 0
    for i in range(seen.size):
        seen[i] = max(ended_at[i], known_at[i])
        bits[i] = of_call[outcome[i]] | (ANSWERED if answered[i] else 0)
        wrap_s[i] = max(handle_s[i] - (ended_at[i] - started_at[i]) / SECOND, 0.0)
        if disposed_at[i] == ended_at[i] and disposed_known_at[i] <= seen[i]:
            bits[i] |= of_told[disposition[i]] | (TOLD if answered[i] else 0) | (SOLD if converted[i] else 0)
        elif disposed_at[i] < NEVER or seen[i] == NEVER:
            apart += 1
    return apart


def _with_told_apart(calls: Facts, log: CallLog) -> Facts:
    """The calls' facts, and a row more for each disposition told apart, ordered by `seen`."""
    together = (log.disposed_at == log.ended_at) & (log.disposed_known_at <= calls.seen)
    apart = np.flatnonzero((log.disposed_at < NEVER) & ~together)
    told = told_bits(log.disposition[apart], log.answered[apart], log.converted[apart])
    seen = np.maximum(np.maximum(log.disposed_at, log.disposed_known_at), calls.seen)[apart]
    calls = replace(calls, quantities={**calls.quantities, "value": np.where(together, log.value, 0.0)})
    nothing = np.zeros(apart.size, np.float32)
    facts = Facts(
        lead=np.concatenate([log.lead, log.lead[apart]]),
        agent=np.concatenate([log.agent, log.agent[apart]]),
        time=np.concatenate([log.ended_at, log.disposed_at[apart]]),
        seen=np.concatenate([calls.seen, seen]),
        bits=np.concatenate([calls.bits, told]),
        sign=np.ones(len(log) + apart.size, np.int8),
        quantities={
            name: np.concatenate([column, log.value[apart] if name == "value" else nothing])
            for name, column in calls.quantities.items()
        },
    )
    order = np.argsort(facts.seen, kind="stable")
    return facts.take(order[facts.seen[order] < NEVER])
