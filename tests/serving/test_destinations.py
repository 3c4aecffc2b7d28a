"""Destinations: no webhook goes to an address that isn't public, however it is written or reached."""

from ipaddress import ip_address

import pytest

from serving.destinations import Allowed, Destination, Guard, is_public, lookup
from serving.errors import DestinationRefused

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1",
    "fec0::1", "ff02::1", "100::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]

HIDDEN = [
    "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/",
    "http://0/", "http://localhost/", "http://LOCALHOST:8000/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "https://169.254.169.254/latest/meta-data", "http://127.0.0.1.:80/",
    "http://①②⑦.0.0.1/",
]  # fmt: skip


def resolves_to(*addresses: str):
    return lambda _host, _port: [ip_address(address) for address in addresses]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_the_worlds_is_not_public(address: str):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_worlds_addresses_are_public(address: str):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("url", HIDDEN)
def test_a_private_address_is_refused_in_every_notation_that_the_system_understands(url: str):
    with pytest.raises(DestinationRefused):
        Guard().check(url)


def test_decimal_notation_is_understood_before_it_is_refused():
    """Otherwise the test above would pass for want of an address."""
    assert [str(one) for one in lookup("2130706433", 80)] == ["127.0.0.1"]


@pytest.mark.parametrize("url", [
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/", "example.com",
    "http://", "http://user:word@example.com/", "http://example.com:0/", "http://example.com:99999/",
    "http://exa mple.com/",
    "http://[fe80::1%25lo]/", "http://" + "a" * 3000,
])  # fmt: skip
def test_only_plain_web_addresses_are_urls(url: str):
    with pytest.raises(DestinationRefused) as refused:
        Destination.of(url)

    assert refused.value.facts == {"reason": "bad_url"}


def test_a_name_without_an_address_is_refused():
    with pytest.raises(DestinationRefused) as refused:
        Guard(resolve=resolves_to()).check("https://crm.example/")

    assert refused.value.facts == {"reason": "unresolvable"}


def test_one_private_address_among_public_ones_is_one_too_many():
    guard = Guard(resolve=resolves_to("8.8.8.8", "10.0.0.1"))

    with pytest.raises(DestinationRefused):
        guard.check("https://crm.example/")


def test_a_public_name_passes():
    Guard(resolve=resolves_to("8.8.8.8", "2606:4700:4700::1111")).check("https://crm.example/hook?x=1")


@pytest.mark.parametrize(("allowed", "url", "passes"), [
    ("127.0.0.1", "http://127.0.0.1:9/", True),
    ("127.0.0.1", "http://[::ffff:127.0.0.1]:9/", True),
    ("127.0.0.0/8, crm.internal", "http://127.9.9.9/", True),
    ("10.0.0.0/8", "http://127.0.0.1/", False),
    ("::1", "http://[::1]/", True),
    ("fd00::/8", "http://[::1]/", False),
    ("localhost", "http://localhost/", True),
    ("localhost", "http://127.0.0.1/", False),
    ("", "http://127.0.0.1/", False),
])  # fmt: skip
def test_what_the_installation_allows_passes_and_nothing_beside_it(allowed: str, url: str, passes: bool):
    guard = Guard(Allowed.of(allowed))

    if passes:
        guard.check(url)
    else:
        with pytest.raises(DestinationRefused):
            guard.check(url)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "a/b"])
def test_a_network_that_is_none_is_told_at_the_start(text: str):
    with pytest.raises(ValueError, match=r"network|bits|address"):
        Allowed.of(text)
