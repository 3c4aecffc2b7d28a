"""The chaos run's own eyes: it must see a lead in two hands, and nothing where there is nothing."""

from tests.chaos.dialers import LEASE_S, Hand
from tests.chaos.verdict import in_two_hands

NEVER = float("inf")


def a_hand(
    lease: str, asked: float, until: float | None = None, lead: str = "ann", phone: str = "+1"
) -> Hand:
    return Hand(lead, phone, lease, asked, asked + 1, asked + LEASE_S if until is None else until)


def test_a_lead_given_again_before_its_lease_can_have_ended_is_in_two_hands():
    assert len(in_two_hands([a_hand("a", 0), a_hand("b", LEASE_S - 2)])) == 1
    assert len(in_two_hands([a_hand("a", 0), a_hand("b", LEASE_S)])) == 0


def test_a_number_of_two_leads_is_in_two_hands_as_well():
    assert len(in_two_hands([a_hand("a", 0), a_hand("b", 1, lead="bob")])) == 1
    assert len(in_two_hands([a_hand("a", 0), a_hand("b", 1, lead="bob", phone="+2")])) == 0


def test_who_gave_it_back_holds_it_no_more_and_who_dials_holds_it_for_good():
    assert len(in_two_hands([a_hand("a", 0, until=3), a_hand("b", 3)])) == 0
    assert len(in_two_hands([a_hand("a", 0, until=NEVER), a_hand("b", 500)])) == 1


def test_the_same_answer_given_again_is_one_hand():
    assert len(in_two_hands([a_hand("a", 0), a_hand("a", 0)])) == 0
