"""Destinations: where a webhook may go: to public addresses, and to those that the installation allows."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2

from .errors import DestinationRefused

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[Address]]

LONGEST_URL = 2048
_UNICAST = IPv6Network("2000::/3")
"""All that is given out to networks of the world so far (IANA, IPv6 Global Unicast Address Assignments)."""
_ASSIGNED = IPv4Network("192.0.0.0/24")
"""For protocols, not for hosts (RFC 6890); older releases of Python take most of it for public."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address in IPv6's clothes (RFC 6052): what counts is its last 32 bits."""


@dataclass(frozen=True)
class Destination:
    """A URL in the parts that a request needs."""

    scheme: str
    host: str
    port: int
    netloc: bytes
    target: bytes

    @classmethod
    def of(cls, url: str) -> "Destination":
        """Read a URL; one that isn't http or https, or that carries a password, is refused."""
        try:
            read = httpx2.URL(url)
        except (httpx2.InvalidURL, UnicodeError):
            raise DestinationRefused(reason="bad_url") from None
        host = read.raw_host.decode("ascii")
        port = (443 if read.scheme == "https" else 80) if read.port is None else read.port
        plain = read.scheme in ("http", "https") and host and "%" not in host and not read.userinfo
        if not plain or not 0 < port < 1 << 16 or len(url) > LONGEST_URL:
            raise DestinationRefused(reason="bad_url")
        return cls(read.scheme, host, port, read.netloc, read.raw_path)


@dataclass(frozen=True)
class Allowed:
    """Hosts by name, and networks, that webhooks may go to although they are not public."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Allowed":
        """Read `crm.internal, 10.1.2.3, 10.2.0.0/16`; a network that is none is a ValueError."""
        words = [word.strip().lower() for word in text.split(",") if word.strip()]
        numbers = [word for word in words if "/" in word or _is_address(word)]
        return cls(frozenset(words) - frozenset(numbers), tuple(map(ip_network, numbers)))

    def admits(self, host: str, address: Address) -> bool:
        """Whether the installation itself allows this address, or whatever this host resolves to."""
        inner = unwrapped(address)
        return host.lower() in self.hosts or any(
            inner in network for network in self.networks if network.version == inner.version
        )


def lookup(host: str, port: int) -> list[Address]:
    """Every address that the system knows for a host, as connecting would use them."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(ip_address(str(where[0])) for *_, where in found))


@dataclass(frozen=True)
class Guard:
    """Says which addresses of a host may be connected to: all of them, or none."""

    allowed: Allowed = field(default_factory=Allowed)
    resolve: Resolve = lookup

    def addresses(self, host: str, port: int) -> list[Address]:
        """The host's addresses now; refused if there is none, or if any is neither public nor allowed."""
        found = self.resolve(host, port)
        if not found:
            raise DestinationRefused(reason="unresolvable")
        if not all(is_public(one) or self.allowed.admits(host, one) for one in found):
            raise DestinationRefused(reason="private_address")
        return found

    def check(self, url: str) -> None:
        """Refuse a URL that couldn't be posted to now."""
        there = Destination.of(url)
        self.addresses(there.host, there.port)


def is_public(address: Address) -> bool:
    """Whether an address is one of the wide world's, whatever it is wrapped in.

    Tunnels (6to4, Teredo) carry addresses of their own and are never taken for public.
    """
    inner = unwrapped(address)
    if inner.is_multicast or not inner.is_global:
        return False
    if isinstance(inner, IPv4Address):
        return not inner.is_reserved and inner not in _ASSIGNED
    return inner in _UNICAST and inner.sixtofour is None and inner.teredo is None


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that merely carries it; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
