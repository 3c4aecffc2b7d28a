"""Access: API keys, how they are made, and who a request speaks for."""

import hmac
import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Engine

from features.store.engine import reading, transaction
from features.store.installation import secret_of
from features.store.keys import StoredKey, add_key, find_key

from .errors import KeyUnknown, ScopeMissing, UnknownCampaign

SCOPES = ("ingest", "queue", "read", "manage")

TRUST_S = 2.0
"""A key once found is believed for so long: a revoked one works no longer than this."""

RENEWED_S = TRUST_S / 2
"""After so long one request asks anew, while others still go by what was found."""

_PREFIX = "lrk"
_MOST_KEPT = 10_000


@dataclass(frozen=True)
class Principal:
    """Who a request speaks for; `campaigns` None means all of them."""

    key_id: str
    name: str
    scopes: frozenset[str]
    campaigns: frozenset[str] | None

    def require(self, scope: str) -> None:
        """Refuse what is outside the key's scopes."""
        if scope not in self.scopes:
            raise ScopeMissing(needed=scope)

    def reach(self, campaign: str) -> None:
        """Refuse a campaign the key isn't for, in the words of one that doesn't exist."""
        if not self.reaches(campaign):
            raise UnknownCampaign(campaign=campaign)

    def reaches(self, campaign: str) -> bool:
        """Whether the key is for this campaign."""
        return self.campaigns is None or campaign in self.campaigns

    def reaches_all(self, *campaigns: str | None) -> bool:
        """Whether it is for each of these that is known."""
        return all(self.reaches(campaign) for campaign in campaigns if campaign is not None)


@dataclass
class Keys:
    """Checks keys against the store and keeps the answers for TRUST_S."""

    engine: Engine
    _kept: dict[str, tuple[Principal, float, float]] = field(default_factory=dict)
    """By mark whom was found, when, and when somebody last asked."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def principal(self, token: str, now_s: float) -> Principal:
        """Who presents this token; `now_s` is any steady clock in seconds."""
        return self.trusted(token, now_s) or self.asked(token, now_s)

    def trusted(self, token: str, now_s: float) -> Principal | None:
        """Who presents it, where the store needn't be asked for that now."""
        mark = _mark(token)
        with self._lock:
            principal, found_s, asked_s = self._kept.get(mark, (None, 0.0, 0.0))
            if principal is None:
                return None
            if now_s - found_s < TRUST_S and now_s - asked_s < RENEWED_S:
                return principal
            self._kept[mark] = (principal, found_s, now_s)
        return None

    def asked(self, token: str, now_s: float) -> Principal:
        """Who presents it, as the store says."""
        mark = _mark(token)
        try:
            principal = self._look_up(token)
        except KeyUnknown:
            with self._lock:
                self._kept.pop(mark, None)
            raise
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[mark] = (principal, now_s, now_s)
        return principal

    def _look_up(self, token: str) -> Principal:
        key_id, secret = _parts(token)
        with reading(self.engine) as connection:
            installation, key = secret_of(connection), find_key(connection, key_id)
        digest = _digest(installation, secret)
        known = key is not None and hmac.compare_digest(digest, key.digest)
        if key is None or not known:
            raise KeyUnknown
        return Principal(key.key_id, key.name, key.scopes, key.campaigns)


def create_key(
    engine: Engine, name: str, scopes: Collection[str], campaigns: Collection[str] | None, at: int
) -> str:
    """Make and store a key of 256 random bits; return the token, which is never to be seen again."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise ValueError(f"scopes are {', '.join(SCOPES)}; not {', '.join(unknown) or 'none'}")
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    with transaction(engine) as connection:
        digest = _digest(secret_of(connection), secret)
        bound = None if campaigns is None else frozenset(campaigns)
        add_key(connection, StoredKey(key_id, name, digest, frozenset(scopes), bound, at, None))
    return f"{_PREFIX}_{key_id}_{secret}"


def _parts(token: str) -> tuple[str, str]:
    parts = token.split("_")
    if len(parts) != 3 or parts[0] != _PREFIX or not token.isascii():
        raise KeyUnknown
    return parts[1], parts[2]


def _digest(installation: bytes, secret: str) -> bytes:
    return hmac.digest(installation, b"leadrank api key" + secret.encode(), "sha256")


def _mark(token: str) -> str:
    """What stands for a token in memory: not the token."""
    return hmac.digest(b"leadrank token", token.encode("utf-8", "replace"), "sha256").hex()
