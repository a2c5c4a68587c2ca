"""How often one caller may do a thing: counted in memory, or in Redis for all nodes together."""

import time
from typing import Any, NamedTuple

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import Storage

from tertulia.kernel.errors import RateLimitedError, StartError
from tertulia.kernel.settings import Settings

log = structlog.get_logger(__name__)

DEFAULT = "default"
CREATE = "create"
SIGN_IN = "sign_in"

SWEEP_EVERY_SECONDS = 30.0
COMPLAIN_EVERY_SECONDS = 60.0


class MemoryCounters(Storage):
    """Counters of this process. The library's own walks over all of them in a new task at every request."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}
        self._swept_at = time.time()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        return self.add(key, expiry, amount)[0]

    def add(self, key: str, expiry: float, amount: int = 1) -> tuple[int, float]:
        """Counts, and gives the new count and when it ends."""
        now = time.time()
        if now - self._swept_at >= SWEEP_EVERY_SECONDS:
            self._swept_at = now
            self._counts = {k: c for k, c in self._counts.items() if c[1] > now}
        count, until = self._counts.get(key, (0, 0.0))
        if until <= now:
            count, until = 0, now + expiry
        counted = self._counts[key] = (count + amount, until)
        return counted

    async def get(self, key: str) -> int:
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > time.time() else 0

    async def get_expiry(self, key: str) -> float:
        _, until = self._counts.get(key, (0, 0.0))
        return max(until, time.time())

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        forgotten = len(self._counts)
        self._counts.clear()
        return forgotten

    async def clear(self, key: str) -> None:
        self._counts.pop(key, None)


class Left(NamedTuple):
    """What a caller may still do, until when the count begins anew."""

    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_seconds),
        }

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The same, as they are sent."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_seconds),
        ]


class RateLimiter:
    """Counts what callers do and refuses what is too much.

    When Redis is away each node counts on its own: people come in, and a flood is still held back.
    """

    def __init__(self, settings: Settings) -> None:
        self._limits = {
            DEFAULT: _limit("rate_limit", settings.rate_limit),
            CREATE: _limit("rate_limit_create", settings.rate_limit_create),
            SIGN_IN: _limit("rate_limit_sign_in", settings.rate_limit_sign_in),
        }
        self._local = MemoryCounters()
        self._shared: Any = None
        self._complained_at = float("-inf")
        self._away: tuple[type[Exception], ...] = (OSError,)
        if settings.redis_url is not None:
            # its client is half a second of a start that most servers need not spend
            from limits.aio.storage import RedisStorage
            from redis.exceptions import RedisError

            self._away = (RedisError, OSError)
            self._shared = RedisStorage(
                f"async+{settings.redis_url.get_secret_value()}",
                wrap_exceptions=False,
                implementation="redispy",
                key_prefix="tertulia:limits",
                socket_timeout=1.0,
                socket_connect_timeout=1.0,
            )

    async def check(self, bucket: str, who: str) -> dict[str, str]:
        """Counts one more; gives the headers that say what is left, or refuses with `Retry-After`."""
        return (await self.take(bucket, who)).headers()

    async def take(self, bucket: str, who: str) -> "Left":
        """Counts one more; gives what is left, or refuses with `Retry-After`."""
        limit = self._limits[bucket]
        count, ends = await self._count(limit, bucket, who)
        left = Left(limit.amount, max(0, limit.amount - count), max(1, round(ends - time.time())))
        if count > limit.amount:
            raise RateLimitedError(
                f"That was too often: {limit} is the limit here. Wait {left.reset_seconds} s and try again.",
                headers={**left.headers(), "Retry-After": str(left.reset_seconds)},
            )
        return left

    async def close(self) -> None:
        """Lets Redis go."""
        if self._shared is not None:
            client: Any = self._shared.bridge
            await client.storage.aclose()

    async def _count(self, limit: RateLimitItem, bucket: str, who: str) -> tuple[int, float]:
        """A fixed window, as the library counts it, with one look less: the new count says what is left."""
        key = limit.key_for(bucket, who)
        if self._shared is not None:
            try:
                count = await self._shared.incr(key, limit.get_expiry())
                return count, await self._shared.get_expiry(key)
            except self._away as error:
                self._complain(error)
        return self._local.add(key, limit.get_expiry())

    def _complain(self, error: BaseException) -> None:
        now = time.monotonic()
        if now - self._complained_at >= COMPLAIN_EVERY_SECONDS:
            self._complained_at = now
            log.warning("identity.rate_limits_local", reason=type(error).__name__)


def _limit(setting: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError:
        raise StartError(
            f"TERTULIA_{setting.upper()} is wrong: `{text}` is no limit. Write one like 600/minute."
        ) from None
