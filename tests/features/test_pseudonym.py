"""Pseudonyms: the keyed hash that they say they are, by values worked out elsewhere."""

import pytest

from features.pseudonym import phone_hash

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("said", "digest"),
    [
        ("phone:v1:+14155550123", "38569f2abc8cf26e3759fe74f2d03b21"),
        ("leadrank/pseudonym/tenant:acme/v1", "6bfa43c91644fc07e1d44cb5769dcdd0"),
    ],
)
def test_it_is_the_first_half_of_an_hmac_sha256(said: str, digest: str):
    assert phone_hash(KEY, said) == digest


def test_another_key_says_something_else():
    assert phone_hash(KEY, "+14155550123") != phone_hash(KEY[::-1], "+14155550123")
