"""Attempts, Conversions, Decisions and Received: what the accounts are drawn up from, as columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from .kernel import BoolArray, Float64Array, Int8Array, Int64Array
from .leads import Coded


@dataclass(frozen=True)
class Attempts:
    """Equally long columns, one row per dial, ordered by (started_at, call_id)."""

    lead: Int64Array
    """Number of the lead in the store."""
    started_at: Int64Array
    ended_at: Int64Array
    known_at: Int64Array
    received_at: Int64Array
    """When the lead was received."""
    result: Int8Array
    """`Outcome` codes: the disposition that stands, else the outcome the dialer saw."""
    human: BoolArray
    abandoned: BoolArray
    converted: BoolArray
    """By the disposition that stands: the gross sale."""
    value: Float64Array
    """What the sale is worth: said with the disposition, else with the lead; NaN where nobody said."""
    talk_s: Float64Array
    """NaN where nobody said, here and in the next two."""
    hold_s: Float64Array
    wrap_s: Float64Array
    horizon: Int64Array
    """The campaign's: how long after an attempt a conversion still counts for it."""
    confirmation: BoolArray
    """The campaign's: a sale counts net only once it is confirmed."""
    agent_dials: BoolArray
    """The campaign's: power and preview dialing, the agent waits while it rings."""
    decision: Int64Array
    """Row of the decision that the dialer echoed, in Decisions; -1 where it echoed none."""
    words: Mapping[str, Coded]
    """campaign, goal, zone, channel, source, agent, team, script, shift; event_source: who told of it."""

    def __len__(self) -> int:
        return int(self.lead.size)

    def of(self, campaign: str | None) -> BoolArray:
        """The attempts of a campaign; None: of all."""
        ours = [campaign in (None, level) for level in self.words["campaign"].levels]
        return np.array([*ours, campaign is None], np.bool_)[self.words["campaign"].codes]

    def take(self, rows: Int64Array | BoolArray) -> "Attempts":
        """Some attempts, in the order given."""
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "words"}
        words = {name: replace(word, codes=word.codes[rows]) for name, word in self.words.items()}
        return replace(self, **columns, words=words)


@dataclass(frozen=True)
class Conversions:
    """Equally long columns, one row per lead and goal for which a conversion was recorded or cancelled."""

    lead: Int64Array
    goal: Coded
    at: Int64Array
    """When the first of them was recorded as having happened."""
    value: Float64Array
    confirmed: BoolArray
    """Recorded, and not cancelled since."""
    cancelled: BoolArray
    ours: BoolArray
    """The lead stood in the campaign asked of when it bought: whose sale it is where no attempt claims it."""

    def __len__(self) -> int:
        return int(self.lead.size)


@dataclass(frozen=True)
class Decisions:
    """Equally long columns, one row per lead handed out, ordered by `at`."""

    lead: Int64Array
    at: Int64Array
    policy: Coded
    model_version: Coded

    def __len__(self) -> int:
        return int(self.lead.size)


@dataclass(frozen=True)
class Received:
    """Equally long columns, one row per lead received, with the first that anybody did about it."""

    received_at: Int64Array
    first_at: Int64Array
    """The first attempt or outgoing touch known; NEVER where there is none."""
    open_s: Float64Array
    """Seconds of the site's business from receipt to that, or to the instant read; NaN without such hours."""
    words: Mapping[str, Coded]
    """campaign, zone, channel, source; contact_channel, agent, team, script, shift of the first, policy and
    model_version of the decision that it echoes."""

    def __len__(self) -> int:
        return int(self.received_at.size)


@dataclass(frozen=True)
class Presence:
    """Equally long columns: spells of agents ready, on a call or in wrap, cut at every local hour."""

    start: Int64Array
    seconds: Float64Array
    busy: BoolArray
    """On a call or in wrap."""
    unended: BoolArray
    """Nobody said in time what came next: the spell has no seconds."""
    words: Mapping[str, Coded]
    """campaign, zone, agent, team, shift."""

    def __len__(self) -> int:
        return int(self.start.size)


@dataclass(frozen=True)
class LeftOut:
    """Calls told that are no attempts, by who told them."""

    quarantined: Mapping[str, int] = field(default_factory=dict)
    """Those that wait in quarantine."""
    repeated: Mapping[str, int] = field(default_factory=dict)
    """How often known ones were told again."""

    def quarantined_of(self, source: str | None) -> int:
        """Of one source, or of all."""
        return sum(self.quarantined.values()) if source is None else self.quarantined.get(source, 0)

    def repeated_of(self, source: str | None) -> int:
        """Of one source, or of all."""
        return sum(self.repeated.values()) if source is None else self.repeated.get(source, 0)


def numbers(column: tuple[float | None, ...]) -> Float64Array:
    """A column of numbers, NaN where nobody said."""
    return np.array(column, np.float64)
