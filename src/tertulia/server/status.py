"""What the Status room shows, what readiness asks, and the figures read when Prometheus comes."""

import asyncio
import socket
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

import tertulia
from tertulia.jobs.domain import JobCounts
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.language.domain import Standing
from tertulia.server.health import Check
from tertulia.server.wiring import Services
from tertulia.speech.report import EngineReport
from tertulia.speech.wording import Wording

CHECK_SECONDS = 3.0
WORKS, TIMEOUT = "works", "timeout"


class PartOut(BaseModel):
    """A part of the server, and whether it works."""

    ok: bool
    kind: str = Field(examples=["embedded"])
    version: str | None = Field(None, examples=["18.4"])


class QueueOut(BaseModel):
    """The jobs of one queue."""

    name: str = Field(examples=["default"])
    todo: int
    doing: int


class JobsOut(BaseModel):
    """Jobs by what became of them."""

    todo: int
    doing: int
    scheduled: int
    failed: int
    workers: int = Field(description="Processes that take jobs now.")
    queues: list[QueueOut]


class SaidOut(BaseModel):
    """A sentence in English, and what another language needs to say the same."""

    text: str = Field(examples=["Whisper small is on this machine"])
    code: str | None = Field(None, examples=["whisper_here"])
    values: dict[str, str] = Field(default_factory=dict, examples=[{"model": "small"}])

    @classmethod
    def of(cls, text: str) -> Self:
        if isinstance(text, Wording):
            return cls(text=text, code=text.code, values=dict(text.values))
        return cls(text=text)


class EngineOut(BaseModel):
    """An engine, whether it works here, and what would be better."""

    name: str = Field(examples=["pocketsphinx"])
    kind: Literal["stt", "tts"]
    works: bool
    chosen: bool = Field(description="Whether `auto` takes it.")
    reason: SaidOut
    better: SaidOut | None = None

    @classmethod
    def of(cls, engine: EngineReport) -> Self:
        better = SaidOut.of(engine.better) if engine.better else None
        return cls(
            name=engine.name,
            kind=engine.kind,
            works=engine.works,
            chosen=engine.chosen,
            reason=SaidOut.of(engine.reason),
            better=better,
        )


class LanguageEngineOut(BaseModel):
    """A language engine, and whether chains may name it here."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["ollama"])
    works: bool
    standing: Standing
    setting: str | None = Field(None, description="Where its key goes, when it needs one.")
    models: list[str] = Field(description="Those that TERTULIA_LLM names.")


class SpeechOut(BaseModel):
    """The speech host's load."""

    model_config = ConfigDict(from_attributes=True)

    streams: int
    capacity: int
    queue: int
    real_time_factor: float | None
    restarts: int


class CheckOut(BaseModel):
    """One thing that was looked at, and what to do about it."""

    name: str = Field(examples=["database"])
    ok: bool
    code: str = Field(description="`works`, `timeout`, or the code of the error.", examples=[WORKS])
    detail: str
    fix: str | None = None


class StatusOut(BaseModel):
    """The server at a glance."""

    version: str = Field(examples=["0.1.0"])
    started_at: datetime
    node: str = Field(examples=["hall-1"])
    database: PartOut
    events: PartOut
    blobs: PartOut
    jobs: JobsOut
    engines: list[EngineOut]
    language: list[LanguageEngineOut]
    speech: SpeechOut | None = None
    checks: list[CheckOut]


def router(services: Services) -> APIRouter:
    """The Status room's one address."""
    routes = Router(
        prefix="/api",
        tags=["status"],
        route_class=TransactionRoute,
        dependencies=[Depends(services.access.require("status"))],
    )

    @routes.get("/status", summary="How the server is doing")
    async def status(tx: Tx) -> StatusOut:
        counts = await services.jobs.counts(tx)
        workers = await services.jobs.workers(tx)
        raw = await tx.raw()
        version = f"{raw.info.server_version // 10_000}.{raw.info.server_version % 10_000}"
        looked = await look(services)
        fine = {check.name: check.ok for check in looked}
        return StatusOut(
            version=tertulia.__version__,
            started_at=services.started_at,
            node=socket.gethostname(),
            database=PartOut(
                ok=True, kind="embedded" if services.storage.postgres else "given", version=version
            ),
            events=PartOut(
                ok=fine["events"], kind="redis" if services.settings.redis_url else "postgresql"
            ),
            blobs=PartOut(ok=fine["blobs"], kind=services.settings.blobs.split(":")[0]),
            jobs=_jobs(counts, workers),
            engines=[EngineOut.of(engine) for engine in services.speech_engines()],
            language=[LanguageEngineOut.model_validate(e) for e in services.language.engines()],
            speech=await _load(services),
            checks=looked,
        )

    return routes


def checks(services: Services) -> dict[str, Check]:
    """What must answer for the server to be ready."""
    return {
        "database": services.database.ping,
        "events": services.events.check,
        "blobs": services.blob_store.check,
    }


FIXES = {
    "database": "Look whether PostgreSQL runs, and at its log.",
    "events": "Look at TERTULIA_REDIS_URL and whether that server runs.",
    "blobs": "Look at TERTULIA_BLOBS and its keys, and whether the disk has room.",
}


async def look(services: Services) -> list[CheckOut]:
    """Asks every part at once; one that does not answer in time counts as broken."""
    return list(
        await asyncio.gather(*(_look(name, check) for name, check in checks(services).items()))
    )


async def _look(name: str, check: Check) -> CheckOut:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return _broken(name, TIMEOUT, "does not answer in time")
    except TertuliaError as error:
        return _broken(name, error.code, error.detail)
    return CheckOut(name=name, ok=True, code=WORKS, detail="works")


def _broken(name: str, code: str, detail: str) -> CheckOut:
    return CheckOut(name=name, ok=False, code=code, detail=detail, fix=FIXES[name])


async def refresh_metrics(services: Services) -> None:
    """Counts what nobody counts as it happens; a database that is away is itself a figure."""
    gauge = services.metrics.gauge
    try:
        async with services.database.transaction() as tx:
            jobs = _jobs(await services.jobs.counts(tx), await services.jobs.workers(tx))
    except TertuliaError:
        gauge("database_up", 0, "Whether the database answers.")
        return
    gauge("database_up", 1, "Whether the database answers.")
    gauge("jobs_waiting", jobs.todo, "Jobs that could run now and wait.")
    gauge("jobs_scheduled", jobs.scheduled, "Jobs that wait for their time.")
    gauge("jobs_running", jobs.doing, "Jobs under way.")
    gauge("jobs_failed", jobs.failed, "Jobs given up and not yet forgotten.")
    gauge("job_workers", jobs.workers, "Processes that take jobs.")
    gauge("disk_free_bytes", services.storage.folder.free_bytes(), "Free space in the data folder.")
    load = await _load(services)
    if load is not None:
        gauge("speech_streams", load.streams, "Live streams open.")
        gauge("speech_capacity", load.capacity, "Live streams this machine holds.")
        gauge("speech_queue", load.queue, "Pieces of audio that wait for an inference worker.")
        gauge(
            "speech_real_time_factor",
            load.real_time_factor or 0,
            "Seconds of work per second of audio.",
        )
        gauge("speech_host_restarts", load.restarts, "Times the speech host was started again.")


async def _load(services: Services) -> SpeechOut | None:
    load = await services.speech_load()
    return SpeechOut.model_validate(load) if load else None


def _jobs(counts: Sequence[JobCounts], workers: int) -> JobsOut:
    return JobsOut(
        todo=sum(c.waiting for c in counts),
        doing=sum(c.running for c in counts),
        scheduled=sum(c.scheduled for c in counts),
        failed=sum(c.failed for c in counts),
        workers=workers,
        queues=[QueueOut(name=c.name, todo=c.waiting, doing=c.running) for c in counts],
    )
