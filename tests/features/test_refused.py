"""Refused attributes: protected ones unless allow-listed, and what only the call itself tells, never."""

import pytest

from features.refused import AFTER_THE_CALL, PROTECTED, refusal


@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_a_protected_attribute_needs_an_allowance(name: str):
    assert refusal(name) == "protected attribute, not allow-listed"
    assert refusal(name, allowed={name}) is None


@pytest.mark.parametrize("name", sorted(AFTER_THE_CALL))
def test_what_only_the_call_tells_is_refused_even_if_allowed(name: str):
    assert refusal(name, allowed={name}) == "known only after the call"


@pytest.mark.parametrize(
    "name",
    [
        "Age",
        " age ",
        "DATE-OF-BIRTH",
        "date of birth",
        "Marital.Status",
        "Prénom",
        "Nationalität",
        "PRE\u0301NOM",
        "tranche d’âge",
        "Staatsangehörigkeit",
    ],
)
def test_spelling_does_not_smuggle_an_attribute_in(name: str):
    assert refusal(name) is not None


@pytest.mark.parametrize("allowed", ["Age", "age", "AGE "])
def test_an_allowance_holds_however_either_side_spells_it(allowed: str):
    assert refusal("age", allowed={allowed}) is None
    assert refusal("Age", allowed={allowed}) is None


def test_other_attributes_pass():
    assert refusal("income") is None
    assert refusal("mileage") is None
    assert refusal("Straße") is None
    assert refusal("Herkunft") is None
