"""Remarks made ahead are what the poll would have made, and serve as long as the score they explain."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from sqlalchemy import Engine

from features import FeatureMatrix, Moments, compute
from features.instants import HOUR, MINUTE, SECOND
from features.kernel import Int64Array
from features.past import Past
from serving import remarks
from serving.desk import Desk
from serving.handout import Batch
from serving.lookahead import look_ahead
from serving.models import Models
from serving.ranking.reasons import Reason, Strongest
from serving.remarks import Remarks
from serving.standing import Standing
from serving.week_ahead import Interval, Window
from tests.serving.desks import OPEN, a_desk, a_dial, ids, many_leads, poll, tell, tell_leads
from tests.serving.test_lineup import a_bundle


@dataclass
class Counted(Models):
    """Models that count the leads they are asked to remark on."""

    made: list[int] = field(default_factory=list)
    window: Window | None = None
    """Every lead's best one."""

    def remarks(
        self, past: Past, leads: Int64Array, saw: FeatureMatrix, standing: Standing, at: int
    ) -> tuple[Strongest, list[Window | None]]:
        self.made.append(len(saw))
        strongest, _ = super().remarks(past, leads, saw, standing, at)
        return strongest, [self.window] * len(saw)

    def reload(self) -> bool:
        """The champion stays."""
        return False


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """Forty leads and a model that sees every feature."""
    tell_leads(engine, many_leads(40, attributes={"need": 3}), at=OPEN - HOUR)
    tell(engine, *(a_dial(f"c{n}", f"lead-{n:04d}", OPEN - 5 * HOUR) for n in range(15)), at=OPEN - 4 * HOUR)
    found = a_desk(engine)
    found.follow(OPEN)
    found.models = Counted(found.models.uri, found.models.cache, "", a_bundle(found, 3))
    return found


WINDOW = Window(OPEN, OPEN + HOUR, 0.3, Interval(0.2, 0.4), "weak")


def made(desk: Desk) -> int:
    """How many remarks were made since last asked."""
    assert isinstance(desk.models, Counted)
    count = sum(desk.models.made)
    desk.models.made.clear()
    return count


def reasons_by_lead(batch: Batch) -> dict[str, tuple[Reason, ...]]:
    return {item.lead_id: item.reasons.listed for item in batch.items}


def test_a_poll_after_a_look_ahead_says_the_same_and_makes_nothing(desk: Desk):
    look_ahead(desk, OPEN)
    ahead = made(desk)

    given = poll(desk, OPEN + 30 * SECOND, 20)

    assert (ahead, made(desk)) == (40, 0)
    rows = np.array([item.row for item in given.items])
    standing = desk.roster.standing(rows, desk.plan("spring", OPEN).caps, OPEN)
    plainly = Remarks(desk.sheet).of(desk.models, desk.ledger.past(), rows, standing, OPEN)
    assert [item.reasons for item in given.items] == plainly.reasons
    assert all(item.reasons.listed for item in given.items)


def test_a_lead_with_news_is_remarked_on_anew(desk: Desk, engine: Engine):
    look_ahead(desk, OPEN)
    made(desk)
    tell(engine, a_dial("news", "lead-0020", OPEN - 4 * HOUR), at=OPEN + SECOND)

    given = poll(desk, OPEN + MINUTE, 40)

    assert "lead-0020" in ids(given)
    assert made(desk) >= 1


def test_reasons_add_up_to_what_the_model_saw_when_it_gave_the_score(desk: Desk):
    look_ahead(desk, OPEN)
    given = poll(desk, OPEN + 10 * MINUTE, 20)

    bundle = desk.models.champion()
    assert bundle is not None
    rows = np.array([item.row for item in given.items])
    seen = Moments(rows, np.full(rows.size, -1), desk.sheet.scored_at[rows])
    _, effects = bundle.explain(compute(desk.ledger.past(), seen, bundle.features), "conversion")

    told = [sum(reason.effect for reason in item.reasons.listed) for item in given.items]
    assert told == pytest.approx(effects.sum(axis=1).tolist())


def test_another_champion_explains_itself(desk: Desk):
    look_ahead(desk, OPEN)
    desk.models = Counted(desk.models.uri, desk.models.cache, "", a_bundle(desk, 4))

    given = poll(desk, OPEN + SECOND, 20)

    assert made(desk) == 20
    assert len(reasons_by_lead(given)) == 20


def test_of_too_many_remarks_those_made_first_give_way(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remarks, "MOST_KEPT", 35)
    desk.remarks = Remarks(desk.sheet)
    first, second = poll(desk, OPEN, 30), poll(desk, OPEN + SECOND, 10)

    rows = np.array([item.row for item in (*first.items, *second.items)])
    lacking = desk.remarks.lacking(desk.models, rows, OPEN + 2 * SECOND)

    assert lacking.tolist() == rows[:5].tolist()


def test_a_lead_that_comes_back_unchanged_is_not_remarked_on_again(desk: Desk):
    first = poll(desk, OPEN, 30, seconds=60)
    made(desk)

    again = poll(desk, OPEN + 2 * MINUTE, 30)

    assert {*ids(first)} & {*ids(again)}
    assert made(desk) < len(ids(again))


@pytest.mark.parametrize(("at", "serves"), [(OPEN, True), (OPEN + HOUR - 1, True), (OPEN + HOUR, False)])
def test_a_remark_serves_until_its_window_is_over(desk: Desk, at: int, serves: bool):
    assert isinstance(desk.models, Counted)
    rows = np.array([item.row for item in poll(desk, OPEN, 5).items])
    desk.models.window = WINDOW
    windowed = np.array([item.row for item in poll(desk, OPEN, 5).items])

    lacking = [desk.remarks.lacking(desk.models, some, at).size for some in (rows, windowed)]

    assert lacking == [0, 0 if serves else 5]


def test_of_a_window_that_has_begun_the_rest_is_told(desk: Desk):
    assert isinstance(desk.models, Counted)
    desk.models.window = WINDOW
    rows = np.array([item.row for item in poll(desk, OPEN, 5).items])
    made(desk)

    plan = desk.plan("spring", OPEN)
    told = [desk.remark(rows, plan, OPEN + after)[1].windows for after in (-MINUTE, MINUTE)]

    assert made(desk) == 0
    assert told == [[WINDOW] * 5, [replace(WINDOW, start=OPEN + MINUTE)] * 5]


@pytest.mark.parametrize("broken", ["serving.desk.win", "serving.models.strongest", "serving.remarks.told"])
def test_neither_claims_nor_words_that_fail_leave_a_lead_in_hands(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, broken: str
):
    def fail(*_: object, **__: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as while_broken:
        while_broken.setattr(broken, fail)
        with pytest.raises(InterruptedError):
            poll(desk, OPEN, 40)

    assert len(poll(desk, OPEN + SECOND, 40).items) == 40
