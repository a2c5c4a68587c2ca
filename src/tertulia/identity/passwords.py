"""Passwords: hashed with argon2, off the event loop, a few at a time."""

import asyncio
import secrets
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tertulia.identity.domain import MAX_PASSWORD_LENGTH
from tertulia.kernel.errors import UnavailableError

P = ParamSpec("P")
T = TypeVar("T")


class Passwords:
    """Hashes and compares. Each call takes a core and 64 MiB for a while, so few run and few may wait."""

    def __init__(
        self, hasher: PasswordHasher | None = None, *, at_once: int = 2, waiting: int = 8
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._at_once = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        return await self._off_loop(self._hash, password)

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether they belong together. Without a hash it takes just as long, so that nobody learns who has an account."""
        if len(password) > MAX_PASSWORD_LENGTH:
            return False
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_urlsafe())
        same = await self._off_loop(self._verify, password, hashed or self._nobodys)
        return same and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(hashed)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def _verify(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        # Whoever waits here holds a database connection; a flood of sign-ins must not take them all.
        if self._inside >= self._room:
            raise UnavailableError(
                "Too many people sign in at this moment. Try again.", retry_after_seconds=1
            )
        self._inside += 1
        try:
            async with self._at_once:
                return await asyncio.to_thread(work, *args, **kwargs)
        finally:
            self._inside -= 1
