"""Succession: in normal running a new champion scores everybody behind the requests, then serves."""

from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import Engine

from features.instants import MINUTE, SECOND
from serving.desk import Desk
from serving.lookahead import look_ahead
from serving.models import Models
from serving.scores import ScoreSheet
from tests.serving.desks import OPEN, a_desk, a_dial, many_leads, poll, tell, tell_leads
from tests.serving.test_lineup import a_bundle
from training.bundle import Bundle

LEADS = 60


@dataclass
class Registry(Models):
    """A registry that is a variable."""

    published: Bundle | None = None

    def found(self) -> Bundle | None:
        """What was published last."""
        return self.published


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A desk in normal running: a champion serves, and another one was just published."""
    tell_leads(engine, many_leads(LEADS))
    found = a_desk(engine)
    first = a_bundle(found, 1)
    found.models = Registry(found.models.uri, found.models.cache, "", first, a_bundle(found, 2))
    found.at_once = False
    poll(found, OPEN, 5)
    return found


def test_until_it_has_scored_the_one_before_serves_and_nobody_waits(desk: Desk):
    before = desk.models.version
    scored_at = desk.sheet.scored_at.copy()

    given = poll(desk, OPEN + SECOND, 5)

    assert given.model_version == before
    assert not given.degraded
    assert desk.sheet.scored_at.tolist() == scored_at.tolist()


def test_the_first_poll_of_a_new_champion_scores_nobody(desk: Desk):
    look_ahead(desk, OPEN + SECOND)
    scored_at = desk.sheet.scored_at.copy()

    given = poll(desk, OPEN + 2 * SECOND, 5)

    assert given.model_version == a_bundle(desk, 2).version
    assert (scored_at == OPEN + SECOND).sum() >= LEADS - 10
    assert desk.sheet.scored_at.tolist() == scored_at.tolist()


def test_it_ranks_as_if_it_had_served_at_once(desk: Desk, engine: Engine):
    look_ahead(desk, OPEN + SECOND)
    other = a_desk(engine)
    other.models = Models(other.models.uri, other.models.cache, "", a_bundle(other, 2))

    theirs, mine = (one.candidates("spring", OPEN + SECOND) for one in (other, desk))

    assert mine.row.tolist() == theirs.row.tolist()
    assert mine.score.tolist() == theirs.score.tolist()


def test_what_is_told_while_it_scores_is_scored_again(desk: Desk):
    row, champion = desk.ledger.leads.row("lead-0050"), a_bundle(desk, 2)
    assert row is not None
    desk.heir = sheet = ScoreSheet()
    sheet.reserve(LEADS)
    sheet.score(desk.ledger.past(), champion, np.arange(LEADS), OPEN, desk.ledger.seq)

    tell(desk.engine, a_dial("c1", "lead-0050", OPEN - 9 * MINUTE), at=OPEN + SECOND)
    desk.follow(OPEN + SECOND)
    desk.succeed(champion, sheet)

    assert np.flatnonzero(desk.sheet.scored_at == 0).tolist() == [row]
