"""Short-lived tokens for one session: for browsers, which cannot send a header with a WebSocket."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

PREFIX = "tl_"
LIFE = timedelta(minutes=10)
RENEW_SECONDS = 240.0
"""A connected client gets a fresh one this often: the old one then still outlives the wait for its return."""
_VERSION = 1
_HEAD_BYTES = 1 + 16 + 8 + 1
_MAC_BYTES = 24


class TokenRole(StrEnum):
    """What a token opens."""

    SPEAKER = "speaker"
    LISTENER = "listener"


_ROLES = (TokenRole.SPEAKER, TokenRole.LISTENER)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was read; it is worth nothing until its session's key has confirmed it."""

    session_id: UUID
    expires_at: datetime
    role: TokenRole
    head: bytes
    mac: bytes

    def signed_with(self, key: bytes) -> bool:
        return hmac.compare_digest(self.mac, _mac(key, self.head))


def issue(session_id: UUID, key: bytes, role: TokenRole, now: datetime) -> tuple[str, datetime]:
    """A token and when it ends; `key` is the session's own."""
    expires_at = (now + LIFE).replace(microsecond=0)
    head = bytes([_VERSION]) + session_id.bytes + int(expires_at.timestamp()).to_bytes(8, "big")
    head += bytes([_ROLES.index(role)])
    packed = urlsafe_b64encode(head + _mac(key, head)).decode().rstrip("=")
    return PREFIX + packed, expires_at


def read(token: str) -> Token | None:
    """The token, or None when it is none."""
    packed = token.removeprefix(PREFIX)
    try:
        raw = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    except ValueError:
        return None
    head, mac = raw[:_HEAD_BYTES], raw[_HEAD_BYTES:]
    if len(mac) != _MAC_BYTES or head[0] != _VERSION or head[-1] >= len(_ROLES):
        return None
    expires_at = datetime.fromtimestamp(min(int.from_bytes(head[17:25], "big"), 2**33), UTC)
    return Token(UUID(bytes=head[1:17]), expires_at, _ROLES[head[-1]], head, mac)


def _mac(key: bytes, head: bytes) -> bytes:
    return hmac.new(key, head, hashlib.sha256).digest()[:_MAC_BYTES]
