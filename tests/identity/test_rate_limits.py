"""How often one caller may do a thing."""

from pathlib import Path

import pytest
import structlog
from tests.fixtures.events import RedisServer

from tertulia.identity import rate_limits
from tertulia.identity.rate_limits import DEFAULT, SIGN_IN, MemoryCounters, RateLimiter
from tertulia.kernel.errors import RateLimitedError, StartError
from tertulia.kernel.settings import Settings


def limiter(folder: Path, **settings: object) -> RateLimiter:
    return RateLimiter(Settings(data=folder, rate_limit="3/minute", **settings))  # type: ignore[arg-type]


async def use_up(limiter: RateLimiter, who: str = "key:1") -> None:
    for remaining in ("2", "1", "0"):
        headers = await limiter.check(DEFAULT, who)
        assert headers["X-RateLimit-Limit"] == "3"
        assert headers["X-RateLimit-Remaining"] == remaining
        assert 1 <= int(headers["X-RateLimit-Reset"]) <= 60
    with pytest.raises(RateLimitedError) as refused:
        await limiter.check(DEFAULT, who)
    assert refused.value.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60


@pytest.mark.unit
class TestInMemory:
    async def test_each_caller_has_their_own_in_each_bucket(self, tmp_path: Path) -> None:
        limits = limiter(tmp_path)
        await use_up(limits)
        await limits.check(DEFAULT, "key:2")
        await limits.check(SIGN_IN, "key:1")

    async def test_time_gives_it_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [1_000_000.0]
        monkeypatch.setattr(rate_limits.time, "time", lambda: now[0])
        limits = limiter(tmp_path)
        await use_up(limits)
        now[0] += 60
        await use_up(limits)

    async def test_counters_nobody_needs_are_forgotten(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [1_000_000.0]
        monkeypatch.setattr(rate_limits.time, "time", lambda: now[0])
        counters = MemoryCounters()
        for caller in range(1000):
            await counters.incr(f"address:{caller}", 60)
        now[0] += 61
        await counters.incr("address:new", 60)
        assert await counters.reset() == 1

    @pytest.mark.parametrize("wrong", ["", "often", "-1/minute", "10"])
    def test_a_wrong_limit_stops_the_start(self, tmp_path: Path, wrong: str) -> None:
        with pytest.raises(StartError, match="TERTULIA_RATE_LIMIT_SIGN_IN"):
            limiter(tmp_path, rate_limit_sign_in=wrong)


@pytest.mark.db
class TestInRedis:
    async def test_nodes_count_together(self, tmp_path: Path, redis_server: RedisServer) -> None:
        one, other = (limiter(tmp_path, redis_url=redis_server.url) for _ in range(2))
        await use_up(one)
        with pytest.raises(RateLimitedError):
            await other.check(DEFAULT, "key:1")
        await one.close()
        await other.close()

    async def test_without_redis_each_node_counts_alone_and_says_so_once(
        self, tmp_path: Path, redis_server: RedisServer
    ) -> None:
        limits = limiter(tmp_path, redis_url=redis_server.url)
        await limits.check(DEFAULT, "key:1")
        redis_server.kill()
        with structlog.testing.capture_logs() as logs:
            await use_up(limits)
        assert [entry["event"] for entry in logs] == ["identity.rate_limits_local"]
        redis_server.start()
        headers = await limits.check(DEFAULT, "key:1")
        assert headers["X-RateLimit-Remaining"] == "2"
        await limits.close()
