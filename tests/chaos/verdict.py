"""The verdict on a run: who was in two hands at once, which events were lost, how long recovery took."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from statistics import median

from sqlalchemy import Engine, select

from features.store.engine import reading
from features.store.tables import decision, event, quarantine

from .dialers import Hand, Journal

ALLOWED = ("429", "503")
"""What a dialer may be refused with."""


@dataclass(frozen=True)
class Verdict:
    """What a run shows; the first four must be empty or 0."""

    twice: int
    """Leads or numbers handed out while an earlier dialer still held them."""
    lost_events: int
    """Acknowledged, and neither in the log nor in quarantine."""
    undecided: int
    """Handed out without a decision on record."""
    other_errors: dict[str, int]
    handed: int
    polls: int
    events: int
    refused: dict[str, int]
    broken: dict[str, int]
    leases_per_minute: float
    poll_ms_p50: float
    poll_ms_p99: float
    recovery_s: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By what was done: median and longest time until a poll begun after it was answered."""
    times: dict[str, int] = field(default_factory=dict)
    clashes: list[dict[str, float | str]] = field(default_factory=list)
    """Of whoever was in two hands: the leases, and seconds since the run's begin."""

    @property
    def holds(self) -> bool:
        """Whether nothing happened that must not."""
        return not (self.twice or self.lost_events or self.undecided or self.other_errors)

    def as_json(self) -> dict[str, object]:
        """All of it as plain values."""
        return asdict(self) | {"holds": self.holds}


def judge(journal: Journal, done: Sequence[tuple[str, float]], engine: Engine, seconds: float) -> Verdict:
    """Compare what the dialers saw with what the store holds."""
    engine.dispose()  # its server was restarted
    answered = sorted(1e3 * (poll.ended_s - poll.begun_s) for poll in journal.polls if poll.answered)
    with reading(engine) as connection:
        kept = {*connection.execute(select(event.c.id)).scalars()}
        kept |= {*connection.execute(select(quarantine.c.id)).scalars()}
        decided = {*connection.execute(select(decision.c.lease_id)).scalars()}
    recovered, clashes = _recoveries(journal, done), in_two_hands(journal.hands)
    return Verdict(
        twice=len(clashes),
        lost_events=len({*journal.acknowledged} - kept),
        undecided=len({hand.lease_id for hand in journal.hands} - decided),
        other_errors={said: n for said, n in journal.refused.items() if not said.startswith(ALLOWED)},
        handed=len(journal.hands),
        polls=len(answered),
        events=len(journal.acknowledged),
        refused=dict(journal.refused),
        broken=dict(journal.broken),
        leases_per_minute=len(journal.hands) / seconds * 60,
        poll_ms_p50=answered[len(answered) // 2],
        poll_ms_p99=answered[int(len(answered) * 0.99)],
        recovery_s={what: (median(took), max(took)) for what, took in recovered.items()},
        times={what: len(took) for what, took in recovered.items()},
        clashes=[_told(*pair, journal.polls[0].begun_s) for pair in clashes],
    )


def in_two_hands(hands: Iterable[Hand]) -> list[tuple[Hand, Hand]]:
    """Whenever a lead or number was given away before whoever held it can have lost it.

    A lease ends no earlier than its seconds after it was asked for, unless its dialer gave it back.
    """
    by_resource: dict[str, list[Hand]] = defaultdict(list)
    for hand in hands:
        by_resource[f"lead:{hand.lead_id}"].append(hand)
        by_resource[f"phone:{hand.phone}"].append(hand)
    clashes: dict[tuple[str, str], tuple[Hand, Hand]] = {}
    for held in by_resource.values():
        held.sort(key=lambda hand: hand.answered_s)
        for earlier, later in pairwise(held):
            if later.answered_s < earlier.until_s and later.lease_id != earlier.lease_id:
                clashes[earlier.lease_id, later.lease_id] = earlier, later
    return list(clashes.values())


def _told(earlier: Hand, later: Hand, since: float) -> dict[str, float | str]:
    found: dict[str, float | str] = {"earlier": earlier.lease_id, "later": later.lease_id}
    found |= {"earlier lead": earlier.lead_id, "later lead": later.lead_id}
    for name, one in (("earlier", earlier), ("later", later)):
        found |= {f"{name} asked": one.asked_s - since, f"{name} answered": one.answered_s - since}
    return found | {"earlier until": earlier.until_s - since}


def _recoveries(journal: Journal, done: Sequence[tuple[str, float]]) -> dict[str, list[float]]:
    answered = sorted((poll.begun_s, poll.ended_s) for poll in journal.polls if poll.answered)
    found: dict[str, list[float]] = defaultdict(list)
    for what, at in done:
        after = min((ended for begun, ended in answered if begun >= at), default=None)
        if after is not None:
            found[what].append(round(after - at, 2))
    return dict(found)
