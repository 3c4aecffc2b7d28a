"""A campaign's ranking over HTTP: one state over many pages, what changed since, and how it is written."""

import csv
import io

import orjson
import pytest

from features.instants import MINUTE, SECOND
from serving.shelf import KEPT
from tests.features.store.tellings import NOON
from tests.serving.desks import OPEN, a_stop, many_leads

from .conftest import Door

PATH = "/v1/campaigns/spring/ranking"


@pytest.fixture
def floor(door: Door) -> Door:
    """A service at noon in New York, with seven leads, the later ones newer."""
    door.at = OPEN
    leads = many_leads(7)
    for age, lead in enumerate(leads):
        lead["created_at"] = lead["updated_at"] = f"2026-01-05T09:0{age}:00Z"
    assert door("POST", "/v1/leads:batch", leads).status_code == 200
    return door


def names(answer: dict[str, list[dict[str, object]]]) -> list[object]:
    return [item["lead_id"] for item in answer["items"]]


def test_pages_are_of_one_snapshot_whatever_happens_between_them(floor: Door):
    first = floor("GET", f"{PATH}?limit=3")
    floor("POST", "/v1/events", [a_stop("dnc.added", OPEN, lead_id="lead-0000")])
    second = floor("GET", f"{PATH}?limit=3&cursor={first.json()['next_cursor']}")
    third = floor("GET", f"{PATH}?limit=3&cursor={second.json()['next_cursor']}")

    pages = [answer.json() for answer in (first, second, third)]
    assert len({page["snapshot_id"] for page in pages}) == 1
    assert [page["items"][0]["rank"] for page in pages] == [1, 4, 7]
    assert sorted(str(name) for page in pages for name in names(page)) == [f"lead-000{n}" for n in range(7)]
    assert (pages[2]["next_cursor"], pages[0]["total"]) == (None, 7)


def test_a_suppressed_lead_is_in_no_ranking_made_after_and_the_delta_says_that_it_is_gone(floor: Door):
    before = floor("GET", PATH).json()
    floor("POST", "/v1/events", [a_stop("dnc.added", OPEN, lead_id="lead-0003")])

    after = floor("GET", f"{PATH}?since_snapshot={before['snapshot_id']}&scale=raw").json()
    lines = floor("GET", f"{PATH}?since_snapshot={before['snapshot_id']}&format=ndjson").content

    assert (after["removed"], after["items"], after["total"]) == (["lead-0003"], [], 6)
    assert [orjson.loads(line)["source"] for line in lines.splitlines()] == ["removed"]


def test_an_unchanged_ranking_is_not_sent_again(floor: Door):
    first = floor("GET", PATH)
    floor.at = OPEN + 30 * SECOND
    again = floor("GET", PATH, if_none_match=first.headers["ETag"])
    floor.at = OPEN + 2 * MINUTE
    later = floor("GET", PATH, if_none_match=first.headers["ETag"])

    assert (again.status_code, again.content) == (304, b"")
    assert floor("GET", PATH, if_none_match="*").status_code == 304
    assert later.status_code == 200
    assert later.headers["ETag"] != first.headers["ETag"]


def test_csv_says_the_same_as_json(floor: Door):
    told = floor("GET", f"{PATH}?scale=0-32767").json()
    page = floor("GET", f"{PATH}?scale=0-32767&format=csv")

    rows = list(csv.DictReader(io.StringIO(page.text)))
    assert page.headers["Content-Type"].startswith("text/csv")
    assert [row["lead_id"] for row in rows] == names(told)
    assert [float(row["value"]) for row in rows] == [item["value"] for item in told["items"]]
    assert told["items"][0]["value"] == 32767


@pytest.mark.parametrize("scale", ["0-32767", "dense"])
def test_whole_numbers_are_written_whole(floor: Door, scale: str):
    """A dialer's rank is a small integer: `32767.0` is none."""
    page = floor("GET", f"{PATH}?scale={scale}&format=csv")

    rows = list(csv.DictReader(io.StringIO(page.text)))
    assert rows
    assert all(row["value"].isdigit() for row in rows)


def test_at_night_the_ranking_is_empty(floor: Door):
    floor.at = NOON + 18 * 60 * MINUTE

    told = floor("GET", PATH).json()

    assert (told["total"], told["items"]) == (0, [])


def test_a_snapshot_that_is_not_kept_is_gone(floor: Door):
    first = floor("GET", f"{PATH}?limit=1").json()
    for turn in range(1, KEPT + 1):
        floor.at = OPEN + 2 * turn * MINUTE
        floor("GET", PATH)

    gone = floor("GET", f"{PATH}?cursor={first['next_cursor']}")
    strange = floor("GET", f"{PATH}?since_snapshot=..%2Fx")

    assert (gone.status_code, gone.json()["code"]) == (410, "snapshot_gone")
    assert strange.status_code == 410


@pytest.mark.parametrize("query", ["scale=fair", "format=xml", "limit=0", "cursor=7"])
def test_a_query_that_makes_no_sense_is_refused(floor: Door, query: str):
    assert floor("GET", f"{PATH}?{query}").status_code == 422


def test_another_campaigns_ranking_is_not_there(floor: Door):
    assert floor("GET", "/v1/campaigns/winter/ranking").json()["code"] == "unknown_campaign"
    assert floor.with_key("queue", campaigns=["winter"])("GET", PATH).json()["code"] == "unknown_campaign"
    assert floor.with_key("ingest")("GET", PATH).status_code == 403
