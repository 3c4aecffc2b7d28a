"""The desk: who is handed out, by several workers at once, after a restart, and the same again."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, select

from features.instants import DAY, HOUR, MINUTE, SECOND, render
from features.store.answers import Asked, claim
from features.store.engine import reading, transaction
from features.store.tables import batch, decision, draw
from serving.desk import Desk
from serving.handout import Batch, Order, Seal
from serving.inquiry import check
from serving.leases import Ack
from serving.models import Models
from serving.rules.hours import open_until
from tests.features.store.tellings import a_lead, a_phone, an_event

from .desks import OPEN as AT
from .desks import a_desk, a_dial, a_stop, ids, many_leads, poll, tell, tell_leads

SHARED = [{"e164": a_phone("ann"), "type": "mobile"}]


@pytest.fixture
def floor(engine: Engine) -> Engine:
    """Forty leads."""
    tell_leads(engine, many_leads(40))
    return engine


def test_workers_that_poll_at_the_same_time_never_hand_out_a_lead_twice(floor: Engine):
    """Four desks, each polling ten times, all wanting the same best leads."""
    desks = [a_desk(floor) for _ in range(4)]
    start = Barrier(4)

    def dialer(number: int) -> list[str]:
        start.wait()
        return [
            lead for turn in range(10) for lead in
            ids(poll(desks[number], AT + turn * SECOND, 7, f"d{number}", key=f"{number}-{turn}"))
        ]  # fmt: skip

    with ThreadPoolExecutor(4) as threads:
        given = Counter(lead for leads in threads.map(dialer, range(4)) for lead in leads)

    assert len(given) == 40
    assert set(given.values()) == {1}


def test_workers_never_wait_for_each_other_in_a_circle(floor: Engine):
    """Three desks poll and give back in their own order, while stops come and go."""
    desks = [a_desk(floor) for _ in range(3)]
    start = Barrier(4)

    def dialer(number: int) -> int:
        start.wait()
        for turn in range(15):
            at = AT + 2 * turn * MINUTE  # later than what a desk remembers as lost
            given = poll(desks[number], at, 30, f"d{number}", key=f"{number}-{turn}")
            back = [Ack(item.lease_id, "released") for item in given.items]
            desks[number].acknowledge(back[:: 1 - 2 * (turn % 2)], at)
        return 15

    def stopper(_number: int) -> int:
        start.wait()
        for turn in range(15):
            kind = ("dnc.removed", "dnc.added")[turn % 2]
            tell(floor, *(a_stop(kind, AT + turn, lead_id=f"lead-{n:04d}") for n in range(10, 0, -1)))
        return 15

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(dialer, number) for number in range(3)] + [threads.submit(stopper, 3)]

    assert [one.result() for one in done] == [15] * 4


def test_a_poll_gets_what_it_asks_for_although_another_worker_holds_the_best(floor: Engine):
    one, other = a_desk(floor), a_desk(floor)
    other.follow(AT)
    first = poll(one, AT, 25)

    second = poll(other, AT, 15, "d2")

    assert (len(first.items), len(second.items)) == (25, 15)
    assert not set(ids(first)) & set(ids(second))


def test_a_number_shared_by_two_leads_is_in_one_hand(engine: Engine):
    tell_leads(engine, [a_lead("ann"), a_lead("twin", phones=SHARED), a_lead("bob")])
    desk = a_desk(engine)

    first, second = poll(desk, AT, 3), poll(desk, AT, 3, "d2")

    assert sorted({lead.replace("twin", "ann") for lead in ids(first)}) == ["ann", "bob"]
    assert (len(first.items), second.items) == (2, ())
    assert second.withheld["leased"] == 3


def test_leads_are_withheld_for_one_reason_each(engine: Engine):
    leads = [
        a_lead("ann"),
        a_lead("bob", phones=[]),
        a_lead("cid", created_at="2025-11-05T08:00:00Z", updated_at="2025-11-05T08:00:00Z"),
        a_lead("dan"),
        a_lead("eve"),
    ]
    tell_leads(engine, leads)
    tell(engine, a_stop("dnc.added", AT, lead_id="dan"), a_dial("c1", "eve", AT - HOUR))

    given = poll(a_desk(engine), AT)

    counted = {name: count for name, count in given.withheld.items() if count}
    assert ids(given) == ["ann"]
    assert counted == {"unworkable": 1, "too_old": 1, "dnc": 1, "min_gap": 1}


def test_a_due_callback_comes_first_and_is_not_drawn(floor: Engine):
    tell(floor, an_event("callback.scheduled", lead_id="lead-0039", at=render(AT + 10 * MINUTE)))

    given = poll(a_desk(floor), AT, 5)

    assert given.items[0].lead_id == "lead-0039"
    assert (given.items[0].source, given.items[0].propensity) == ("callback", 1.0)


def test_every_hand_out_is_on_record_with_its_batch(floor: Engine):
    given = poll(a_desk(floor), AT, 12)

    with reading(floor) as connection:
        rows = connection.execute(select(decision).order_by(decision.c.rank)).all()
        (kept,) = connection.execute(select(batch)).all()
    assert [row.lease_id for row in rows] == [item.lease_id for item in given.items]
    assert [row.rank for row in rows] == list(range(1, 13))
    assert all(0 < row.propensity <= 1 for row in rows)
    assert (kept.batch_id, kept.n, kept.withheld) == (given.batch_id, 12, given.withheld)


def test_the_holdout_gets_its_share_of_seconds(engine: Engine):
    tell_leads(engine, many_leads(400))
    desk = a_desk(engine)

    given = [item for turn in range(20) for item in poll(desk, AT + turn * SECOND, 10).items]

    by_arm = Counter(item.arm for item in given)
    assert len(given) == 200
    assert 10 <= by_arm["holdout"] <= 30


def test_equal_states_and_keys_give_equal_queues(floor: Engine):
    """Also where one desk followed piece by piece and the other has just been started."""
    followed = a_desk(floor)
    followed.follow(AT)
    tell_leads(floor, [many_leads(1, 3)[0] | {"value": 5, "updated_at": render(AT)}])
    fresh = a_desk(floor)

    def offered(desk: Desk) -> list[str]:
        given = poll(desk, AT, 20, key="k")
        desk.acknowledge([Ack(item.lease_id, "released") for item in given.items], AT)
        with transaction(floor) as connection:
            connection.execute(decision.delete())
            connection.execute(batch.delete())
            connection.execute(draw.delete())
        return ids(given)

    assert offered(followed) == offered(fresh) == offered(followed)


def test_another_key_draws_another_name_for_each_lease(floor: Engine):
    desk = a_desk(floor)

    names = [item.lease_id for key in ("a", "b") for item in poll(desk, AT, 5, key=key).items]

    assert len(set(names)) == 10


def test_a_restarted_desk_knows_who_holds_what(floor: Engine):
    given = poll(a_desk(floor), AT, 30)

    again = poll(a_desk(floor), AT + SECOND, 40, "d2")

    assert again.withheld["leased"] == 30
    assert not set(ids(given)) & set(ids(again))


def test_what_is_given_back_goes_out_again_and_what_expired_too(floor: Engine):
    desk = a_desk(floor)
    first = poll(desk, AT, 40)
    desk.acknowledge([Ack(item.lease_id, "released") for item in first.items[:10]], AT + SECOND)

    returned = poll(desk, AT + SECOND, 40, "d2", 900)
    expired = poll(desk, AT + 120 * SECOND, 40, "d3")

    assert sorted(ids(returned)) == sorted(ids(first)[:10])
    assert sorted(ids(expired)) == sorted(ids(first)[10:])


class Meanwhile(Models):
    """No models; but something happens while they are asked: after the desk has read, before it claims."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__("sqlite:////nowhere/mlflow.db", Path("/nowhere"))
        self._happens = [happens]

    def champion(self) -> None:
        if self._happens:
            self._happens.pop()()


def test_nobody_is_handed_out_who_is_suppressed_between_reading_and_claiming(floor: Engine):
    stops = [a_stop("dnc.added", AT, lead_id=f"lead-{n:04d}") for n in range(39)]
    desk = a_desk(floor, Meanwhile(lambda: tell(floor, *stops)))

    assert ids(poll(desk, AT, 40)) == ["lead-0039"]


def test_nobody_is_handed_out_who_is_erased_between_reading_and_claiming(floor: Engine):
    """Such a lead has no number any more, and none is told."""
    gone = [an_event("lead.erased", "", AT, lead_id=f"lead-{n:04d}") for n in range(39)]
    desk = a_desk(floor, Meanwhile(lambda: tell(floor, *gone)))

    given = poll(desk, AT, 40)

    assert ids(given) == ["lead-0039"]
    assert all(item.phone for item in given.items)


def test_nobody_is_handed_out_whose_call_is_told_between_reading_and_claiming(floor: Engine):
    """Another worker's lease ends with its call: then the gap forbids, which the desk has not read yet."""
    other = a_desk(floor)
    desk = a_desk(floor)
    desk.follow(AT)
    held = poll(other, AT, 1).items[0]
    called = a_dial("c1", held.lead_id, AT + SECOND, lease_id=held.lease_id)
    desk.models = Meanwhile(lambda: tell(floor, called, at=AT + 3 * MINUTE))

    given = poll(desk, AT + 3 * MINUTE, 40)

    assert held.lead_id not in ids(given)


def test_nobody_is_handed_out_whose_number_became_one_in_other_hands_between_reading_and_claiming(
    floor: Engine,
):
    other, desk = a_desk(floor), a_desk(floor)
    desk.follow(AT)
    held = poll(other, AT, 1, seconds=900).items[0]
    same = [{"e164": held.phone, "type": "mobile"}]
    moved = [
        lead | {"phones": same, "updated_at": "2026-01-05T09:00:00Z"}
        for lead in many_leads(40)
        if lead["lead_id"] != held.lead_id
    ][:5]
    desk.models = Meanwhile(lambda: tell_leads(floor, moved, AT))

    given = poll(desk, AT + SECOND, 40, "d2")

    assert len(given.items) == 34
    assert held.phone not in {item.phone for item in given.items}


def test_news_that_a_first_round_brought_forbids_in_the_later_rounds_too(floor: Engine):
    """The best are in other hands; whoever is tried next was called meanwhile, which that round told."""
    other, desk = a_desk(floor), a_desk(floor)
    desk.follow(AT)
    held = poll(other, AT, 20, seconds=900).items
    calls = [
        a_dial(f"c{n}", item.lead_id, AT + SECOND, lease_id=item.lease_id) for n, item in enumerate(held[12:])
    ]
    desk.models = Meanwhile(lambda: tell(floor, *calls, at=AT + 3 * MINUTE))

    given = poll(desk, AT + 3 * MINUTE, 2, "d2")

    assert ids(given)
    assert not {item.lead_id for item in held} & {*ids(given)}


def test_a_desk_reads_nothing_twice(floor: Engine):
    desk = a_desk(floor)
    desk.follow(AT)
    past = desk.ledger.past()

    desk.follow(AT + SECOND)

    assert desk.ledger.past() is past


def test_an_item_says_until_when_it_may_be_called(floor: Engine):
    desk = a_desk(floor)

    item = poll(desk, AT, 1).items[0]

    rows = np.array([item.row])
    assert (
        item.callable_until == open_until(desk.roster.standing(rows, desk.plan("spring", AT).caps, AT), AT)[0]
    )


def test_check_fails_closed(floor: Engine):
    desk = a_desk(floor)
    item = poll(desk, AT, 1).items[0]

    held = check(desk, "spring", None, None, item.lease_id, AT)
    expired = check(desk, "spring", None, None, item.lease_id, AT + 120 * SECOND)
    by_number = check(desk, "spring", None, item.phone, None, AT)
    unknown = [
        check(desk, "spring", "nobody", None, None, AT),
        check(desk, "spring", None, "+12125550000", None, AT),
    ]

    assert held.allow
    assert (expired.allow, expired.rules_failed) == (False, ("lease_expired",))
    assert (by_number.allow, by_number.rules_failed) == (False, ("LEASED",))
    assert [one.allow for one in unknown] == [False, False]
    assert check(desk, "spring", item.lead_id, None, None, AT + 12 * HOUR).allow is False
    assert check(desk, "spring", item.lead_id, None, None, AT + DAY).allow


def test_the_last_gate_knows_the_leads_of_the_campaign_that_asks_alone(floor: Engine):
    desk = a_desk(floor)
    item = poll(desk, AT, 1).items[0]

    asked = [(item.lead_id, None, None), (None, item.phone, None), (None, None, item.lease_id)]
    told = [check(desk, "autumn", *named, AT) for named in asked]

    assert [(one.allow, one.rules_failed) for one in told] == [
        (False, ("unknown_lead",)), (False, ("unknown_phone",)), (False, ("lease_expired",)),
    ]  # fmt: skip


def test_a_lease_speaks_of_the_number_that_it_was_given_for(floor: Engine):
    desk = a_desk(floor)
    item = poll(desk, AT, 1).items[0]
    moved = a_lead(item.lead_id, updated_at=render(AT), phones=[{"e164": "+14155550123", "type": "mobile"}])
    tell_leads(floor, [moved], AT)

    checked = check(desk, "spring", None, None, item.lease_id, AT)
    (acked,) = desk.acknowledge([Ack(item.lease_id, "dialing")], AT)

    assert (checked.allow, checked.rules_failed) == (False, ("number_changed",))
    assert check(desk, "autumn", None, None, item.lease_id, AT).rules_failed == ("lease_expired",)
    assert (acked.status, acked.code) == (410, "not_callable")


def test_every_rule_is_asked_again_before_a_leased_lead_is_dialed(floor: Engine):
    desk = a_desk(floor)
    item, other = poll(desk, AT, 2).items
    tell(floor, a_dial("by-hand", other.lead_id, AT - MINUTE, phone=item.phone), at=AT + MINUTE)

    (acked,) = desk.acknowledge([Ack(item.lease_id, "dialing")], AT + MINUTE)

    assert check(desk, "spring", None, None, item.lease_id, AT + MINUTE).rules_failed == ("GAP",)
    assert (acked.status, acked.code) == (410, "not_callable")


def test_an_answer_holds_until_the_lead_is_too_old(engine: Engine):
    received = AT - 30 * DAY + 5 * MINUTE
    tell_leads(engine, [a_lead("old", created_at=render(received), updated_at=render(received))])
    desk = a_desk(engine)

    told = check(desk, "spring", "old", None, None, AT)
    given = poll(desk, AT, 1).items[0]

    assert told.allow
    assert told.valid_until == given.callable_until == AT + 5 * MINUTE + 1
    assert not check(desk, "spring", "old", None, None, told.valid_until).allow
    assert check(desk, "spring", "old", None, None, told.valid_until - 1).allow


def test_a_batch_whose_record_fails_at_the_very_end_leaves_neither_leases_nor_a_spent_key(engine: Engine):
    tell_leads(engine, many_leads(3))
    desk, asked = a_desk(engine), Asked("k", "/lease", "floor", b"digest")

    def fail(_connection: Connection, _given: Batch) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        desk.lease("spring", Order(2), "k", AT, Seal(lambda c: assert_free(c, asked), fail))

    given = desk.lease("spring", Order(3), "k", AT, Seal(lambda c: assert_free(c, asked), lambda *_: None))
    assert len(given.items) == 3
    with reading(engine) as connection:
        assert claim(connection, asked, AT) is not None


def assert_free(connection: Connection, asked: Asked) -> None:
    assert claim(connection, asked, AT) is None
