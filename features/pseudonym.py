"""Pseudonyms: a phone number as a keyed hash, the same everywhere in one installation."""

import hmac


def phone_hash(secret: bytes, e164: str) -> str:
    """The number's HMAC-SHA-256, its first 128 bits in hexadecimal: without the secret no way back."""
    return hmac.digest(secret, e164.encode(), "sha256")[:16].hex()


def proof_of(secret: bytes, salt: bytes) -> bytes:
    """What tells the right secret from a wrong one, without holding it."""
    return hmac.digest(secret, b"leadrank proof" + salt, "sha256")
