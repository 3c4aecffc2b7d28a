"""Hands: workers of one host hear who holds what, so that none asks for what another one has."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from sqlalchemy import Engine, select

from features.instants import SECOND
from features.store.engine import reading
from features.store.tables import draw
from serving.desk import Desk
from serving.handout import Batch, Order, Seal
from serving.hands import WORDS, SharedHands
from serving.leases import Ack
from serving.packed import unpacked

from .desks import OPEN as AT
from .desks import a_desk, ids, many_leads, poll, tell_leads

SALT = b"salt"


@pytest.fixture
def pair(engine: Engine, tmp_path: Path) -> tuple[Desk, Desk]:
    """Two workers of one host, on ten leads that both know."""
    tell_leads(engine, many_leads(10))
    desks = a_desk(engine), a_desk(engine)
    for desk in desks:
        desk.hands = SharedHands(tmp_path, SALT)
        desk.follow(AT)
    return desks


def test_what_another_worker_holds_is_not_asked_for(pair: tuple[Desk, Desk]):
    one, other = pair
    first = poll(one, AT, 6)

    second = poll(other, AT, 6, "d2")

    assert (len(first.items), len(second.items)) == (6, 4)
    assert second.withheld["leased"] == 6
    assert not set(ids(first)) & set(ids(second))


def test_what_another_worker_gave_back_is_free_again(pair: tuple[Desk, Desk]):
    one, other = pair
    first = poll(one, AT, 10)
    one.acknowledge([Ack(item.lease_id, "released") for item in first.items[:3]], AT + SECOND)

    second = poll(other, AT + 2 * SECOND, 10, "d2")

    assert sorted(ids(second)) == sorted(ids(first)[:3])


def test_an_acknowledgement_may_reach_any_worker(pair: tuple[Desk, Desk]):
    one, other = pair
    first = poll(one, AT, 10)
    other.acknowledge([Ack(first.items[0].lease_id, "released")], AT + SECOND)

    assert ids(poll(one, AT + 2 * SECOND, 10)) == [first.items[0].lead_id]


def test_what_was_not_handed_out_after_all_is_free_for_others(pair: tuple[Desk, Desk]):
    one, other = pair

    def fail(*_: object) -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        one.lease("spring", Order(10), "broken", AT, Seal(lambda _connection: None, fail))

    assert len(poll(other, AT, 10, "d2").items) == 10


def test_workers_that_choose_at_the_same_time_choose_different_leads(engine: Engine, tmp_path: Path):
    """Nothing that one chose is wanted by another, although each made ready before it heard."""
    tell_leads(engine, many_leads(200))
    desks, start = [a_desk(engine) for _ in range(4)], Barrier(4)
    for desk in desks:
        desk.hands = SharedHands(tmp_path, SALT)
        desk.follow(AT)

    def dialer(number: int) -> int:
        start.wait()
        return sum(
            len(poll(desks[number], AT, 5, f"d{number}", key=f"{number}-{n}").items) for n in range(10)
        )

    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(dialer, range(4)))

    with reading(engine) as connection:
        turns = [unpacked(told)["turns"] for told in connection.execute(select(draw.c.told)).scalars()]
    assert given == [50] * 4
    assert {(len(of_poll), of_poll[0]["tried"]) for of_poll in turns} == {(1, 5)}


def test_a_lead_that_a_worker_does_not_know_yet_is_no_trouble(pair: tuple[Desk, Desk]):
    one, other = pair
    one.hands.tell(np.array([10**9]), AT, AT + SECOND)

    assert len(poll(other, AT, 10).items) == 10


def test_words_go_to_other_workers_in_their_order_and_to_none_twice(tmp_path: Path):
    one, other = SharedHands(tmp_path, SALT), SharedHands(tmp_path, SALT)
    one.tell(np.array([3, 1]), 5, np.array([7, 8]))
    other.tell(np.array([2]), 6, 9)
    one.tell(np.array([3]), 6, 0)

    assert other.heard().tolist() == [[3, 5, 7], [1, 5, 8], [3, 6, 0]]
    assert one.heard().tolist() == [[2, 6, 9]]
    assert other.heard().size == 0


def test_who_listens_too_late_hears_the_newest(tmp_path: Path):
    one, other = SharedHands(tmp_path, SALT), SharedHands(tmp_path, SALT)
    for first in range(0, WORDS + 1000, 1000):
        one.tell(np.arange(first, first + 1000), 0, 1)

    heard = other.heard()[:, 0]

    assert heard.size == WORDS
    assert heard[-1] == first + 999
    assert np.array_equal(np.diff(heard), np.ones(WORDS - 1))


def test_installations_and_late_comers_do_not_hear_old_words(tmp_path: Path):
    one, stranger = SharedHands(tmp_path, SALT), SharedHands(tmp_path, b"another")
    one.tell(np.array([1]), 0, 1)

    assert stranger.heard().size == 0
    assert SharedHands(tmp_path, SALT).heard().size == 0


def test_processes_that_speak_at_the_same_time_lose_no_word(tmp_path: Path):
    listener, spawn = SharedHands(tmp_path, SALT), multiprocessing.get_context("spawn")
    speakers = [spawn.Process(target=_speak, args=(tmp_path, number)) for number in range(3)]
    for one in speakers:
        one.start()
    for one in speakers:
        one.join()

    heard = listener.heard()

    assert sorted(heard[:, 0].tolist()) == list(range(3 * 2000))
    assert np.array_equal(heard[:, 1], heard[:, 0] + 1)


def _speak(folder: Path, number: int) -> None:
    hands = SharedHands(folder, SALT)
    for first in range(number * 2000, number * 2000 + 2000, 10):
        hands.tell(np.arange(first, first + 10), np.arange(first, first + 10) + 1, 0)


def test_a_poll_is_served_while_the_one_before_is_being_put_on_record(engine: Engine):
    tell_leads(engine, many_leads(10))
    desk = a_desk(engine)
    desk.follow(AT)
    held, meanwhile = Barrier(2, timeout=20), list[Batch]()

    def beside(_given: Batch) -> None:
        if engine.dialect.name == "postgresql":  # SQLite has one writer, who has its record written then
            held.wait()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(desk.lease, "spring", Order(4), "one", AT, Seal(meanwhile=beside))
        second = pool.submit(desk.lease, "spring", Order(4), "two", AT, Seal(meanwhile=beside))
        meanwhile += [first.result(30), second.result(30)]

    handed = [item.lead_id for batch in meanwhile for item in batch.items]
    assert len(handed) == len(set(handed)) == 8


@pytest.mark.parametrize("key", ["", "named"])
def test_leads_whose_record_fails_are_free_at_once(
    pair: tuple[Desk, Desk], monkeypatch: pytest.MonkeyPatch, key: str
):
    one, other = pair

    def fail(*_: object, **__: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as while_broken:
        while_broken.setattr("serving.desk.insert_all", fail)
        with pytest.raises(InterruptedError):
            one.lease("spring", Order(10), key, AT)

    assert len(poll(other, AT + SECOND, 6, "d2").items) == 6
    assert len(poll(one, AT + 2 * SECOND, 10).items) == 4
