"""Memory: the next process goes on where the last one was; what mustn't be in the file isn't."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from features.instants import HOUR, MINUTE
from features.store.engine import reading
from serving.desk import Desk
from serving.leases import Ack
from serving.lookahead import look_ahead
from serving.memory import restored
from serving.models import Models
from serving.scores import PARDON
from tests.serving.desks import (
    OPEN,
    a_desk,
    a_dial,
    ids,
    many_leads,
    poll,
    remember,
    restarted,
    tell,
    tell_leads,
)
from tests.serving.test_lineup import a_bundle


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A desk with a model, which has handed out some of its leads."""
    tell_leads(engine, many_leads(40))
    found = a_desk(engine)
    found.models = Models(found.models.uri, found.models.cache, "", a_bundle(found, 1))
    poll(found, OPEN, 5)
    return found


def test_a_restarted_desk_gives_what_the_one_before_would_have_given(desk: Desk, tmp_path: Path):
    remember(desk, tmp_path)
    tell_leads(desk.engine, many_leads(5, first=40), OPEN + MINUTE)
    tell(desk.engine, a_dial("c1", "lead-0007", OPEN + MINUTE), at=OPEN + 4 * MINUTE)
    again = restarted(desk, tmp_path, OPEN + MINUTE)

    theirs, mine = (one.candidates("spring", OPEN + 5 * MINUTE) for one in (desk, again))

    assert mine.row.tolist() == theirs.row.tolist()
    assert mine.score.tolist() == theirs.score.tolist()


def test_what_was_scored_before_is_not_scored_again(desk: Desk, tmp_path: Path):
    remember(desk, tmp_path)
    again = restarted(desk, tmp_path, OPEN + MINUTE)
    scored_at = desk.sheet.scored_at.copy()

    poll(again, OPEN + MINUTE, 5)

    assert (again.sheet.scored_at == scored_at).sum() > 30


def test_another_model_scores_everybody_anew(desk: Desk, tmp_path: Path):
    remember(desk, tmp_path)
    other = a_bundle(desk, 2)
    desk.models = Models(desk.models.uri, desk.models.cache, "", other)

    again = restarted(desk, tmp_path, OPEN + MINUTE)
    given = poll(again, OPEN + MINUTE, 5)

    assert given.model_version == other.version
    assert len(given.items) == 5


def test_a_lease_given_back_since_holds_nobody(desk: Desk, tmp_path: Path):
    held = poll(desk, OPEN + MINUTE, 100).items
    remember(desk, tmp_path)
    other = a_desk(desk.engine, desk.models)
    other.acknowledge([Ack(item.lease_id, "released") for item in held[:3]], OPEN + MINUTE)

    given = poll(restarted(desk, tmp_path, OPEN + MINUTE), OPEN + 2 * MINUTE - 1, 100)

    assert {item.lead_id for item in held[:3]} <= set(ids(given))
    assert not {item.lead_id for item in held[3:]} & set(ids(given))


def test_a_file_from_the_future_of_a_store_set_back_is_passed_over(desk: Desk, tmp_path: Path):
    remember(desk, tmp_path)
    desk.ledger.seq += 1
    remember(desk, tmp_path)

    with reading(desk.engine) as connection:
        assert restored(connection, tmp_path) is None


def test_the_installations_secret_is_not_in_the_file(desk: Desk, tmp_path: Path):
    remember(desk, tmp_path)

    (path,) = tmp_path.glob("*.map")
    assert len(desk.salt) >= 16
    assert desk.salt not in path.read_bytes()
    assert desk.salt.hex().encode() not in path.read_bytes()


def test_after_a_start_old_scores_serve_until_they_are_renewed(desk: Desk, tmp_path: Path):
    remember(desk, tmp_path)
    long_after = OPEN + 3 * HOUR
    again = restarted(desk, tmp_path, long_after)
    scored_at = again.sheet.scored_at.copy()

    given = poll(again, long_after, 5)

    assert len(given.items) == 5
    assert again.sheet.scored_at.tolist() == scored_at.tolist()
    look_ahead(again, long_after + MINUTE)
    poll(again, long_after + MINUTE, 5)
    assert (again.sheet.scored_at == long_after + MINUTE).sum() > 20


def test_scores_that_nobody_renewed_do_not_serve_for_long(desk: Desk, tmp_path: Path):
    remember(desk, tmp_path)
    again = restarted(desk, tmp_path, OPEN + 3 * HOUR)
    poll(again, OPEN + 3 * HOUR, 5)

    given = poll(again, OPEN + 3 * HOUR + PARDON, 5)

    rows = [item.row for item in given.items]
    assert (again.sheet.scored_at[rows] == OPEN + 3 * HOUR + PARDON).all()
