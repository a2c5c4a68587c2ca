"""The lists of the voice door on a million turns: by the storage contract, and by HTTP through a whole server.

The table takes minutes to fill, so it is kept for the next time in `.cache/`.
"""

import asyncio
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import text

from bench.measure import Ratio, at_most, median, percentile
from bench.start import start, stop
from tertulia.doors.voice.domain import AudioSession
from tertulia.doors.voice.store import AudioSessionStore
from tertulia.identity.store import tables  # noqa: F401 - what other tables refer to
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.ids import new_id
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema

MOST_MS = 5.0
PAGE = 50
TURNS_A_USER, KEYS = 500, 50
FILL = """
insert into audio_sessions select uuidv7(), 'c' || n, 'key-' || (n % :keys), 'user-' || (n % :users),
  timestamptz '2026-01-01' + n * interval '20 seconds', 'audio/webm', 2.5, 'when are you open on saturday ' || n,
  'We are open from ten to seven on every day of the week except for Sunday, when we are closed.', true,
  gen_random_uuid()::text, 400, 700, 80, 1200, 'whisper', 'ollama', 'piper', '{"branch": "north"}', :space,
  gen_random_uuid(), 'Host', 'ok', null, null, 'en', 3.0, 500, 700, null, null, '{}', false, '{}',
  gen_random_uuid(), gen_random_uuid(), md5(n::text)
from generate_series(cast(:first as int) + 1, :many) n
"""
SCOPES = ["identity:read", "voice:read"]


class Lists:
    """A data folder with that many turns in one space, made once."""

    def __init__(self, many: int) -> None:
        self.many = many
        self.users = many // TURNS_A_USER
        self.data = Path(".cache", "bench", f"voice-{many}").absolute()
        self.key = ""
        self.space = new_id()

    async def made(self) -> None:
        """The folder with its owner and their key, and all the turns."""
        kept = self.data / "bench.key"
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o755)
        if not kept.exists():
            process, ready = start(self.data)
            try:
                kept.write_text(" ".join(await _owner(ready["url"], ready["link"])))
            finally:
                stop(process)
        self.key, space = kept.read_text().split()
        self.space = UUID(space)

    async def contract(self, rounds: int) -> list[Ratio]:
        """The two lists, and the one write, as the storage contract has them."""
        server = EmbeddedPostgres(self.data)
        server.start()
        Schema(server.conninfo, binaries=server.binaries).upgrade()
        database = Database(server.conninfo, pool=2)
        try:
            await self._filled(database)
            return await self._measured(database, rounds)
        finally:
            await database.close()
            server.stop()

    async def _filled(self, database: Database) -> None:
        async with database.transaction() as tx:
            there = await tx.session.scalar(text("select count(*) from audio_sessions")) or 0
            if there >= self.many:
                return
            values = {"users": self.users, "keys": KEYS, "first": there, "many": self.many}
            await tx.session.execute(text(FILL), {**values, "space": self.space})
        async with database.engine.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.execute(text("vacuum analyze audio_sessions"))

    async def _measured(self, database: Database, rounds: int) -> list[Ratio]:
        store, spaces = AudioSessionStore(), [self.space]
        user: list[float] = []
        key: list[float] = []
        new: list[float] = []
        for n in range(rounds):
            async with database.transaction() as tx:
                await tx.raw()
                offset = PAGE * (n % 3)
                began = time.perf_counter()
                found = await store.list_by_user(tx, spaces, f"user-{n % self.users}", PAGE, offset)
                user.append((time.perf_counter() - began) * 1000)
                assert len(found) == PAGE
                began = time.perf_counter()
                found = await store.list_by_api_key(tx, spaces, f"key-{n % KEYS}", PAGE, offset)
                key.append((time.perf_counter() - began) * 1000)
                assert len(found) == PAGE
            new.append(await _created(database, store, found[0], n))
        await _forgotten(database)
        return [
            _held(f"list_by_user at {self.many:,}", user),
            _held(f"list_by_api_key at {self.many:,}", key),
            _held(f"create at {self.many:,}", new),
        ]

    async def by_http(self, rounds: int) -> None:
        """The same two lists as a client gets them: key, JSON, links and all; no goal is set for these."""
        process, ready = start(self.data, TERTULIA_RATE_LIMIT="100000000/minute")
        try:
            async with httpx.AsyncClient(
                base_url=ready["url"], headers={"Authorization": f"Bearer {self.key}"}
            ) as client:
                for name, many in (("user", self.users), ("key", KEYS)):
                    field = {"user": "user_external_id", "key": "api_key_id"}[name]
                    queries = [{field: f"{name}-{n % many}"} for n in range(rounds)]
                    taken = [await _asked(client, query) for query in queries][5:]
                    print(
                        f"   by HTTP, {field}: median {median(taken):.1f} ms, "
                        f"p95 {percentile(taken, 0.95):.1f} ms for {PAGE} turns"
                    )
        finally:
            stop(process)


def _held(claim: str, taken: list[float]) -> Ratio:
    p95 = percentile(taken, 0.95)
    print(f"   {claim}: median {median(taken):.2f} ms, p95 {p95:.2f} ms")
    return at_most(f"{claim}, p95 ÷ 5 ms", p95, MOST_MS, "ms", 1.0)


async def _created(
    database: Database, store: AudioSessionStore, like: AudioSession, n: int
) -> float:
    new = replace(like, id=new_id(), corr_id=f"bench-{n}", created_at=SystemClock().now())
    began = time.perf_counter()
    async with database.transaction() as tx:
        assert await store.create(tx, new)
    return (time.perf_counter() - began) * 1000


async def _forgotten(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.session.execute(text("delete from audio_sessions where corr_id like 'bench-%'"))


async def _asked(client: httpx.AsyncClient, query: dict[str, str]) -> float:
    began = time.perf_counter()
    answer = await client.get("/api/audio-sessions", params={**query, "limit": str(PAGE)})
    taken = (time.perf_counter() - began) * 1000
    assert len(answer.raise_for_status().json()["items"]) == PAGE
    return taken


async def _owner(url: str, link: str) -> tuple[str, str]:
    """Makes the owner's account by the link and a key that may read; gives the key and the space."""
    person = {"name": "Bench", "email": "bench@example.org", "password": "a long enough one"}
    async with httpx.AsyncClient(base_url=url) as client:
        claim = await client.post(
            "/api/auth/claim", json={"link": link.split("link=")[1], **person}
        )
        claim.raise_for_status()
        me = (await client.get("/api/me")).json()
        made = await client.post(
            "/api/keys",
            json={"name": "bench", "scopes": SCOPES},
            headers={"X-CSRF-Token": me["csrf_token"], "Origin": url},
        )
        return made.raise_for_status().json()["key"], me["active_space_id"]


async def measure(quick: bool) -> list[Ratio]:
    lists = Lists(50_000 if quick else 1_000_000)
    await lists.made()
    ratios = await lists.contract(60 if quick else 300)
    await lists.by_http(40 if quick else 200)
    return ratios


def main() -> int:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    ratios = asyncio.run(measure("--quick" in sys.argv))
    for ratio in ratios:
        print(ratio.line())
    return 0 if all(ratio.holds for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
