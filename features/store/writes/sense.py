"""Does an event make sense? What can be judged from the event alone, each nonsense with its code."""

from collections.abc import Callable, Iterator

from ...instants import DAY, HOUR, SECOND
from ...sources.outcomes import Dialects
from ...sources.wire import AgentState, CallAttempted, CallDisposed, Conversion, Touch
from ...sources.words import Shape
from .telling import Fault, Told, read_as

TOO_LONG = 4 * HOUR
AHEAD = DAY
"""A clock may run ahead by this much; what is further in the future has not happened."""


def nonsense(told: Told, at: int) -> Fault | None:
    """The first reason why an event can't be true as told at `at`, or None."""
    if told.fault is not None:
        return told.fault
    if told.time > at + AHEAD:
        return Fault("in_the_future", "its time is more than 24 h ahead")
    judge = _JUDGES.get(type(told.data))
    return None if judge is None else next(judge(told, at), None)


def unmapped(told: Told, dialects: Dialects) -> Fault | None:
    """Whether the event speaks of an outcome that nobody mapped yet."""
    if isinstance(told.data, CallAttempted):
        code = told.data.outcome
    elif isinstance(told.data, CallDisposed):
        code = told.data.disposition
    else:
        return None
    if dialects.outcome(told.source, code) is not None:
        return None
    return Fault("unmapped_outcome", f"no outcome {code!r} is known of {told.source}")


def _call(told: Told, at: int) -> Iterator[Fault]:
    data = read_as(told, CallAttempted)
    seconds = [s for s in (data.talk_s, data.hold_s, data.wrap_s) if s is not None]
    if data.ended_at < data.started_at:
        yield Fault("ended_before_started", "ended_at is before started_at")
    if min(seconds, default=0) < 0:
        yield Fault("negative_duration", "talk_s, hold_s or wrap_s is negative")
    if data.ended_at - data.started_at > TOO_LONG or max(seconds, default=0) * SECOND > TOO_LONG:
        yield Fault("too_long", "more than 4 h")
    if data.ended_at > at + AHEAD:
        yield Fault("in_the_future", "ended_at is more than 24 h ahead")
    if data.answered_at is not None and not data.started_at <= data.answered_at <= data.ended_at:
        yield Fault("answered_outside_call", "answered_at is before started_at or after ended_at")


def _disposition(told: Told, _: int) -> Iterator[Fault]:
    data = read_as(told, CallDisposed)
    if data.disposition == "converted" and data.converted is False:
        yield Fault("contradiction", "the disposition is a conversion and converted is false")


def _dated(told: Told, at: int) -> Iterator[Fault]:
    assert isinstance(told.data, Conversion | Touch | AgentState)
    if told.data.at > at + AHEAD:
        yield Fault("in_the_future", "at is more than 24 h ahead")


_JUDGES: dict[type[Shape] | type[None], Callable[[Told, int], Iterator[Fault]]] = {
    CallAttempted: _call,
    CallDisposed: _disposition,
    Conversion: _dated,
    Touch: _dated,
    AgentState: _dated,
}
