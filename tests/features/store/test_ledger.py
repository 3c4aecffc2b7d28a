"""The ledger: followed in any pieces it is what it would be if it were read once, from nothing."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features import Moments, Outcome, compute
from features.calls import COLUMNS
from features.catalogue import for_leads, standing
from features.facts import BIT
from features.instants import DAY, HOUR, MINUTE, NEVER, render
from features.leads import FIELDS
from features.past import Past
from features.store import ledger as ledgers
from features.store.campaigns import write_campaign
from features.store.columns_reader import read_snapshot
from features.store.engine import reading, transaction
from features.store.ledger import Ledger
from features.store.writes import accept_events, accept_leads
from tests.conftest import empty

from .tellings import CALL_ENDED, NOON, a_call, a_disposition, a_lead, a_phone, an_event

LEADS = ("ann", "bob", "cid")
CALLS = {"c1": "ann", "c2": "ann", "c3": "bob", "c4": "cid", "c5": "ann"}
"""Each call belongs to one lead, and ends at an instant of its own."""

AFTER = NOON + 10 * DAY

hours = st.integers(0, 6)


def ended(call_id: str) -> int:
    return CALL_ENDED + int(call_id[1:]) * 10 * MINUTE


@st.composite
def new_leads(draw) -> list[dict[str, object]]:
    """A batch of leads, some told again with something changed."""
    return [
        a_lead(
            name,
            updated_at=render(CALL_ENDED + draw(hours) * HOUR),
            source=draw(st.sampled_from(["web", "expo", None])),
            phones=[{"e164": a_phone(draw(st.sampled_from([name, "shared"]))), "type": "mobile"}],
            value=draw(st.sampled_from([None, 10, 99.5])),
            attributes=draw(
                st.dictionaries(st.sampled_from(["need", "mood"]), st.sampled_from([1, 2.5, "warm", "cold"]))
            ),
        )
        for name in draw(st.lists(st.sampled_from(LEADS), min_size=1, max_size=3, unique=True))
    ]


def attempts(
    call_id: str, outcome: str, talk: float, minutes: int, phone: str | None, campaign: str
) -> dict[str, object]:
    told = {"phone": a_phone(phone)} if phone else {}
    answered = outcome in ("contact_no_decision", "converted", "do_not_call")
    return a_call(
        call_id,
        CALLS[call_id],
        started_at=render(ended(call_id) - minutes * MINUTE),
        ended_at=render(ended(call_id)),
        outcome=outcome,
        talk_s=talk,
        human_answered=answered,
        campaign=campaign,
        **told,
    )


call_ids, people = st.sampled_from(list(CALLS)), st.sampled_from(LEADS)
outcomes = st.sampled_from(["no_answer", "busy", "contact_no_decision", "converted", "do_not_call"])
kinds = st.one_of(
    st.builds(
        attempts,
        call_ids,
        outcomes,
        st.sampled_from([0, 40.5]),
        st.integers(1, 9),
        st.sampled_from([None, "ann", "shared"]),
        st.sampled_from(["spring", "nobodys"]),
    ),
    st.builds(
        a_disposition, call_ids, outcomes, next_after_s=st.sampled_from([None, 600]), value=st.just(55)
    ),
    st.builds(
        lambda kind, lead, at, value: an_event(kind, lead_id=lead, goal="sale", at=render(at), value=value),
        st.sampled_from(["conversion.recorded", "conversion.recorded", "conversion.cancelled"]),
        people,
        st.builds(lambda hour: CALL_ENDED + hour * 20 * MINUTE, hours),
        st.sampled_from([None, 70]),
    ),
    st.builds(
        lambda kind, lead, hour: an_event(kind, lead_id=lead, at=render(NOON + hour * HOUR)),
        st.sampled_from(["callback.scheduled", "callback.cancelled"]),
        people,
        hours,
    ),
    st.builds(
        lambda kind, lead: an_event(kind, phone=a_phone(lead)),
        st.sampled_from(["dnc.added", "dnc.removed"]),
        people,
    ),
    st.builds(
        lambda kind, lead: an_event(kind, lead_id=lead),
        st.sampled_from(["objection.received", "consent.revoked", "lead.erased"]),
        people,
    ),
)
events = st.lists(
    st.builds(lambda body, time: body | {"time": render(CALL_ENDED + time * 15 * MINUTE)}, kinds, hours),
    min_size=1,
    max_size=5,
)
steps = st.lists(st.one_of(st.just("follow"), new_leads(), events), max_size=9)


@dataclass
class Telling:
    """Hands batches to a store, each event with an id of its own and each batch an hour after the last."""

    engine: Engine
    at: int = NOON
    told: int = 0
    campaigns: list[str] = field(default_factory=list)

    def __call__(self, batch: list[dict[str, object]]) -> None:
        self.at += HOUR
        with transaction(self.engine) as connection:
            if "specversion" in batch[0]:
                numbered = [body | {"id": f"e{self.told + place}"} for place, body in enumerate(batch)]
                accept_events(connection, numbered, self.at)
                self.told += len(batch)
            else:
                accept_leads(connection, batch, self.at)


def followed(engine: Engine, ledger: Ledger | None = None, until: int = NEVER) -> Ledger:
    found = Ledger() if ledger is None else ledger
    with reading(engine) as connection:
        found.follow(connection, until)
    return found


def calls_of(ledger: Ledger) -> list[tuple[object, ...]]:
    """Every call in words instead of codes, in the order of the log."""
    log, book, calls = ledger.past().log, ledger.leads, ledger.calls
    agents, campaigns = calls.agents.levels, ledger.past().leads.coded["campaign"].levels
    plain = {
        name: getattr(log, name).tolist() for name in COLUMNS if name not in ("lead", "agent", "campaign")
    }
    named = {
        "lead": [book.ids[row] for row in log.lead],
        "agent": [agents[code] if code >= 0 else None for code in log.agent],
        "campaign": [campaigns[code] for code in log.campaign],
    }
    return list(zip(*{**plain, **named}.values(), strict=True))


def numbers_of(ledger: Ledger) -> list[tuple[object, ...]]:
    """What the rules ask of calls, which no feature sees."""
    columns, book = ledger.calls.columns, ledger.leads
    return sorted(
        (ended_at, book.phones.word(code) if code >= 0 else "", wait)
        for ended_at, code, wait in zip(
            *(columns[name].tolist() for name in ("ended_at", "phone", "not_before")), strict=True
        )
    )


def leads_of(ledger: Ledger) -> dict[str, tuple[object, ...]]:
    """Every lead by its id: words, instants, attributes, and what the rules ask."""
    book, table = ledger.leads, ledger.past().leads
    told: dict[str, tuple[object, ...]] = {}
    for row, name in enumerate(book.ids):
        words = [table.coded[one].levels[code] if (code := table.coded[one].codes[row]) >= 0 else None
                 for one in FIELDS]  # fmt: skip
        plain = [
            str(book.columns[one][row])
            for one in (
                "key",
                "created_at",
                "value",
                "consent_at",
                "callback_at",
                "callback_told_at",
                "erased",
            )
        ]
        coded = [
            levels[code] if (code := int(book.columns[one][row])) >= 0 else None
            for one, levels in (
                ("phone", book.phones.levels), ("zones", book.zone_sets), ("place", book.places()),
                ("consent", book.bases.levels),
            )
        ]  # fmt: skip
        values = {
            one: [
                (int(history.known_at[j]), str(history.number[j]),
                 history.levels[history.code[j]] if history.code[j] >= 0 else None)
                for j in range(history.starts[row], history.starts[row + 1])
            ]
            for one, history in table.attributes.items()
        }  # fmt: skip
        told[name] = (words, plain, coded, {one: rows for one, rows in values.items() if rows})
    return told


def features_of(ledger: Ledger, like: Ledger) -> dict[str, bytes]:
    """Each lead's features some days later, as their bytes; the list of features is that of `like`."""
    wanted = for_leads(like.past().leads)
    ids, at = ledger.leads.ids, AFTER
    if not ids:
        return {}
    matrix = compute(ledger.past(), Moments.at_once(np.arange(len(ids)), at), wanted)
    return {name: matrix.values[row].tobytes() for row, name in enumerate(ids)}


def state(ledger: Ledger, like: Ledger) -> dict[str, object]:
    return {
        "calls": calls_of(ledger),
        "numbers": numbers_of(ledger),
        "order": ledger.leads.ids,
        "leads": leads_of(ledger),
        "campaigns": ledger.campaigns,
        "suppressions": sorted(ledger.leads.suppressions()),
        "features": features_of(ledger, like),
        "seq": ledger.seq,
    }


def assert_some_leads_calls_are_found_alone(past: Past) -> None:
    """As out of the whole log."""
    some = np.arange(0, len(past.leads), 2)
    wanted = past.log.take(np.isin(past.log.lead, some))
    for name, column in vars(past.log_of(some)).items():
        np.testing.assert_array_equal(column, getattr(wanted, name))


@pytest.mark.parametrize("slice_", [2, ledgers.SLICE])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_a_ledger_followed_in_pieces_is_the_one_read_from_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, slice_: int, steps
):
    monkeypatch.setattr(ledgers, "SLICE", slice_)
    empty(engine)
    tell, ledger = Telling(engine), followed(engine)

    tell([a_lead(name) for name in LEADS[:2]])
    for step in steps:
        if step == "follow":
            followed(engine, ledger)
        else:
            tell(step)
    followed(engine, ledger)

    afresh = followed(engine)
    assert_some_leads_calls_are_found_alone(afresh.past())
    assert state(ledger, afresh) == state(afresh, afresh)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(st.one_of(new_leads(), events), max_size=4), batch=st.one_of(new_leads(), events))
def test_every_lead_whose_features_changed_was_touched(engine: Engine, before, batch):
    empty(engine)
    tell = Telling(engine)
    tell([a_lead(name) for name in LEADS])
    for earlier in before:
        tell(earlier)
    ledger = followed(engine)
    ledger.take_touched()
    past, leads, calls = features_of_own(ledger), leads_of(ledger), calls_by_lead(ledger)

    tell(batch)
    followed(engine, ledger)

    touched = {ledger.leads.ids[row] for row in ledger.take_touched()}
    changed = {name for name, own in features_of_own(ledger).items() if own != past.get(name)}
    moved = {name for name, own in calls_by_lead(ledger).items() if own != calls.get(name, [])}
    told = {name for name, own in leads_of(ledger).items() if own[::3] != leads.get(name, ())[::3]}
    assert changed | moved | told <= touched
    assert ledger.take_touched() == []


def features_of_own(ledger: Ledger) -> dict[str, bytes]:
    """Each lead's features that ask its own past alone."""
    own = [one for one in standing() if one.name.startswith("lead_")]
    ids = ledger.leads.ids
    matrix = compute(ledger.past(), Moments.at_once(np.arange(len(ids)), AFTER), own)
    return {name: matrix.values[row].tobytes() for row, name in enumerate(ids)}


def calls_by_lead(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {name: [] for name in ledger.leads.ids}
    for row in calls_of(ledger):
        found[str(row[-3])].append(row)
    return found


def sold(engine: Engine) -> list[tuple[int, float]]:
    """(end, value) of the calls that sold, by the ledger read from nothing."""
    log = followed(engine).past().log
    return [(int(end), float(worth)) for end, worth in zip(log.ended_at[log.converted],
                                                          log.value[log.converted], strict=True)]  # fmt: skip


def a_sale(at: int, value: float | None = None) -> dict[str, object]:
    return an_event("conversion.recorded", lead_id="ann", goal="sale", at=render(at), value=value)


@pytest.fixture
def tell(engine: Engine) -> Telling:
    found = Telling(engine)
    found([a_lead(name) for name in LEADS])
    return found


def answered(call_id: str) -> dict[str, object]:
    return attempts(call_id, "contact_no_decision", 40, 5, None, "spring")


def test_a_recorded_sale_is_credited_once_to_the_last_contact_before_it(tell: Telling):
    tell([answered("c1"), answered("c2"), answered("c5"), answered("c3")])
    tell([a_sale(ended("c2"), value=70), a_sale(ended("c2") + 1, value=80)])

    assert sold(tell.engine) == [(ended("c2"), 70.0)]


def test_a_goal_that_the_campaign_doesnt_sell_is_credited_to_no_call(tell: Telling):
    tell([answered("c1")])
    tell([an_event("conversion.recorded", lead_id="ann", goal="newsletter", at=render(ended("c1")), value=5)])

    assert sold(tell.engine) == []


def test_a_campaign_says_what_it_sells(tell: Telling):
    with transaction(tell.engine) as connection:
        write_campaign(connection, "spring", {"goal": "newsletter"}, 0)
    tell([answered("c1"), a_sale(ended("c1"), value=70)])
    tell([an_event("conversion.recorded", lead_id="ann", goal="newsletter", at=render(ended("c1")), value=5)])

    assert sold(tell.engine) == [(ended("c1"), 5.0)]


def test_a_recorded_sale_confirms_the_call_that_already_sold(tell: Telling):
    tell([answered("c1"), answered("c2"), a_disposition("c1", "converted", value=55)])
    tell([a_sale(ended("c2"), value=70)])

    assert sold(tell.engine) == [(ended("c1"), 55.0)]


def test_an_unanswered_call_and_one_too_long_ago_get_no_credit(tell: Telling):
    tell([answered("c1"), attempts("c2", "no_answer", 0, 5, None, "spring")])
    tell.at += 366 * DAY
    tell([a_sale(ended("c1") + 366 * DAY, value=70)])

    assert sold(tell.engine) == []


def test_a_late_sale_is_in_the_log_but_no_fact_of_the_contact(tell: Telling):
    """Who reads the log asks the campaign's horizon; what features say doesn't change with a setting."""
    tell([answered("c1")])
    tell.at += 31 * DAY
    tell([a_sale(ended("c1") + 31 * DAY, value=70)])

    past = followed(tell.engine).past()
    assert sold(tell.engine) == [(ended("c1"), 70.0)]
    assert not np.any(past.facts.bits & BIT["converted"])


def test_each_call_has_its_campaigns_own_horizon(engine: Engine):
    tell = Telling(engine)
    tell([a_lead("ann", campaign="short"), a_lead("bob", campaign="long"), a_lead("cid", campaign="plain")])
    with transaction(engine) as connection:
        write_campaign(connection, "short", {"horizon_days": 7}, at=0)
        write_campaign(connection, "long", {"horizon_days": 60}, at=0)
    tell([attempts(call, "no_answer", 0, 5, None, name)
          for call, name in (("c1", "short"), ("c3", "long"), ("c4", "plain"))])  # fmt: skip

    past = followed(engine).past()

    assert (past.horizon // DAY).tolist() == [7, 60, 30]
    assert read_snapshot(engine).past.horizons == past.horizons


def test_a_credit_moves_to_the_contact_that_is_told_late(tell: Telling):
    ledger = followed(tell.engine)
    for batch in ([answered("c1")], [a_sale(ended("c5"), value=70)], [answered("c2")]):
        tell(batch)
        followed(tell.engine, ledger)

    log = ledger.past().log
    assert (log.converted.tolist(), log.value.tolist()) == ([False, True], [0.0, 70.0])
    assert log.disposition.tolist() == [Outcome.CONTACT_NO_DECISION, Outcome.CONVERTED]


def test_until_hides_what_became_known_later(tell: Telling):
    tell([answered("c1")])
    known = tell.at + 1
    before = state(followed(tell.engine), followed(tell.engine))
    tell([answered("c2"), a_disposition("c1", "converted"), a_sale(ended("c1"))])
    tell(
        [
            an_event("callback.scheduled", lead_id="ann", at=render(AFTER)),
            an_event("dnc.added", lead_id="bob"),
        ]
    )
    tell([a_lead("ann", attributes={"need": 1}, updated_at=render(NOON))])

    then = followed(tell.engine, until=known)

    hidden = state(then, then)
    assert {**hidden, "seq": 0, "leads": 0} == {**before, "seq": 0, "leads": 0}
    assert leads_of(then)["ann"][2:] == before["leads"]["ann"][2:]  # type: ignore[index]
    assert followed(tell.engine).past().log.converted.tolist() == [True, False]


def test_following_without_news_changes_nothing_and_says_so(tell: Telling):
    ledger = followed(tell.engine)
    past = ledger.past()

    with reading(tell.engine) as connection:
        again = ledger.follow(connection)

    assert again is False
    assert ledger.past() is past


def test_an_erased_lead_leaves_no_attribute_in_memory(tell: Telling):
    told = [
        a_lead(name, attributes={"need": need}, updated_at=render(NOON))
        for name, need in (("ann", 1), ("bob", 2))
    ]
    tell(told)
    ledger = followed(tell.engine)

    tell([an_event("lead.erased", lead_id="ann")])
    followed(tell.engine, ledger)

    assert np.nansum(ledger.past().leads.attributes["need"].number) == 2
