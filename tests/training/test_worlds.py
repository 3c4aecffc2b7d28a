"""Worlds: the truth that heads are held against is the one that the calls were drawn from."""

import numpy as np
import pytest

from features import Past
from features.synthetic.floor import Floor
from features.synthetic.history import History, play_history
from features.synthetic.parameters import family
from features.synthetic.world import make_world
from training.evaluate import log_loss
from training.worlds import Gap, Seen, gaps, past_of, replay


@pytest.fixture(scope="module")
def history() -> History:
    """Five days of two agents."""
    return play_history(make_world(family("F0", scale=0.15, agents=2, days=5), 11), 5)


@pytest.fixture(scope="module")
def seen(history) -> list[Seen]:
    return list(replay(history))


def test_calls_told_again_leave_the_floor_as_they_left_it(history):
    floor = Floor.opening(history.floor.world)
    for call in history.result.log:
        floor.note(call)

    for own, other in zip(floor.ledger, history.floor.ledger, strict=True):
        assert own.tolist() == other.tolist()
    assert floor.conversations.tolist() == history.floor.conversations.tolist()


def test_as_many_answer_and_buy_as_their_chances_say(seen):
    tried = [one for one in seen if one.call.outcome.name != "ERROR"]
    answer = np.array([one.answer for one in tried])
    taken = [one for one in tried if one.call.human_answered and not one.call.abandoned]
    sale = np.array([one.conversion for one in taken])

    answered = sum(one.call.human_answered for one in tried)
    sold = sum(one.call.converted for one in taken)

    assert abs(answered - answer.sum()) < 3 * np.sqrt((answer * (1 - answer)).sum())
    assert abs(sold - sale.sum()) < 3 * np.sqrt((sale * (1 - sale)).sum())


def test_who_knows_more_loses_less(seen):
    tried = [one for one in seen if one.call.outcome.name != "ERROR"]
    label = np.array([float(one.call.human_answered) for one in tried])
    true, observed = (
        np.array([getattr(one, name) for one in tried]) for name in ("answer", "observed_answer")
    )
    constant = np.full(label.size, label.mean())

    assert log_loss(label, true) < log_loss(label, observed) < log_loss(label, constant)


def test_leads_may_come_without_their_worth(history):
    told, untold = past_of(history, told=True), past_of(history, told=False)

    assert isinstance(told, Past)
    assert len(told.log) == len(untold.log) == len(history.result.log)
    assert not np.isnan(told.leads.value).any()
    assert np.isnan(untold.leads.value).all()


def test_the_share_closed_is_one_for_the_truth_and_none_for_the_constant():
    def one(ours: float) -> Gap:
        return Gap("F0", 1, "answer", 100, 0.6, ours, 0.5, 0.4, taught=True)

    assert [one(ours).closed for ours in (0.6, 0.5, 0.4)] == pytest.approx([0, 0.5, 1])


@pytest.mark.slow
def test_every_head_comes_some_of_the_way_to_the_truth():
    found = {one.head: one for one in gaps("F0", 3, 0.2, 1)}

    assert set(found) == {"answer", "conversion", "decay", "handle_time", "value"}
    assert all(one.taught and 0 < one.closed <= 1.02 for one in found.values())
    assert found["value"].closed > 0.99
