"""The crowd: workers of one service know who has less to do, and dialers are led there."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from fastapi import Response
from httpx2 import ASGITransport, AsyncClient

from serving.api.crowd import REST_S, WORKERS, Crowd
from serving.api.meter import Meter
from serving.api.middleware import Edge

HERE = os.getpid()
NOW_S = 1_000.0


def a_worker(file: Path, busy: int, process: int = HERE, *, ready: bool = True) -> Crowd:
    """One with so many requests at work."""
    found = Crowd()
    found.join(file, process)
    if ready:
        found.be_ready()
    for _ in range(busy):
        found.come()
    return found


def a_process_that_is_over() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as over:
        return over.pid


@pytest.mark.parametrize(
    ("busy", "other", "better"), [(0, 0, False), (2, 1, False), (3, 1, True), (2, 0, True), (1, 3, False)]
)
def test_a_dialer_is_led_where_two_requests_fewer_are_at_work(
    tmp_path: Path, busy: int, other: int, better: bool
):
    one, _ = a_worker(tmp_path / "crowd", busy), a_worker(tmp_path / "crowd", other)

    assert one.leads_elsewhere(NOW_S) is better


def test_the_next_dialer_is_led_when_the_last_one_has_had_time_to_arrive(tmp_path: Path):
    one, _ = a_worker(tmp_path / "crowd", 5), a_worker(tmp_path / "crowd", 0)

    led = [one.leads_elsewhere(NOW_S + later) for later in (0.0, REST_S / 2, REST_S, 3 * REST_S)]

    assert led == [True, False, True, True]


def test_nobody_is_led_to_a_worker_that_is_over_or_about_to_be(tmp_path: Path):
    one, leaving = a_worker(tmp_path / "crowd", 5), a_worker(tmp_path / "crowd", 0)
    a_worker(tmp_path / "crowd", 0, process=a_process_that_is_over())
    leaving.leave()

    assert not one.leads_elsewhere(NOW_S)


def test_nobody_is_led_away_while_a_worker_begins(tmp_path: Path):
    one, begins = a_worker(tmp_path / "crowd", 5), a_worker(tmp_path / "crowd", 0, ready=False)
    a_worker(tmp_path / "crowd", 0, process=a_process_that_is_over(), ready=False)

    before = one.leads_elsewhere(NOW_S)
    begins.be_ready()

    assert (before, one.leads_elsewhere(NOW_S)) == (False, True)


def test_a_worker_that_begins_leaves_dialers_to_one_that_is_ready_until_it_is_too(tmp_path: Path):
    a_worker(tmp_path / "crowd", 0)
    begins = a_worker(tmp_path / "crowd", 0, ready=False)
    prepares = Thread(target=begins.prepare, args=(60,))
    prepares.start()

    prepares.join(0.1)
    waited = prepares.is_alive()
    begins.be_ready()
    prepares.join(30)

    assert (waited, prepares.is_alive()) == (True, False)


def test_where_nobody_is_ready_a_worker_takes_whoever_comes(tmp_path: Path):
    a_worker(tmp_path / "crowd", 0, ready=False)
    a_worker(tmp_path / "crowd", 0, process=a_process_that_is_over())
    begins = a_worker(tmp_path / "crowd", 0, ready=False)
    prepares = Thread(target=begins.prepare, args=(60,), daemon=True)
    prepares.start()

    prepares.join(30)

    assert not prepares.is_alive()


def test_a_worker_that_is_alone_leads_nobody_anywhere():
    one = Crowd()
    for _ in range(5):
        one.come()

    assert not one.leads_elsewhere(NOW_S)


def test_the_place_of_a_worker_that_is_over_is_given_to_the_next(tmp_path: Path):
    over = a_process_that_is_over()
    for _ in range(WORKERS - 1):
        a_worker(tmp_path / "crowd", 0)
    a_worker(tmp_path / "crowd", 0, process=over)

    last = a_worker(tmp_path / "crowd", 3)

    assert last.leads_elsewhere(NOW_S)
    assert not a_worker(tmp_path / "crowd", 3).leads_elsewhere(NOW_S)  # no place is left: it is alone


def test_one_that_has_come_is_gone_when_it_is_answered(tmp_path: Path):
    one = a_worker(tmp_path / "crowd", 2)
    one.go()

    assert one.size == 1


def test_the_answer_of_a_worker_with_more_to_do_ends_its_connection(tmp_path: Path):
    one, other = a_worker(tmp_path / "crowd", 0), a_worker(tmp_path / "crowd", 0)

    async def asked() -> str | None:
        edge = Edge(Response(), Meter(), one)
        async with AsyncClient(transport=ASGITransport(edge), base_url="http://floor") as client:
            return (await client.get("/v1/leads")).headers.get("Connection")

    before = asyncio.run(asked())
    one.come()
    with_more = asyncio.run(asked())
    other.come()

    assert (before, with_more, asyncio.run(asked())) == (None, "close", None)
