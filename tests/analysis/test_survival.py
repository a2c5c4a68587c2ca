"""An analysis whose worker is killed goes on where it was, and pays for nothing twice."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.analysis.child import worker
from tests.fakes.openai_chat import OpenAIChatServer
from tests.fakes.openai_chat_acts import Act
from tests.fixtures.transcripts import Begin

from tertulia.analysis.domain import Status
from tertulia.analysis.service import AnalysisService
from tertulia.kernel.database import Database
from tertulia.ledger.domain import Asked
from tertulia.ledger.service import Ledger

pytestmark = pytest.mark.db

ROOT = Path(__file__).parents[2]


@contextmanager
def child(arguments: list[str]) -> Iterator[None]:
    """A worker that is killed at the end of the block."""
    process = subprocess.Popen([sys.executable, "-m", "tests.analysis.child", *arguments], cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


async def test_killed_in_the_middle(
    database: Database,
    conninfo: str,
    analyses: AnalysisService,
    begin: Begin,
    fake_llm: OpenAIChatServer,
    analysis_ledger: Ledger,
    tmp_path: Path,
) -> None:
    made = await begin(*(f"Sentence {n} is about the harbour. " * 40 for n in range(60)))
    asked: Counter[str] = Counter()

    def reply(body: dict[str, Any]) -> str:
        asked[body["messages"][-1]["content"].splitlines()[1]] += 1
        return json.dumps({"summary": "A part of it."})

    fake_llm.reply = reply
    parts = 60 * 1_400 // 24_000 + 1
    fake_llm.acts = [Act(reply_once) for reply_once in ['{"summary": "One."}'] * 2]
    fake_llm.acts += [Act(then="hang")] * parts
    async with database.transaction() as tx:
        await analyses.request(
            tx, [made.space_id], made.id, fields=["summary"], chain="openai:gpt-x"
        )
    arguments = [conninfo, fake_llm.address, fake_llm.key, str(tmp_path)]
    with child(arguments):
        async with asyncio.timeout(60):
            while len(fake_llm.asked) < parts:  # noqa: ASYNC110 - another process asks
                await asyncio.sleep(0.02)
        async with asyncio.timeout(10):
            while len(kept := await _parts(database, analyses, made.id)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    before = len(fake_llm.asked)
    fake_llm.acts = []
    working, language = worker(database, fake_llm.address, fake_llm.key, tmp_path)
    run = asyncio.create_task(working.run())
    try:
        async with asyncio.timeout(60):
            while True:
                async with database.transaction() as tx:
                    found = await analyses.get(tx, [made.space_id], made.id)
                if found.status.ended:
                    break
                await asyncio.sleep(0.05)
    finally:
        working.stop()
        await run
        await language.close()
    assert found.status is Status.DONE, found.error
    whole = 1
    assert len(fake_llm.asked) - before == parts - len(kept) + whole
    assert max(asked.values()) == 1
    async with database.transaction() as tx:
        uses = await analysis_ledger.entries(tx, Asked((made.space_id,)), None, 100)
    assert len(uses) == 2 * (parts + whole)


async def _parts(database: Database, analyses: AnalysisService, id_: Any) -> list[str]:
    async with database.transaction() as tx:
        found = await analyses.find(tx, id_)
        assert found is not None
        return list(await analyses.parts(tx, found))
