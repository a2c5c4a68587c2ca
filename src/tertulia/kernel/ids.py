"""Names for things: time-ordered ids, and secrets that only their holder knows."""

import hashlib
import secrets
import uuid

import uuid_utils.compat

UUID = uuid.UUID

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_id() -> UUID:
    """A UUIDv7: unique, and ordered by the time it was made, so that indexes grow at one end."""
    return uuid_utils.compat.uuid7()


def new_secret(prefix: str = "", *, length: int = 40) -> str:
    """A random secret, easy to select with a double click: `prefix_…` without look-alike characters."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(length))
    return f"{prefix}_{body}" if prefix else body


def secret_hash(secret: str) -> bytes:
    """What is stored of a random secret. It has enough entropy of its own to need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()
