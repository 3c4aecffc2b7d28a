"""Leases on both databases: one winner for each lead and number, whoever asks, whenever it expires."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from features.instants import DAY, HOUR, MINUTE, SECOND
from features.store.engine import reading, transaction
from features.store.tables import batch, decision, lease
from serving.leases import (
    DIALING,
    EXTENSION,
    Ack,
    Claim,
    acknowledge,
    claim,
    holder,
    open_leases,
    ran_out,
    takes_turn,
)
from tests.conftest import empty
from tests.features.store.tellings import a_phone

from .desks import OPEN as AT
from .desks import a_desk as a_desk_of
from .desks import a_dial, a_stop, ids, many_leads, poll, tell, tell_leads

TWO_MINUTES = 120 * SECOND
GAP = 2 * HOUR


def claimed(engine: Engine, *claims: Claim, dialer: str = "d1", at: int = AT) -> set[str]:
    with transaction(engine) as connection:
        return {*claim(connection, claims, dialer, at + TWO_MINUTES, at).lease_ids}


def want(lease_id: str, lead: int, phone: str) -> Claim:
    return Claim(lease_id, lead, phone)


def rows(engine: Engine) -> dict[str, tuple[str, str, int, int]]:
    """(lease, state, expiry, token) by resource."""
    with reading(engine) as connection:
        found = connection.execute(select(lease)).all()
    return {row.resource: (row.lease_id, row.state, row.expires_at, row.token) for row in found}


@pytest.fixture
def leads(engine: Engine) -> list[int]:
    """Database keys of four leads."""
    tell_leads(engine, many_leads(4))
    desk = a_desk_of(engine)
    desk.follow(AT)
    keys: list[int] = desk.ledger.leads.columns["key"].tolist()
    return keys


@pytest.fixture
def given_lease(engine: Engine, leads: list[int]) -> str:
    """A lease of the first lead that was handed out, hence has its decision."""
    return given_to(engine, "l1", leads[0], "p0")


def given_to(engine: Engine, lease_id: str, lead: int, phone: str, at: int = AT) -> str:
    assert claimed(engine, want(lease_id, lead, phone), at=at) == {lease_id}
    with transaction(engine) as connection:
        connection.execute(
            insert(batch).values(
                batch_id=f"b-{lease_id}", campaign="spring", dialer_id="d1", at=at, n=1, key_text="k",
                degraded=True, withheld={}, rules=[],
            )
        )  # fmt: skip
        connection.execute(
            insert(decision).values(
                decision_id=f"d-{lease_id}", batch_id=f"b-{lease_id}", lease_id=lease_id, campaign="spring",
                lead=lead, phone_hash=phone, at=at, arm="model", source="ranked", rank=1, attempt_no=1,
            )
        )  # fmt: skip
    return lease_id


def say(
    engine: Engine, state: str, lease_id: str = "l1", at: int = AT, *, callable_now: bool = True
) -> tuple[int, str | None, int | None]:
    with transaction(engine) as connection:
        (result,) = acknowledge(
            connection,
            [Ack(lease_id, state)],
            at,
            lambda _campaign: GAP,
            lambda given: [one.lease_id for one in given if callable_now],
        )
    return result.status, result.code, result.until


def test_a_lead_that_may_not_be_called_any_more_must_not_be_dialed(engine: Engine, given_lease: str):
    said = say(engine, "dialing", callable_now=False)

    assert said == (410, "not_callable", None)


def test_nobody_wins_a_lead_or_a_number_that_is_held(engine: Engine):
    first = claimed(engine, want("a", 1, "p"), want("b", 2, "q"))
    same_lead, same_number = claimed(engine, want("c", 1, "r")), claimed(engine, want("d", 3, "q"))

    assert first == {"a", "b"}
    assert (same_lead, same_number) == (set(), set())


def test_what_was_half_won_is_given_back_at_once(engine: Engine):
    claimed(engine, want("a", 1, "p"))

    lost = claimed(engine, want("b", 2, "p"))
    other = claimed(engine, want("c", 2, "q"))

    assert (lost, other) == (set(), {"c"})
    assert rows(engine)["phone:p"][:2] == ("a", "leased")


def test_a_lease_expires_at_its_instant_without_anybody_sweeping(engine: Engine):
    claimed(engine, want("a", 1, "p"))

    early = claimed(engine, want("b", 1, "p"), at=AT + TWO_MINUTES - 1)
    late = claimed(engine, want("c", 1, "p"), at=AT + TWO_MINUTES)

    assert (early, late) == (set(), {"c"})


def test_each_holder_of_a_resource_has_a_higher_token(engine: Engine):
    tokens = []
    for turn in range(3):
        claimed(engine, want(f"l{turn}", 1, "p"), at=AT + turn * TWO_MINUTES)
        tokens.append(rows(engine)["lead:1"][3])

    assert tokens == [1, 2, 3]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    polls=st.lists(
        st.tuples(
            st.integers(0, 3).map(lambda minutes: AT + minutes * 60 * SECOND),
            st.dictionaries(st.integers(1, 4), st.sampled_from("pqrs"), max_size=4),
        ),
        max_size=6,
    )
)
def test_claims_agree_with_a_twin_that_keeps_a_list(engine: Engine, polls):
    empty(engine)
    numbers, held = count(), dict[str, int]()

    for at, wanted in sorted(polls, key=lambda one: one[0]):
        by_phone = {phone: lead for lead, phone in wanted.items()}
        claims = [want(f"l{next(numbers)}", lead, phone) for phone, lead in by_phone.items()]
        won = claimed(engine, *claims, at=at)
        free = [one for one in claims if all(held.get(of, 0) <= at for of in one.resources)]
        assert won == {one.lease_id for one in free}
        held |= {of: at + TWO_MINUTES for one in free for of in one.resources}


def test_of_many_who_want_the_same_leads_at_once_each_lead_has_one_winner(engine: Engine):
    """Eight connections, leads and numbers crossed: none waits for another in a circle."""
    start = Barrier(8)

    def dialer(number: int) -> set[str]:
        turned = [(number * 3 + k) % 12 for k in range(12)]
        start.wait()
        return claimed(engine, *(want(f"{number}-{lead}", lead, f"p{lead}") for lead in turned))

    with ThreadPoolExecutor(8) as threads:
        won = [name for names in threads.map(dialer, range(8)) for name in names]

    assert sorted(int(name.split("-")[1]) for name in won) == list(range(12))
    assert {row[0] for row in rows(engine).values()} == set(won)


def test_two_leads_with_one_number_wanted_at_once_have_one_winner(engine: Engine):
    start = Barrier(2)

    def dialer(lead: int) -> set[str]:
        start.wait()
        return claimed(engine, want(f"l{lead}", lead, "p"))

    with ThreadPoolExecutor(2) as threads:
        won = [name for names in threads.map(dialer, (1, 2)) for name in names]

    assert len(won) == 1


def test_dialing_stops_the_expiry_for_four_hours(engine: Engine, given_lease: str):
    assert say(engine, "dialing") == (200, None, AT + DIALING)
    assert claimed(engine, want("x", 9, "p0"), at=AT + DIALING - 1) == set()
    assert claimed(engine, want("y", 9, "p0"), at=AT + DIALING) == {"y"}


def test_extend_gives_two_more_minutes(engine: Engine, given_lease: str):
    assert say(engine, "extend", at=AT + SECOND) == (200, None, AT + SECOND + EXTENSION)


def test_extend_never_shortens(engine: Engine, leads: list[int]):
    long, dialed = poll(a_desk_of(engine), AT, n=2, seconds=900).items

    for state, item in (("dialing", dialed), ("extend", dialed), ("extend", long)):
        say(engine, state, item.lease_id)

    with reading(engine) as connection:
        assert {until - AT for _, _, until in open_leases(connection, AT)} == {DIALING, 900 * SECOND}


def test_a_lease_given_back_in_a_batch_is_not_dialed_in_the_same_batch(engine: Engine, leads: list[int]):
    desk = a_desk_of(engine)
    item = poll(desk, AT, n=1).items[0]

    acks = [Ack(item.lease_id, "released"), Ack(item.lease_id, "dialing")]

    assert [one.status for one in desk.acknowledge(acks, AT + SECOND)] == [200, 410]


def test_dialed_starts_the_gap_at_once(engine: Engine, given_lease: str):
    assert say(engine, "dialed", at=AT + SECOND) == (200, None, AT + SECOND + GAP)
    assert claimed(engine, want("x", 9, "p0"), at=AT + SECOND + GAP - 1) == set()


@pytest.mark.parametrize("state", ["released", "rejected"])
def test_a_lease_given_back_is_free_at_once(engine: Engine, given_lease: str, leads: list[int], state: str):
    assert say(engine, state) == (200, None, AT)
    assert claimed(engine, want("x", leads[0], "p0")) == {"x"}


def test_a_lease_that_nobody_gave_is_unknown(engine: Engine):
    assert say(engine, "dialing", "nobody") == (404, "unknown_lease", None)


@pytest.mark.parametrize("state", ["dialing", "extend"])
def test_an_expired_lease_must_not_be_dialed(engine: Engine, given_lease: str, state: str):
    assert say(engine, state, at=AT + TWO_MINUTES) == (410, "lease_expired", None)


def test_late_words_of_a_lease_leave_the_next_holder_alone(
    engine: Engine, given_lease: str, leads: list[int]
):
    later = AT + TWO_MINUTES
    claimed(engine, want("next", leads[0], "p0"), at=later)

    said = [say(engine, state, at=later) for state in ("dialing", "released", "dialed")]

    assert [status for status, _, _ in said] == [410, 200, 200]
    assert rows(engine)["lead:" + str(leads[0])][:2] == ("next", "leased")
    assert rows(engine)["phone:p0"][:3] == ("next", "leased", later + TWO_MINUTES)


def test_a_lease_whose_number_went_to_another_is_not_held(engine: Engine, given_lease: str):
    with transaction(engine) as connection:
        connection.execute(lease.update().where(lease.c.resource == "phone:p0").values(lease_id="other"))

    with reading(engine) as connection:
        assert holder(connection, given_lease, AT) is None
    assert say(engine, "dialing")[0] == 410


def test_a_suppressed_lead_can_be_neither_claimed_nor_dialed(engine: Engine, leads: list[int]):
    desk = a_desk_of(engine)
    item = poll(desk, AT, n=1).items[0]
    key = int(desk.ledger.leads.columns["key"][item.row])
    tell(engine, a_stop("dnc.added", AT, lead_id=item.lead_id))

    with transaction(engine) as connection:
        (result,) = acknowledge(
            connection,
            [Ack(item.lease_id, "dialing")],
            AT,
            lambda _: GAP,
            lambda given: [one.lease_id for one in given],
        )
    wanted = claimed(engine, want("x", key, "another-number"), at=AT + 9 * HOUR)

    assert (result.status, result.code) == (410, "lease_expired")
    assert wanted == set()


def test_a_suppressed_number_can_be_neither_claimed_nor_dialed_until_it_is_removed(
    engine: Engine, leads: list[int]
):
    desk = a_desk_of(engine)
    item = poll(desk, AT, n=1).items[0]
    number = desk.ledger.leads.phones.word(desk.ledger.leads.columns["phone"][item.row])
    tell(engine, a_stop("dnc.added", AT, phone=item.phone))
    stopped = say(engine, "dialing", item.lease_id), claimed(engine, want("x", 99, number), at=AT + 9 * HOUR)

    tell(engine, a_stop("dnc.removed", AT + HOUR, phone=item.phone), at=AT + HOUR)

    assert (stopped[0][0], stopped[1]) == (410, set())
    assert claimed(engine, want("y", 98, number), at=AT + HOUR) == {"y"}


def test_the_number_of_a_lead_that_comes_later_is_suppressed_already(engine: Engine):
    tell(engine, a_stop("dnc.added", AT, phone=a_phone("late")))
    tell_leads(engine, [many_leads(1)[0] | {"phones": [{"e164": a_phone("late"), "type": "mobile"}]}])

    desk = a_desk_of(engine)
    given = poll(desk, AT)

    assert (given.items, given.withheld["dnc"]) == ((), 1)


def test_a_call_ends_its_lease(engine: Engine, leads: list[int]):
    desk = a_desk_of(engine)
    item = poll(desk, AT, n=1).items[0]
    say(engine, "dialing", item.lease_id)

    tell(engine, a_dial("c1", item.lead_id, AT + SECOND, lease_id=item.lease_id), at=AT + HOUR)

    with reading(engine) as connection:
        assert list(open_leases(connection, AT + HOUR)) == []
    assert say(engine, "released", item.lease_id, at=AT + HOUR)[0] == 200
    assert {state for _, state, _, _ in rows(engine).values()} == {"called"}


def test_a_call_that_names_another_leads_lease_leaves_it_to_its_holder(engine: Engine, leads: list[int]):
    desk = a_desk_of(engine)
    item, other = poll(desk, AT, n=2, seconds=900).items

    tell(engine, a_dial("c1", other.lead_id, AT + SECOND, lease_id=item.lease_id), at=AT + HOUR // 12)

    assert say(engine, "dialing", item.lease_id, at=AT + HOUR // 12)[0] == 200


def test_open_leases_are_told_with_their_spells(engine: Engine, given_lease: str, leads: list[int]):
    given_to(engine, "l2", leads[1], "p1", AT + SECOND)
    tell(engine, a_stop("dnc.added", AT, lead_id="lead-0003"))

    def told(at: int) -> Iterable[tuple[int, int, int]]:
        with reading(engine) as connection:
            return sorted(open_leases(connection, at))

    assert told(AT + SECOND) == [
        (leads[0], AT, AT + TWO_MINUTES), (leads[1], AT + SECOND, AT + SECOND + TWO_MINUTES),
    ]  # fmt: skip
    assert told(AT + TWO_MINUTES) == [(leads[1], AT + SECOND, AT + SECOND + TWO_MINUTES)]


def test_every_lease_that_ran_out_counts_though_its_lead_was_leased_again(engine: Engine, leads: list[int]):
    """Four ran out; then two of four, for one was given back and one is being dialed; then the last three."""
    desk, again, at_last = a_desk_of(engine), AT + 3 * MINUTE, AT + 10 * MINUTE
    extended, *_ = poll(desk, AT).items
    desk.acknowledge([Ack(extended.lease_id, "extend")], AT)  # and yet it ends as soon as the others
    dialing, released, *_ = poll(desk, again).items
    desk.acknowledge([Ack(dialing.lease_id, "dialing"), Ack(released.lease_id, "released")], again)
    assert len(ids(poll(desk, at_last))) == 3

    def told(since: int, at: int) -> int:
        with reading(engine) as connection:
            return ran_out(connection, "spring", since, at)

    assert [told(AT, one + TWO_MINUTES) for one in (AT, again, at_last)] == [4, 6, 9]
    assert [told(one + TWO_MINUTES, AT + DAY) for one in (AT, again, at_last)] == [6, 4, 1]


def test_a_claim_tells_which_leases_ran_out_before_it_be_it_won_or_lost(engine: Engine):
    """Of a lead's lease once, though it has two rows; what was lost and given back is no news to the next."""
    claimed(engine, want("a", 1, "p"), want("b", 2, "q"))
    claimed(engine, want("c", 9, "r"), at=AT + MINUTE)

    def told(at: int, *claims: Claim) -> tuple[set[str], list[int]]:
        with transaction(engine) as connection:
            won = claim(connection, claims, "d1", at + TWO_MINUTES, at)
            return {*won.lease_ids}, [*won.ran_out]

    first = told(AT + TWO_MINUTES, want("d", 1, "p"), want("e", 2, "r"))
    second = told(AT + 3 * MINUTE, want("f", 2, "q"))

    assert first == ({"d"}, [AT + TWO_MINUTES] * 2)
    assert second == ({"f"}, [])


def test_one_worker_takes_the_turn_and_the_next_when_it_is_over(engine: Engine):
    def turn(at: int) -> bool:
        with transaction(engine) as connection:
            return takes_turn(connection, "retrain", at + HOUR, at)

    assert [turn(AT), turn(AT), turn(AT + HOUR - 1), turn(AT + HOUR)] == [True, False, False, True]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer
def test_two_who_claimed_before_never_wait_for_each_other(engine: Engine):
    """Each holds what the other one asks for next: both are told that they didn't get it."""
    start, both = Barrier(2), Barrier(2)

    def dialer(mine: int, theirs: int) -> set[str]:
        start.wait()
        with transaction(engine) as connection:
            first = claim(connection, [want(f"a{mine}", mine, f"p{mine}")], "d", AT + TWO_MINUTES, AT)
            both.wait()
            more = [want(f"b{theirs}", theirs, f"p{theirs}")]
            second = claim(connection, more, "d", AT + TWO_MINUTES, AT, again=True)
            return {*first.lease_ids, *second.lease_ids}

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(dialer, (1, 2), (2, 1))) == [{"a1"}, {"a2"}]
