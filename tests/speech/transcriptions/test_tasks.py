"""The job that reads a recording: once, again after a failure, never when nobody wants it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.fixtures.identity import Person
from tests.speech.transcriptions.conftest import (
    TEXT,
    Hand,
    HeldReader,
    Look,
    MakeService,
)

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Worker
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.ledger.domain import Asked, Period, Prices
from tertulia.ledger.service import Ledger
from tertulia.speech.decoding import AudioUnreadableError
from tertulia.speech.domain import Recognition
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.transcriptions.domain import (
    Owner,
    Status,
    Transcription,
    TranscriptionMissingError,
    Wishes,
)
from tertulia.speech.transcriptions.service import READ, TranscriptionService
from tertulia.speech.transcriptions.tasks import PROGRESS_SECONDS, TranscriptionTasks

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]
Running = Callable[..., AbstractAsyncContextManager[Worker]]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits until it holds; gives up with the test's patience."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - what is waited for lies in the database
            await asyncio.sleep(0.01)


async def keys(store: LocalStore) -> list[str]:
    return [blob.key async for blob in store.list()]


async def test_a_recording_becomes_text(
    hand_over: Hand,
    look: Look,
    drain_jobs: Drain,
    reader: HeldReader,
    database: Database,
    service: TranscriptionService,
    owner_of: Owner,
    local_store: LocalStore,
) -> None:
    new = await hand_over(b"sound", engine="whisper", language="es", split=True)
    assert (await look(new.id)).status is Status.QUEUED
    await drain_jobs()
    assert reader.heard == [(b"sound", Wishes("whisper", "es", True))]
    found = await look(new.id)
    assert (found.status, found.progress, found.provider) == (Status.DONE, 1.0, "gladia|whisper")
    assert (found.language, found.duration_seconds, found.error) == ("es", 3.0, None)
    async with database.transaction() as tx:
        name, text = await service.recognition(tx, owner_of, new.id)
    assert name == "monday.mp3"
    assert text.segments == TEXT.segments
    assert len(await keys(local_store)) == 1


async def test_the_recording_goes_once_it_is_read_where_that_is_set(
    make_service: MakeService,
    reader: HeldReader,
    clock: HeldClock,
    jobs: Jobs,
    database: Database,
    owner_of: Owner,
    drain_jobs: Drain,
    local_store: LocalStore,
) -> None:
    service = make_service(keep_uploads=False)
    TranscriptionTasks(service, reader, clock).register(jobs)

    async def sound() -> AsyncIterator[bytes]:
        yield b"sound"

    async with database.transaction() as tx:
        new = await service.create(
            tx, owner_of, sound(), name="a", content_type="audio/wav", wishes=Wishes()
        )
    await drain_jobs()
    assert await keys(local_store) == []
    async with database.transaction() as tx:
        assert (await service.get(tx, owner_of, new.id)).status is Status.DONE
        with pytest.raises(TranscriptionMissingError, match="KEEP_UPLOADS"):
            await service.audio(tx, owner_of, new.id)


async def test_a_recording_that_cannot_be_read_fails_at_once_and_says_why(
    hand_over: Hand, look: Look, drain_jobs: Drain, reader: HeldReader
) -> None:
    reader.answers = [AudioUnreadableError("Send a recording.")]
    new = await hand_over()
    await drain_jobs()
    found = await look(new.id)
    assert found.status is Status.FAILED
    assert found.error is not None
    assert (found.error["code"], found.error["status"]) == ("audio_unreadable", 415)
    assert found.error["detail"] == "Send a recording."
    assert len(reader.heard) == 1


async def test_an_engine_that_is_away_is_asked_again_later(
    hand_over: Hand,
    look: Look,
    drain_jobs: Drain,
    reader: HeldReader,
    database: Database,
    jobs: Jobs,
) -> None:
    reader.answers = [EngineUnavailableError("It is away.", retry_after_seconds=30)]
    new = await hand_over()
    await drain_jobs()
    assert (await look(new.id)).status is Status.RUNNING
    async with database.transaction() as tx:
        [count] = [c for c in await jobs.counts(tx) if c.name == READ]
    assert (count.scheduled, count.waiting) == (1, 0)


async def test_after_the_last_try_the_reason_is_written_down(
    hand_over: Hand,
    look: Look,
    service: TranscriptionService,
    reader: HeldReader,
    clock: HeldClock,
    database: Database,
) -> None:
    from tertulia.jobs import Step

    reader.answers = [EngineUnavailableError("It is away.")]
    new = await hand_over()
    tasks = TranscriptionTasks(service, reader, clock)
    async with database.transaction() as tx:
        await tasks.read(Step(tx, {"id": str(new.id)}, 1, 5, True, database))
    found = await look(new.id)
    assert found.status is Status.FAILED
    assert found.error is not None
    assert found.error["code"] == "engine_unavailable"


async def test_a_defect_is_told_without_its_text(
    hand_over: Hand, look: Look, tasks: TranscriptionTasks, database: Database
) -> None:
    new = await hand_over()
    async with database.transaction() as tx:
        await tasks._give_up(tx, {"id": str(new.id)}, KeyError("what was said"))
    found = await look(new.id)
    assert found.error is not None
    assert found.error["code"] == "transcription_failed"
    assert "said" not in str(found.error)


async def test_progress_and_what_is_left_are_told_while_it_is_read(
    hand_over: Hand, look: Look, reader: HeldReader, clock: HeldClock, running_worker: Running
) -> None:
    reader.go.clear()
    new = await hand_over()
    async with running_worker():
        await reader.begun.wait()
        assert reader.progress is not None
        reader.progress(0.25)
        await clock.advance(PROGRESS_SECONDS)
        await until(lambda: _at(look, new.id, 0.25))
        found = await look(new.id)
        assert found.status is Status.RUNNING
        assert found.eta_seconds(clock.now()) == pytest.approx(3 * PROGRESS_SECONDS)
        later = clock.now() + timedelta(seconds=2)
        assert found.eta_seconds(later) == pytest.approx(3 * PROGRESS_SECONDS - 2)
        reader.go.set()
        await until(lambda: _is(look, new.id, Status.DONE))


async def test_removing_it_stops_the_reading(
    hand_over: Hand,
    reader: HeldReader,
    clock: HeldClock,
    running_worker: Running,
    database: Database,
    service: TranscriptionService,
    owner_of: Owner,
    local_store: LocalStore,
) -> None:
    reader.go.clear()
    new = await hand_over()
    async with running_worker():
        await reader.begun.wait()
        async with database.transaction() as tx:
            await service.delete(tx, owner_of, new.id)

        async def stopped() -> bool:
            # time passes until it is seen: a watch that has yet to fall asleep would miss a single step
            await clock.advance(PROGRESS_SECONDS)
            return reader.cancelled == 1

        await until(stopped)
    assert await keys(local_store) == []
    async with database.transaction() as tx:
        with pytest.raises(TranscriptionMissingError):
            await service.get(tx, owner_of, new.id)


async def test_what_was_removed_or_read_is_not_read_again(
    hand_over: Hand,
    reader: HeldReader,
    drain_jobs: Drain,
    database: Database,
    jobs: Jobs,
    service: TranscriptionService,
    owner_of: Owner,
) -> None:
    removed, done = await hand_over(), await hand_over()
    async with database.transaction() as tx:
        await service.delete(tx, owner_of, removed.id)
    await drain_jobs()
    assert len(reader.heard) == 1
    async with database.transaction() as tx:
        await jobs.enqueue(tx, READ, {"id": str(done.id)})
    await drain_jobs()
    assert len(reader.heard) == 1


async def test_a_worker_that_stops_gives_the_recording_to_the_next(
    hand_over: Hand, look: Look, reader: HeldReader, running_worker: Running, drain_jobs: Drain
) -> None:
    reader.go.clear()
    new = await hand_over()
    async with running_worker(shutdown_seconds=0.05):
        await reader.begun.wait()
    assert (await look(new.id)).status is Status.RUNNING
    reader.go.set()
    await drain_jobs()
    assert (await look(new.id)).status is Status.DONE
    assert len(reader.heard) == 2


async def test_a_row_without_a_job_is_found(
    hand_over: Hand, database: Database, service: TranscriptionService, blobs: BlobService
) -> None:
    new = await hand_over()
    async with database.transaction() as tx:
        [orphan] = await service.orphans(tx)
    assert orphan.key == str(new.id)
    assert orphan.args == {"id": str(new.id)}


async def _at(look: Look, id_: object, share: float) -> bool:
    return (await look(id_)).progress == share  # type: ignore[arg-type]


async def _is(look: Look, id_: object, status: Status) -> bool:
    return (await look(id_)).status is status  # type: ignore[arg-type]


async def test_what_was_read_stands_in_the_ledger_and_a_used_up_budget_leaves_the_free_engines(
    service: TranscriptionService,
    reader: HeldReader,
    clock: HeldClock,
    jobs: Jobs,
    database: Database,
    drain_jobs: Drain,
    owner: Person,
) -> None:
    prices = Prices({"gladia": {"seconds": Decimal("0.01")}})
    ledger = Ledger(clock, prices, cheaper={}, currency="EUR")
    TranscriptionTasks(service, reader, clock, ledger).register(jobs)
    whose, space = Owner(owner.space.id, owner.user.id), owner.space.id
    async with database.transaction() as tx:
        await ledger.set_budget(tx, space, None, Period.DAY, Decimal("0.02"))

    async def sound() -> AsyncIterator[bytes]:
        yield b"sound"

    async def read(engine: str) -> Transcription:
        reader.answers.append(Recognition((), "en", 3.0, engine.partition(",")[0], 40))
        async with database.transaction() as tx:
            new = await service.create(
                tx, whose, sound(), name="a", content_type="audio/wav", wishes=Wishes(engine=engine)
            )
        await drain_jobs()
        async with database.transaction() as tx:
            return await service.get(tx, whose, new.id)

    done = await read("gladia,whisper")
    await read("gladia,whisper")
    refused = await read("gladia")
    assert [wishes.engine for _, wishes in reader.heard] == ["gladia,whisper", "whisper"]
    assert refused.status is Status.FAILED
    assert refused.error is not None
    assert refused.error["code"] == "budget_exceeded"
    async with database.transaction() as tx:
        entries = await ledger.entries(tx, Asked((space,)), None, 10)
    assert [(e.use.engine, e.use.quantity, e.cost) for e in entries][-1] == (
        "gladia",
        3.0,
        Decimal("0.03"),
    )
    assert entries[-1].use.transcript_id == done.id
