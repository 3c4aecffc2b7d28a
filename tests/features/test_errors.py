"""Errors: the docstring is the message, the keywords are the facts, the name is the code."""

import pytest

from features.errors import LeadrankError, SourceError, StaleSchema


def every_error(root: type[LeadrankError] = LeadrankError) -> list[type[LeadrankError]]:
    """The whole family as far as it is imported."""
    return [root, *(error for child in root.__subclasses__() for error in every_error(child))]


class FreshlyBroken(SourceError):
    """Something new broke.

    A second paragraph is for readers of the code.
    """


class Silent(SourceError):
    pass


def test_the_message_is_the_first_sentence_and_the_facts():
    error = FreshlyBroken(file="calls.csv", line=7)

    assert str(error) == "Something new broke. (file=calls.csv, line=7)"
    assert error.facts == {"file": "calls.csv", "line": 7}


def test_without_facts_the_sentence_stands_alone():
    assert str(FreshlyBroken()) == "Something new broke."


def test_an_error_says_its_own_name_rather_than_its_parents_sentence():
    assert str(Silent()) == "Silent"


def test_the_code_is_the_name_in_snake_case():
    assert StaleSchema.code == "stale_schema"
    assert LeadrankError.code == "leadrank_error"


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__name__)
def test_every_error_of_ours_has_a_sentence_and_is_caught_as_one_of_ours(error: type[LeadrankError]):
    if error is not Silent:
        assert (error.__doc__ or "").strip()
    with pytest.raises(LeadrankError):
        raise error(fact=1)


def test_codes_tell_errors_apart():
    codes = [error.code for error in every_error()]

    assert len(codes) == len(set(codes))
