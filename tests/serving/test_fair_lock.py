"""The fair lock: one at a time, in the order of asking, as often as the holder likes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.fair_lock import FairLock


def test_they_are_given_in_the_order_of_asking():
    lock, order = FairLock(), list[int]()

    def one(number: int) -> None:
        with lock:
            order.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    with lock:
        for number, thread in enumerate(threads):
            thread.start()
            while len(lock._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()

    assert order == list(range(20))


def test_one_at_a_time_has_it_and_none_is_lost():
    lock, count = FairLock(), [0]

    def many(_: int) -> None:
        for _turn in range(300):
            with lock, lock:
                seen = count[0]
                time.sleep(0)
                count[0] = seen + 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(many, range(8)))

    assert count == [8 * 300]


def test_an_error_gives_it_on():
    lock = FairLock()
    with pytest.raises(ValueError, match="x"), lock:
        raise ValueError("x")

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(lock.__enter__).result(5) is None


def test_it_is_taken_while_anybody_has_it():
    lock = FairLock()
    with lock:
        assert lock.taken
    assert not lock.taken
