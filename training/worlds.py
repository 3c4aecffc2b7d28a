"""Worlds: what the heads say of simulated calls, beside the truth of who answers, buys, talks and pays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from features import Past, compute, for_leads
from features.calls import Outcome
from features.instants import SECOND
from features.kernel import Float64Array
from features.sources.record import Record
from features.store.columns_reader import read_snapshot
from features.store.engine import open_engine
from features.store.imports import ImportOrder, run_import
from features.store.migrations import upgrade
from features.synthetic.floor import Call, Floor
from features.synthetic.history import History, events_of, play_history
from features.synthetic.messages import lead_item
from features.synthetic.orders import expected_seconds
from features.synthetic.parameters import SEGMENTS, family
from features.synthetic.truth import know_coefficients, near, p_answer, p_convert, skill_of
from features.synthetic.world import World, lead_id, make_world

from .amounts import deviances
from .bundle import Bundle, Scores
from .dataset import examples, handle_seconds, mean_deal
from .evaluate import log_losses
from .head import Head
from .heads import heads
from .pipeline import Stopwatch, scarcity, teach

FAMILIES = ("F0", "F1", "F2", "F3", "F4")
TAUGHT, DAYS = 21, 28
"""The heads are taught the first days of a world, under the floor's old order, and asked about the rest."""


@dataclass(frozen=True)
class Gap:
    """A head in one world: the mean cost of what is said of the calls it had not seen, by who says it.

    The cost is log loss, of amounts deviance.
    """

    world: str
    """Its family; `untold` where leads come without their worth."""
    seed: int
    head: str
    calls: int
    constant: float
    """Who says the taught calls' rate, or mean, of each."""
    ours: float
    coefficients: float
    """Who knows the world's equations, and of a lead what can be observed; NaN of amounts."""
    truth: float
    """Who knows all but the coins: the irreducible part."""
    taught: bool
    """Whether the bundle has the head; else means stand in."""

    @property
    def closed(self) -> float:
        """The share of the way from the constant to the truth."""
        return (self.constant - self.ours) / (self.constant - self.truth)


class Seen(NamedTuple):
    """One call, and the chances before its coins fell: in truth, and as far as they can be observed."""

    call: Call
    answer: float
    conversion: float
    observed_answer: float
    observed_conversion: float


def gaps(name: str, seed: int, scale: float, threads: int, told: bool = True) -> list[Gap]:
    """Every head in one world; not `told`, leads come without their worth."""
    world = make_world(family(name, scale=scale, days=DAYS), seed)
    history = play_history(world, DAYS)
    past, cut = past_of(history, told), world.day(TAUGHT)
    bundle = taught(past, cut, threads)
    row_of = {lead: row for row, lead in enumerate(past.leads.lead_id)}
    seen = {(row_of[lead_id(one.call.lead)], one.call.started_at): one for one in replay(history)}
    asked = Asked(past, bundle, world, seen, cut, told)
    return [asked.gap(head, name if told else f"{name} untold", seed) for head in heads()]


@dataclass(frozen=True)
class Asked:
    """What the heads of a bundle are asked: the calls of a world from an instant on."""

    past: Past
    bundle: Bundle
    world: World
    seen: Mapping[tuple[int, int], Seen]
    """By the lead's row and the instant at which the call began."""
    cut: int
    told: bool

    def gap(self, head: Head, name: str, seed: int) -> Gap:
        """One head beside the constant and the truth."""
        found = examples(self.past, head, self.world.stop)
        new = found.take(found.at >= self.cut)
        before = examples(self.past, head, self.cut)
        scores = self.bundle.predict(compute(self.past, new.moments, self.bundle.features), 1)
        keys = zip(new.moments.lead.tolist(), new.at.tolist(), strict=True)
        calls = [self.seen[key] for key in keys]
        says = {"handle_time": self._seconds, "value": self._values}.get(head.name, self._chances)
        label, *said = says(head, calls, scores, before.label)
        cost = log_losses if head.objective == "binary" else deviances
        costs = [float(np.mean(cost(label, one))) for one in said]
        constant, ours, seen, true = costs
        has = head.name in self.bundle.models
        return Gap(name, seed, head.name, len(new), constant, ours, seen, true, has)

    def _chances(
        self, head: Head, calls: Sequence[Seen], scores: Scores, before: Float64Array
    ) -> tuple[Float64Array, ...]:
        """Labels, the constant, ours, what can be observed, the truth."""
        answer, sale, answer_seen, sale_seen = np.array([one[1:] for one in calls]).T
        taken = 1 - self.world.parameters.human_dropped
        both = {
            "answer": (answer, answer_seen),
            "conversion": (sale, sale_seen),
            "decay": (answer * sale * taken, answer_seen * sale_seen * taken),
        }
        bears = "human_answered" if head.of == "answered" else "converted"
        label = np.array([float(getattr(one.call, bears)) for one in calls])
        constant = np.full(label.size, before.mean())
        true, seen = both[head.name]
        return label, constant, scores.by_head.get(head.name, constant), seen, true

    def _seconds(
        self, head: Head, calls: Sequence[Seen], scores: Scores, before: Float64Array
    ) -> tuple[Float64Array, ...]:
        """The same of a conversation's seconds, given whether it sold; the constant is the mean."""
        seconds = np.array([(one.call.disposed_at - one.call.started_at) / SECOND for one in calls])
        handle = self.bundle.handle
        mean = np.array([handle.sale if one.call.converted else handle.contact for one in calls])
        true = np.array([self._expected(one.call) for one in calls])
        pace = scores.by_head.get(head.name, np.ones(mean.size))
        return np.log(seconds), mean, pace * mean, np.full(mean.size, np.nan), true

    def _expected(self, call: Call) -> float:
        """Mean seconds of a conversation that ended so, with this agent at this pace."""
        p, (_, _, talk_s, sale_s) = self.world.parameters, expected_seconds(self.world.parameters)
        if call.outcome is Outcome.WRONG_NUMBER:
            return p.wrong_s
        wrap_s, whole_s = (p.sale_wrap_s, sale_s) if call.converted else (p.wrap_s, talk_s)
        return float(np.exp(self.world.agents.speed[call.agent])) * (whole_s - wrap_s) + wrap_s

    def _values(
        self, head: Head, calls: Sequence[Seen], scores: Scores, before: Float64Array
    ) -> tuple[Float64Array, ...]:
        """The same of what sales bring; the truth knows segment and need, and the worth where it is told."""
        value = np.array([one.call.value for one in calls])
        lead = np.array([one.call.lead for one in calls])
        p, leads = self.world.parameters, self.world.leads
        business = leads.segment[lead] == SEGMENTS.index("business")
        mean = p.value_median * np.exp(p.value_business * business + p.value_need * leads.need[lead])
        constant = np.full(value.size, np.exp(before).mean())
        return (
            np.log(value),
            constant,
            scores.sale_value,
            np.full(value.size, np.nan),
            value if self.told else mean,
        )


def replay(history: History) -> Iterator[Seen]:
    """Every call of a history with its chances, in the order in which they began."""
    floor = Floor.opening(history.floor.world)
    for call in history.result.log:
        yield _before(floor, call)
        floor.note(call)


def _before(floor: Floor, call: Call) -> Seen:
    """The chances of a call; a failed one is never an example, so an answer is likelier by as much."""
    truth, ledger, lead, at = floor.truth, floor.ledger, call.lead, call.started_at
    n, last, promised = (
        int(column[lead]) for column in (ledger.attempts, ledger.last_attempt, ledger.callback_at)
    )
    talked, segment = int(floor.conversations[call.agent]), int(truth.segment[lead])
    answer = p_answer(truth, lead, n, last, promised, at)
    kept = near(truth, promised, at)
    sale = 0.0 if truth.wrong[lead] else p_convert(truth, lead, call.agent, call.script, at, kept, talked)
    help_ = np.zeros(len(SEGMENTS))
    help_[segment] = skill_of(truth, call.agent, segment, talked) + truth.scripts[call.script, segment]
    seen = np.empty((1, 2))
    state = (ledger.attempts, ledger.last_attempt, ledger.callback_at)
    know_coefficients(truth, np.array([lead]), *state, help_, at, seen)
    failed = 0.0 if truth.dead[lead] else _failed(floor.world)
    return Seen(
        call, _unfailed(answer, failed), sale, _unfailed(float(seen[0, 0]), failed), float(seen[0, 1])
    )


def _failed(world: World) -> float:
    """The share of unanswered calls that fail."""
    p = world.parameters
    return 1 - p.voicemail - p.ring_out - p.busy


def _unfailed(answer: float, failed: float) -> float:
    return answer / (answer + (1 - answer) * (1 - failed))


def taught(past: Past, at: int, threads: int) -> Bundle:
    """All heads that have enough examples by an instant; nobody races them."""
    found = [(head, examples(past, head, at)) for head in heads()]
    scarce, left_out = scarcity(found)
    kept = [(head, one) for head, one in found if head.name not in left_out]
    features = for_leads(past.leads)
    trained, spare = teach(past, kept, scarce, features, (), threads, Stopwatch(lambda _: None), None)
    models = {name: one.fitted.model for name, one in trained.items()} | spare
    return Bundle("", at, features, models, handle_seconds(past, at), mean_deal(past, at)).named()


def past_of(history: History, told: bool) -> Past:
    """What a store says of a history that was imported."""
    world = history.floor.world
    leads = world.arrived_between(world.start, history.until).tolist()
    items = [lead_item(world, lead) for lead in leads]
    if not told:
        items = [{key: value for key, value in item.items() if key != "value"} for item in items]
    records = [Record(leads=(item,)) for item in items] + [Record(events=(e,)) for e in events_of(history)]
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder)}/world.db", "0" * 32)
        upgrade(engine)
        run_import(engine, ImportOrder("world", "", "", records, history.until))
        past = read_snapshot(engine).past
        engine.dispose()
    return past
