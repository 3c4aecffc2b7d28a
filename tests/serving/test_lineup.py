"""The lineup: followed from news to news it says what all leads judged, scored and sorted anew would say."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine

from features import for_leads
from features.instants import DAY, HOUR, MINUTE, SECOND, render
from features.store.campaigns import write_campaign
from features.store.engine import open_engine, transaction
from features.store.ledger import Ledger
from serving.desk import Desk
from serving.handout import Order
from serving.inquiry import diagnose
from serving.leases import Ack
from serving.memory import Memory
from serving.models import Models
from serving.ranking.policy import Arm, Experiment
from serving.roster import Roster
from serving.scores import ScoreSheet
from tests.conftest import empty
from tests.features.store.tellings import a_lead, an_event
from training.bundle import Bundle, Model
from training.calibration import AS_IT_IS
from training.dataset import PRIOR_SECONDS
from training.margin import Curve, Margin

from .desks import OPEN, a_desk, a_dial, a_stop, poll, remember, restarted, tell, tell_leads
from .twin import assert_agrees

NUMBERS = [f"+1{area}555{n:04d}" for area in (212, 808) for n in range(3)]
NAMES = [f"lead-{n}" for n in range(8)]
CHANNELS = ("web_form", "partner")

names, numbers = st.sampled_from(NAMES), st.sampled_from(NUMBERS)
outcomes = st.sampled_from(
    ["no_answer", "contact_refused", "converted", "do_not_call", "contact_no_decision"]
)


def a_bundle(desk: Desk, seed: int) -> Bundle:
    """A model that sees every feature a little: scores differ, and change as leads age and are called."""
    desk.follow(OPEN)
    features, rng = for_leads(desk.ledger.past().leads), np.random.default_rng(seed)
    knots, silent = np.array([0.0, 1.0, 10.0, 100.0]), np.empty(0)
    curves = tuple(
        Curve(True, silent, silent, 0.0)
        if one.categorical
        else Curve(False, knots, np.cumsum(rng.normal(0, 0.1, 4)), 0.0)
        for one in features
    )
    model = Model("", Margin(-1.0, curves), AS_IT_IS)
    return Bundle("", OPEN - seed, features, {"answer": model, "conversion": model}, PRIOR_SECONDS).named()


class Campaign(RuleBasedStateMachine):
    """A store, a desk that follows it, and whatever may be told."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__()
        empty(engine)
        self.engine, self.at, self.events = engine, OPEN, 0
        self.folder, self.saved = folder, False
        self.calls: list[str] = []
        self.given: list[str] = []
        for name, number in zip(NAMES[:6], NUMBERS, strict=False):
            self.say_lead(name, number, "web_form", "spring", 50.0)
        self.desk = a_desk(engine)
        self.swap(1)

    def swap(self, seed: int) -> None:
        uri, cache = self.desk.models.uri, self.desk.models.cache
        self.desk.models = Models(uri, cache, "", a_bundle(self.desk, seed) if seed else None)

    def say_lead(self, name: str, number: str, channel: str, campaign: str, value: float) -> None:
        self.at += 1
        said = {
            "campaign": campaign,
            "source": f"of {value:.0f}",
            "channel": channel,
            "value": value,
            "updated_at": render(self.at),
        }
        phones = [{"e164": number, "type": "mobile"}]
        received = render(OPEN - NAMES.index(name) * HOUR)
        tell_leads(self.engine, [a_lead(name, phones=phones, created_at=received, **said)], self.at)

    def say(self, event: dict[str, object]) -> None:
        self.events += 1
        tell(self.engine, event | {"id": f"e{self.events}"}, at=self.at)

    @rule(step=st.sampled_from([SECOND, MINUTE, 16 * MINUTE, 2 * HOUR, 9 * HOUR, DAY, 8 * DAY]))
    def time_passes(self, step: int) -> None:
        self.at += step

    @rule(
        name=names, number=numbers, channel=st.sampled_from(CHANNELS),
        campaign=st.sampled_from(["spring", "spring", "autumn"]), value=st.sampled_from([10.0, 50.0, 200.0]),
    )  # fmt: skip
    def a_lead_is_told(self, name: str, number: str, channel: str, campaign: str, value: float) -> None:
        self.say_lead(name, number, channel, campaign, value)

    @rule(name=names, number=st.none() | numbers, outcome=outcomes, ago=st.sampled_from([0, HOUR, DAY]))
    def a_call_is_told(self, name: str, number: str | None, outcome: str, ago: int) -> None:
        self.calls.append(f"call-{len(self.calls)}")
        self.told_again(self.calls[-1], name, number, outcome, ago)

    @rule(data=st.data(), name=names, outcome=outcomes, ago=st.sampled_from([0, HOUR, DAY]))
    def a_call_is_corrected(self, data: st.DataObject, name: str, outcome: str, ago: int) -> None:
        if self.calls:
            self.told_again(data.draw(st.sampled_from(self.calls)), name, None, outcome, ago)

    def told_again(self, call: str, name: str, number: str | None, outcome: str, ago: int) -> None:
        self.at += 3 * MINUTE
        more = {} if number is None else {"phone": number}
        human = outcome.startswith("con")
        start = self.at - 3 * MINUTE - ago
        self.say(a_dial(call, name, start, outcome, human_answered=human, **more) | {"time": render(self.at)})

    @rule(data=st.data(), outcome=outcomes, wait=st.sampled_from([0, 7200]))
    def a_call_is_disposed(self, data: st.DataObject, outcome: str, wait: int) -> None:
        if self.calls:
            call = data.draw(st.sampled_from(self.calls))
            told = an_event(
                "call.disposed", "", self.at, call_id=call, disposition=outcome, next_after_s=wait
            )
            self.say(told)

    @rule(name=names, kind=st.sampled_from(["scheduled", "cancelled"]), wait=st.sampled_from([0, HOUR]))
    def a_callback_is_told(self, name: str, kind: str, wait: int) -> None:
        self.at += 1
        self.say(an_event(f"callback.{kind}", "", self.at, lead_id=name, at=render(self.at + wait)))

    @rule(name=names, number=numbers, by_number=st.booleans(), kind=st.sampled_from(["added", "removed"]))
    def silence_is_asked_for(self, name: str, number: str, by_number: bool, kind: str) -> None:
        self.at += 1
        subject = {"phone": number} if by_number else {"lead_id": name}
        self.say(a_stop(f"dnc.{kind}", self.at, **subject))

    @rule(
        holdout=st.sampled_from([0.0, 0.5, 1.0]), uniform=st.sampled_from([0.0, 0.5]),
        floor=st.sampled_from([0.0, 0.2]),
        order=st.sampled_from(["newest", "oldest", "fewest_attempts", "longest_waiting", "random"]),
        aim=st.sampled_from(["value", "conversions"]), lifetime=st.sampled_from([2, 8]),
        arms=st.lists(st.sampled_from(["model", "model", "newest", "random"]), max_size=4),
    )  # fmt: skip
    def the_plan_changes(
        self, holdout: float, uniform: float, floor: float, order: str, aim: str, lifetime: int,
        arms: list[str],
    ) -> None:  # fmt: skip
        plan = {"holdout": holdout, "uniform": uniform, "fairness_floor": floor, "baseline_order": order,
                "objective": aim, "caps": {"lifetime": lifetime, "min_gap_s": 600}}  # fmt: skip
        if arms:
            dealt = [Arm(f"a{n}", 1 / len(arms), one, 0.1 + n) for n, one in enumerate(arms)]
            tried = Experiment(f"e{len(arms)}{self.at}", tuple(dealt), holdout, self.at - HOUR, self.at + DAY)
            plan["experiments"] = [asdict(tried)]
        with transaction(self.engine) as connection:
            write_campaign(connection, "spring", plan, self.at)

    @rule()
    def what_the_desk_knows_is_saved(self) -> None:
        remember(self.desk, self.folder)
        self.saved = True

    @rule()
    def another_process_goes_on(self) -> None:
        if self.saved:
            self.desk = restarted(self.desk, self.folder, self.at)

    @rule(seed=st.integers(0, 3))
    def another_model_serves(self, seed: int) -> None:
        self.swap(seed)

    @rule(seed=st.integers(1, 3), some=st.booleans())
    def another_model_takes_over_once_it_scored(self, seed: int, some: bool) -> None:
        """Everybody, or but some: the others wait for their scores."""
        champion, sheet = a_bundle(self.desk, seed), ScoreSheet()
        rows = self.desk.lineup("spring", self.at).offered()[:: 2 if some else 1]
        sheet.reserve(len(self.desk.ledger.leads))
        sheet.score(self.desk.ledger.past(), champion, rows, self.at, self.desk.ledger.seq)
        self.desk.succeed(champion, sheet)

    @rule(n=st.integers(1, 5), seconds=st.sampled_from([30, 300]))
    def a_dialer_polls(self, n: int, seconds: int) -> None:
        self.given += [item.lease_id for item in poll(self.desk, self.at, n, seconds=seconds).items]

    @rule(data=st.data(), state=st.sampled_from(["dialing", "released", "dialed"]))
    def a_lease_is_acknowledged(self, data: st.DataObject, state: str) -> None:
        if self.given:
            self.desk.acknowledge([Ack(data.draw(st.sampled_from(self.given)), state)], self.at)

    @invariant()
    def the_lineup_says_what_its_twin_says(self) -> None:
        assert_agrees(self.desk, "spring", self.at, Order(3))

    @rule()
    def scores_are_renewed_ahead(self) -> None:
        if self.desk.models.champion() is not None:
            lineup = self.desk.lineup("spring", self.at)
            slots = lineup.slots_of(lineup.unscored(15 * MINUTE))
            lineup.score(slots, self.desk.ledger.past(), self.desk.ledger.seq)

    @rule(
        n=st.integers(1, 6), channels=st.sets(st.sampled_from(CHANNELS)),
        regions=st.sampled_from([(), ("NY",)]), exclude=st.sets(names, max_size=3),
    )  # fmt: skip
    def so_it_does_of_some(
        self, n: int, channels: set[str], regions: tuple[str, ...], exclude: set[str]
    ) -> None:
        order = Order(n, channels=tuple(channels), regions=regions, exclude=tuple(exclude))
        assert_agrees(self.desk, "spring", self.at, order)

    def teardown(self) -> None:
        for campaign in ("spring", "autumn"):
            for later in (0, MINUTE, 3 * HOUR, 12 * HOUR, 40 * DAY):
                assert_agrees(self.desk, campaign, self.at + later, Order(3))


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Engine]:
    shutil.copy(template, tmp_path / "leadrank.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'leadrank.db'}")
    yield engine
    engine.dispose()


def test_whatever_is_told_the_lineup_stands_as_if_it_were_made_anew(store: Engine, tmp_path: Path):
    class OnThisStore(Campaign):
        def __init__(self) -> None:
            super().__init__(store, tmp_path)

    run_state_machine_as_test(
        OnThisStore,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_a_call_holds_back_everyone_with_the_number_dialed(store: Engine):
    shared = [{"e164": NUMBERS[0], "type": "mobile"}]
    tell_leads(store, [a_lead("ann", phones=shared), a_lead("bob", phones=shared)])
    desk = a_desk(store)
    assert_agrees(desk, "spring", OPEN, Order(3))

    tell(store, a_dial("c1", "ann", OPEN - MINUTE))
    assert_agrees(desk, "spring", OPEN, Order(3))

    assert diagnose(desk, "spring", OPEN).withheld["min_gap"] == 2


class Stumbling(Roster):
    """A roster that fails once, at the n-th of the questions of one name that come next."""

    name, left = "", 0

    def __getattribute__(self, name: str) -> object:
        if name == super().__getattribute__("name"):
            self.left -= 1
            if not self.left:
                raise MemoryError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("question", "nth"), [("arms", 1), ("standing", 1), ("standing", 2), ("turns_at", 1), ("turns_at", 2)]
)
def test_after_an_error_news_and_turns_are_not_forgotten(store: Engine, question: str, nth: int):
    """One lead is new, one was called, the lease of a third has ended: each is judged at the next try."""
    tell_leads(store, [a_lead(f"lead-{n}", phones=[{"e164": NUMBERS[n]}]) for n in range(3)])
    ledger = Ledger()
    roster = Stumbling(ledger)
    desk = replace(a_desk(store), memory=Memory(ledger, roster, ScoreSheet(), {}))
    held = poll(desk, OPEN, 1, seconds=60).items[0].lead_id
    called = next(name for name in NAMES if name != held)
    assert_agrees(desk, "spring", OPEN, Order(3))
    tell_leads(store, [a_lead("late", phones=[{"e164": "+12125550003"}])])
    tell(store, a_dial("c1", called, OPEN - MINUTE))
    desk.follow(OPEN + 2 * MINUTE)

    roster.name, roster.left = question, nth
    with pytest.raises(MemoryError):
        desk.lineup("spring", OPEN + 2 * MINUTE)

    assert_agrees(desk, "spring", OPEN + 2 * MINUTE, Order(3))
    assert diagnose(desk, "spring", OPEN + 2 * MINUTE).callable == 3


def test_a_lead_that_has_left_a_campaign_is_not_offered_by_a_score_that_comes_late(store: Engine):
    tell_leads(store, [a_lead("ann", updated_at=render(OPEN))])
    desk = a_desk(store)
    desk.models = Models(desk.models.uri, desk.models.cache, "", a_bundle(desk, 1))
    rows = desk.lineup("spring", OPEN).unscored(0)
    tell_leads(store, [a_lead("ann", campaign="autumn", updated_at=render(OPEN + SECOND))], OPEN + SECOND)
    desk.follow(OPEN + SECOND)
    lineup = desk.lineup("spring", OPEN + SECOND)

    lineup.score(lineup.slots_of(rows), desk.ledger.past(), desk.ledger.seq)

    assert rows.size == 1
    assert not poll(desk, OPEN + SECOND).items


def test_whom_a_poll_took_is_judged_behind_its_answer_unless_somebody_waits(store: Engine):
    tell_leads(store, [a_lead(f"lead-{n}", phones=[{"e164": NUMBERS[n]}]) for n in range(3)])
    desk = a_desk(store)
    poll(desk, OPEN, 2)

    with desk.lock:
        desk.look_again("spring", OPEN)
        free = desk.lineups["spring"].offered().size
    desk.look_again("spring", OPEN)

    assert (free, desk.lineups["spring"].offered().size) == (3, 1)
    assert_agrees(desk, "spring", OPEN, Order(3))
