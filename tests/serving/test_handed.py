"""Handed: a call that names its decision or its lease is known by the chance that its lead was drawn with."""

import numpy as np
from sqlalchemy import Engine, select

from features import Moments
from features.instants import DAY, HOUR, MINUTE
from features.store.engine import reading
from features.store.handed import read_handed
from features.store.tables import decision
from tests.serving.desks import OPEN, a_desk, a_dial, many_leads, poll, tell, tell_leads


def test_calls_that_came_of_decisions_know_their_chance(engine: Engine):
    tell_leads(engine, many_leads(5), at=OPEN - DAY)
    desk = a_desk(engine)
    desk.follow(OPEN)
    first, second = poll(desk, OPEN, 2).items
    tell(
        engine,
        a_dial("by-decision", first.lead_id, OPEN + MINUTE, decision_id=first.decision_id),
        a_dial("by-lease", second.lead_id, OPEN + 2 * MINUTE, lease_id=second.lease_id),
        a_dial("by-nobody", "lead-0004", OPEN + 3 * MINUTE),
        at=OPEN + HOUR,
    )

    with reading(engine) as connection:
        handed, before = read_handed(connection), read_handed(connection, OPEN + HOUR)
        rows = connection.execute(select(decision.c.decision_id, decision.c.propensity)).all()

    said = {row.decision_id: row.propensity for row in rows}
    place, names = np.arange(3), [first.lead_id, second.lead_id, "lead-0004"]
    found = handed.at(Moments(place, place, OPEN + (place + 1) * MINUTE), names)
    assert found[:2].tolist() == [said[first.decision_id], said[second.decision_id]]
    assert np.isnan(found[2])
    assert before.chance == {}
