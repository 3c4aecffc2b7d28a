"""Turns: one at a time, in the order of asking, as often as the holder likes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.turns import Turns


def test_they_are_given_in_the_order_of_asking():
    turns, order = Turns(), list[int]()

    def one(number: int) -> None:
        with turns:
            order.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    with turns:
        for number, thread in enumerate(threads):
            thread.start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()

    assert order == list(range(20))


def test_one_at_a_time_has_it_and_none_is_lost():
    turns, count = Turns(), [0]

    def many(_: int) -> None:
        for _turn in range(300):
            with turns, turns:
                seen = count[0]
                time.sleep(0)
                count[0] = seen + 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(many, range(8)))

    assert count == [8 * 300]


def test_an_error_gives_it_on():
    turns = Turns()
    with pytest.raises(ValueError, match="x"), turns:
        raise ValueError("x")

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(turns.__enter__).result(5) is None
