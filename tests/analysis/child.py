"""A worker that analyses, in a process of its own, for tests that kill it: `python -m tests.analysis.child CONNINFO URL KEY FOLDER`."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

import tertulia.identity.service  # noqa: F401 - the ledger's tables name those of spaces
from tertulia.analysis.modelled import Modelled
from tertulia.analysis.service import AnalysisService
from tertulia.analysis.tasks import AnalysisTasks
from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Worker
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.language.engines.openai import OpenAIChat
from tertulia.language.service import LanguageService, known_engines
from tertulia.ledger.domain import Prices
from tertulia.ledger.service import Ledger
from tertulia.transcripts.appending import Silent
from tertulia.transcripts.service import TranscriptService


def worker(database: Database, url: str, key: str, folder: Path) -> tuple[Worker, LanguageService]:
    """A worker that notices the dead within seconds, and what is to be closed after it."""
    clock, jobs = SystemClock(), Jobs(database)
    language = LanguageService(
        known_engines({"openai": lambda model: OpenAIChat(model or "tested", url=url, key=key)}),
        clock=clock,
    )
    cent = {"tokens_in": Decimal("0.01"), "tokens_out": Decimal("0.01")}
    service = AnalysisService(
        hall=TranscriptService(
            blobs=BlobService(database, LocalStore(folder), clock),
            clock=clock,
            announcer=Silent(),
            jobs=jobs,
        ),
        language=language,
        ledger=Ledger(clock, Prices({"openai": cent}), cheaper={}, currency="USD"),
        jobs=jobs,
        clock=clock,
        announcer=Silent(),
    )
    AnalysisTasks(service, Modelled(language, timeout_seconds=60.0)).register(jobs)
    made = Worker(jobs, shutdown_seconds=0.2, heartbeat_seconds=0.2, dead_after_seconds=1)
    return made, language


async def main(conninfo: str, url: str, key: str, folder: str) -> None:
    database = Database(conninfo, pool=8)
    made, _ = worker(database, url, key, Path(folder))
    await made.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
