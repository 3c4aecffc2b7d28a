"""The crowd: workers of one service know who has less to do, and dialers are led there."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import Response
from httpx2 import ASGITransport, AsyncClient

from serving.api.crowd import WORKERS, Crowd
from serving.api.meter import Meter
from serving.api.middleware import Edge

HERE = os.getpid()


def a_worker(file: Path, busy: int, service: int = 1, process: int = HERE) -> Crowd:
    """One with so many requests at work."""
    found = Crowd()
    found.join(file, service, process)
    for _ in range(busy):
        found.come()
    return found


def a_process_that_is_over() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as over:
        return over.pid


@pytest.mark.parametrize(
    ("busy", "other", "better"), [(0, 0, False), (2, 1, False), (3, 1, True), (1, 3, False)]
)
def test_a_dialer_is_better_off_where_two_requests_fewer_are_at_work(
    tmp_path: Path, busy: int, other: int, better: bool
):
    one, _ = a_worker(tmp_path / "crowd", busy), a_worker(tmp_path / "crowd", other)

    assert one.is_smaller_elsewhere() is better


def test_workers_of_another_service_or_that_are_over_are_no_help(tmp_path: Path):
    one = a_worker(tmp_path / "crowd", 5)
    a_worker(tmp_path / "crowd", 0, service=2)
    a_worker(tmp_path / "crowd", 0, process=a_process_that_is_over())

    assert not one.is_smaller_elsewhere()


def test_the_place_of_a_worker_that_is_over_is_given_to_the_next(tmp_path: Path):
    over = a_process_that_is_over()
    for _ in range(WORKERS - 1):
        a_worker(tmp_path / "crowd", 0)
    a_worker(tmp_path / "crowd", 0, process=over)

    last = a_worker(tmp_path / "crowd", 3)

    assert last.is_smaller_elsewhere()
    assert not a_worker(tmp_path / "crowd", 3).is_smaller_elsewhere()  # no place is left: it is alone


def test_one_that_has_come_is_gone_when_it_is_answered(tmp_path: Path):
    one = a_worker(tmp_path / "crowd", 2)
    one.go()

    assert one.size == 1


def test_the_answer_of_a_worker_with_more_to_do_ends_its_connection(tmp_path: Path):
    one = a_worker(tmp_path / "crowd", 0)
    other = a_worker(tmp_path / "crowd", 0)

    async def asked() -> list[str | None]:
        async with AsyncClient(
            transport=ASGITransport(Edge(Response(), Meter(), one)), base_url="http://floor"
        ) as client:
            return [(await client.get("/v1/leads")).headers.get("Connection") for _ in range(1)]

    alone = asyncio.run(asked())
    one.come()
    with_more = asyncio.run(asked())
    other.come()

    assert (alone, with_more, asyncio.run(asked())) == ([None], ["close"], [None])
