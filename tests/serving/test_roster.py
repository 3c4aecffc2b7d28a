"""The roster: how leads stand, from the store's facts and the leases that this worker knows of."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND, render
from features.store.engine import open_engine, reading
from features.store.ledger import Ledger
from serving.jurisdictions import jurisdictions
from serving.ranking.arms import places
from serving.ranking.policy import Policy
from serving.roster import Roster
from serving.rule import Caps, callback_due
from serving.standing import CONVERTED, DNC, NEVER_CALLED, OBJECTED, OPEN, UNWORKABLE, Standing
from tests.features.store.tellings import a_disposition, a_lead, a_phone, an_event

from .desks import OPEN as AT
from .desks import a_desk, a_dial, a_stop, many_leads, tell, tell_leads

SHARED = [{"e164": a_phone("ann"), "type": "mobile"}]
ANN, BOB, TWIN = range(3)
"""Rows: `twin` has the number of `ann`."""


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Engine]:
    """A SQLite file with three leads, two of them with one number."""
    shutil.copy(template, tmp_path / "leadrank.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'leadrank.db'}")
    tell_leads(engine, [a_lead("ann"), a_lead("bob"), a_lead("twin", phones=SHARED)])
    yield engine
    engine.dispose()


@pytest.fixture
def roster(store: Engine) -> Roster:
    return followed(Roster(Ledger()), store)


def followed(roster: Roster, engine: Engine) -> Roster:
    with reading(engine) as connection:
        roster.ledger.follow(connection)
    roster.follow()
    return roster


def standing(roster: Roster, at: int, caps: Caps = Caps()) -> Standing:  # noqa: B008  # a frozen value
    return roster.standing(np.arange(len(roster.ledger.leads)), caps, at)


@pytest.mark.parametrize(
    ("phone", "country", "state"),
    [
        ("+13055550123", "US", "FL"),
        ("+12125550123", "US", ""),
        ("+442079460000", "GB", ""),
        ("+14165550123", "CA", ""),
    ],
)
def test_a_lead_that_names_no_place_stands_where_its_number_is(
    roster: Roster, store: Engine, phone: str, country: str, state: str
):
    tell_leads(store, [a_lead("eve", country=None, region=None, phones=[{"e164": phone}])])

    stands = standing(followed(roster, store), AT)

    place = jurisdictions().places[stands.jurisdiction[3]]
    assert (place.country, place.region) == (country, state)


@pytest.mark.parametrize("region", ["NY|NJ", "a|b|c", "|"])
def test_a_region_may_be_called_by_any_name(roster: Roster, store: Engine, region: str):
    tell_leads(store, [a_lead("eve", region=region)])

    stands = standing(followed(roster, store), AT)

    assert len(stands) == 4


def test_a_call_counts_for_its_lead_and_for_everyone_with_its_number(roster: Roster, store: Engine):
    tell(store, a_dial("c1", "ann", AT))

    stands = standing(followed(roster, store), AT + HOUR)

    assert stands.attempts.tolist() == [1, 0, 0]
    assert stands.calls_24h.tolist() == [1, 0, 1]
    assert stands.last_call_at.tolist() == [AT, NEVER_CALLED, AT]


def test_the_number_dialed_counts_where_it_is_said(roster: Roster, store: Engine):
    tell(store, a_dial("c1", "ann", AT, phone=a_phone("bob")))

    assert standing(followed(roster, store), AT + HOUR).calls_24h.tolist() == [0, 1, 0]


def test_a_call_to_the_leads_own_number_follows_the_lead_to_its_new_one(roster: Roster, store: Engine):
    tell(store, a_dial("c1", "ann", AT))
    followed(roster, store)
    tell_leads(store, [a_lead("ann", phones=[{"e164": a_phone("new"), "type": "mobile"}])])

    one, other = (standing(followed(each, store), AT + HOUR) for each in (roster, Roster(Ledger())))

    assert one.calls_24h.tolist() == other.calls_24h.tolist() == [1, 0, 0]


def test_a_callback_stands_until_a_call_from_a_quarter_of_an_hour_before_it(roster: Roster, store: Engine):
    promised = AT + 3 * HOUR
    tell(store, an_event("callback.scheduled", "", AT, lead_id="ann", at=render(promised)))
    open_ = standing(followed(roster, store), promised - 15 * MINUTE)
    early = standing(roster, promised - 15 * MINUTE - 1)

    tell(store, a_dial("c1", "ann", promised - 15 * MINUTE - 1), at=promised)
    too_soon = standing(followed(roster, store), promised)
    tell(store, a_dial("c2", "ann", promised - 15 * MINUTE), at=promised)
    kept = standing(followed(roster, store), promised)

    assert callback_due(open_, promised - 15 * MINUTE).tolist() == [True, False, False]
    assert callback_due(early, promised - 15 * MINUTE - 1).tolist() == [False, False, False]
    assert early.not_before[ANN] == promised - 15 * MINUTE
    assert too_soon.callback_at[ANN] == promised
    assert kept.callback_at.tolist() == [NEVER, NEVER, NEVER]


def test_a_callback_promised_in_a_call_stays_open_after_that_call(roster: Roster, store: Engine):
    tell(store, a_dial("c1", "ann", AT, "callback", callback_at=render(AT + 5 * MINUTE), human_answered=True))

    stands = standing(followed(roster, store), AT + 3 * MINUTE)

    assert stands.callback_at[ANN] == AT + 5 * MINUTE


def test_a_call_that_is_told_by_its_start_doesnt_keep_its_own_promise(roster: Roster, store: Engine):
    soon = AT + 12 * MINUTE
    told = a_dial("c1", "ann", AT, "callback", callback_at=render(soon), human_answered=True)
    tell(store, told | {"time": render(AT)})

    assert standing(followed(roster, store), AT + 3 * MINUTE).callback_at[ANN] == soon


def test_a_call_to_another_lead_of_the_number_doesnt_keep_a_promise(roster: Roster, store: Engine):
    promised = AT + 3 * HOUR
    tell(store, an_event("callback.scheduled", "", AT, lead_id="ann", at=render(promised)))
    tell(store, a_dial("c1", "twin", promised - 10 * MINUTE), at=promised)

    stands = standing(followed(roster, store), promised)

    assert callback_due(stands, promised).tolist() == [True, False, False]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_correction_without_a_callback_takes_the_promise_back(
    roster: Roster, store: Engine, order: tuple[int, ...]
):
    tell(store, a_dial("c1", "ann", AT, human_answered=True))
    said = (
        a_disposition("c1", "callback", callback_at=render(AT + HOUR))
        | {"id": "1", "time": render(AT + MINUTE)},
        a_disposition("c1", "contact_no_decision") | {"id": "2", "time": render(AT + 2 * MINUTE)},
    )
    for place in order:
        tell(store, said[place])

    assert standing(followed(roster, store), AT + HOUR).callback_at[ANN] == NEVER


def test_a_disposition_without_a_callback_leaves_other_promises_alone(roster: Roster, store: Engine):
    tell(store, an_event("callback.scheduled", "", AT, lead_id="ann", at=render(AT + DAY)))
    tell(store, a_dial("c1", "ann", AT + HOUR, human_answered=True))
    tell(store, a_disposition("c1", "contact_no_decision") | {"time": render(AT + 2 * HOUR)})

    assert standing(followed(roster, store), AT + 3 * HOUR).callback_at[ANN] == AT + DAY


def test_a_cancelled_callback_is_none(roster: Roster, store: Engine):
    promise = {"lead_id": "ann", "at": render(AT + HOUR)}
    tell(store, an_event("callback.scheduled", "", AT, **promise),
         an_event("callback.cancelled", "", AT + 1, **promise))  # fmt: skip

    assert standing(followed(roster, store), AT + HOUR).callback_at[ANN] == NEVER


def test_a_lease_holds_its_lead_and_everyone_with_its_number_until_it_ends(roster: Roster):
    roster.hold([ANN], AT, AT + 120 * SECOND)

    assert standing(roster, AT).leased_until.tolist() == [AT + 120 * SECOND, 0, AT + 120 * SECOND]


def test_holding_nobody_is_no_news_and_leaves_nothing_behind(roster: Roster):
    roster.take_news()
    for _ in range(3):
        roster.hold([], AT, AT + MINUTE)

    assert not roster.take_news().size
    assert not roster._news


def test_a_lease_ends_with_the_call_it_was_for(roster: Roster, store: Engine):
    roster.hold([ANN], AT, AT + 4 * HOUR)
    tell(store, a_dial("c0", "ann", AT - HOUR))
    before = standing(followed(roster, store), AT).leased_until.tolist()

    tell(store, a_dial("c1", "ann", AT + MINUTE))
    after = standing(followed(roster, store), AT + HOUR).leased_until.tolist()

    assert before == [AT + 4 * HOUR, 0, AT + 4 * HOUR]
    assert after == [0, 0, 0]


def test_what_is_said_of_a_lease_holds_for_its_number_too(roster: Roster):
    roster.hold([TWIN], AT, AT + 120 * SECOND)
    roster.extend(TWIN, AT + 4 * HOUR)
    dialing = standing(roster, AT).leased_until.tolist()
    roster.extend(TWIN, AT)

    assert dialing == [AT + 4 * HOUR, 0, AT + 4 * HOUR]
    assert (standing(roster, AT).leased_until <= AT).all()


def test_late_words_of_an_old_lease_dont_free_the_number_of_a_new_one(roster: Roster):
    roster.hold([ANN], AT, AT + SECOND)
    roster.hold([TWIN], AT + SECOND, AT + 120 * SECOND)

    roster.extend(ANN, AT + SECOND)

    assert standing(roster, AT + SECOND).leased_until.tolist()[TWIN] == AT + 120 * SECOND


def test_new_leads_and_numbers_come_in_free_while_others_are_held(roster: Roster, store: Engine):
    roster.hold([ANN], AT, AT + HOUR)
    tell_leads(store, [a_lead(name) for name in ("dan", "eve", "fay")])

    held = standing(followed(roster, store), AT).leased_until.tolist()

    assert held == [AT + HOUR, 0, AT + HOUR, 0, 0, 0]


def test_a_restored_lease_ends_with_a_call_that_began_before_the_restart(roster: Roster, store: Engine):
    key = int(roster.ledger.leads.columns["key"][ANN])
    restarted = followed(Roster(Ledger()), store)
    restarted.restore([(key, AT, AT + 4 * HOUR), (999, AT, AT + HOUR)], AT + MINUTE)
    held = standing(restarted, AT + MINUTE).leased_until.tolist()

    tell(store, a_dial("c1", "ann", AT + 30 * SECOND))
    after = standing(followed(restarted, store), AT + HOUR).leased_until.tolist()

    assert held == [AT + 4 * HOUR, 0, AT + 4 * HOUR]
    assert after == [0, 0, 0]


def test_a_suppressed_number_closes_all_its_leads_at_once_and_its_removal_opens_them(
    roster: Roster, store: Engine
):
    tell(store, a_stop("dnc.added", AT, phone=a_phone("ann")))
    closed = standing(followed(roster, store), AT).closed.tolist()

    tell(store, a_stop("dnc.removed", AT + HOUR, phone=a_phone("ann")), at=AT + HOUR)
    opened = standing(followed(roster, store), AT + HOUR).closed.tolist()

    assert closed == [DNC, OPEN, DNC]
    assert opened == [OPEN, OPEN, OPEN]


def test_an_objection_closes_the_person_with_all_its_numbers(roster: Roster, store: Engine):
    tell(store, a_stop("objection.received", AT, lead_id="ann"))

    assert standing(followed(roster, store), AT).closed.tolist() == [OBJECTED, OPEN, OBJECTED]


def test_a_stop_outweighs_what_calls_say_and_calls_count_again_after_it(roster: Roster, store: Engine):
    tell(store, a_dial("c1", "bob", AT - DAY, "converted", human_answered=True))
    tell(store, a_stop("dnc.added", AT, phone=a_phone("bob")))
    stopped = standing(followed(roster, store), AT).closed[BOB]
    tell(store, a_stop("dnc.removed", AT + 1, phone=a_phone("bob")))

    assert (stopped, standing(followed(roster, store), AT + 1).closed[BOB]) == (DNC, CONVERTED)


def test_a_corrected_disposition_opens_the_lead_again(roster: Roster, store: Engine):
    tell(store, a_dial("c1", "bob", AT, "contact_refused", human_answered=True))
    refused = standing(followed(roster, store), AT + HOUR).closed[BOB]

    tell(store, a_disposition("c1", "contact_no_decision", next_after_s=7200) | {"time": render(AT + HOUR)})
    stands = standing(followed(roster, store), AT + HOUR)

    assert (refused, stands.closed[BOB]) == (UNWORKABLE, OPEN)
    assert stands.not_before[BOB] == AT + 3 * HOUR


@pytest.mark.parametrize(("goal", "closed"), [("sale", CONVERTED), ("newsletter", OPEN)])
def test_a_lead_that_bought_before_anybody_called_is_not_called(
    roster: Roster, store: Engine, goal: str, closed: int
):
    tell(store, an_event("conversion.recorded", lead_id="bob", goal=goal, at=render(AT)))

    assert standing(followed(roster, store), AT + HOUR).closed.tolist() == [OPEN, closed, OPEN]
    assert BOB in roster.take_news()


def test_arms_are_charged_the_seconds_of_the_last_week(roster: Roster, store: Engine):
    tell(store, a_dial("c1", "ann", AT, wrap_s=30), a_dial("c2", "bob", AT + HOUR), at=AT + DAY)
    tell(store, a_dial("c3", "bob", AT + HOUR, campaign="other"), at=AT + DAY)
    followed(roster, store)
    campaign = roster.ledger.leads.code("campaign", "spring")
    ann, bob = places(roster.salt, "holdout", ["ann", "bob"]).tolist()
    holdout = Policy(holdout=(ann + bob) / 2)
    ours, kept = (150.0, 120.0) if ann > bob else (120.0, 150.0)

    assert roster.account(campaign, holdout, AT + DAY).spent == (ours, kept)
    later = (ours, 0.0) if ours == 120.0 else (0.0, kept)
    assert roster.account(campaign, holdout, AT + 7 * DAY).spent == later
    assert roster.account(campaign, holdout, AT + 9 * DAY).spent == (0.0, 0.0)


def test_a_ledger_that_is_ahead_of_its_roster_is_an_error_and_no_garbage(engine: Engine):
    desk = a_desk(engine)
    desk.follow(AT)
    tell_leads(engine, many_leads(3))
    with reading(engine) as connection:
        desk.ledger.follow(connection)

    with pytest.raises(IndexError, match="doesn't follow yet"):
        desk.roster.standing(np.arange(3), desk.plan("spring", AT).caps, AT)

    desk.roster.follow()
    assert desk.roster.standing(np.arange(3), desk.plan("spring", AT).caps, AT).attempts.tolist() == [0] * 3
