"""Transcriptions with a reader whose text and pace a test decides."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.intake import from_bytes
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.ids import new_id
from tertulia.speech.domain import Recognition, Segment, Word
from tertulia.speech.transcriptions.domain import Owner, Progress, Transcription, Wishes
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.speech.transcriptions.tasks import TranscriptionTasks

TEXT = Recognition(
    (
        Segment(
            "buenos días", 0.5, 1.5, (Word("buenos", 0.5, 1.0, 0.9), Word("días", 1.0, 1.5)), "es"
        ),
        Segment("hola", 2.0, 2.5, language="es", confidence=0.8, speaker="B", channel=1),
    ),
    "es",
    3.0,
    "gladia|whisper",
)


class HeldReader:
    """Reads when it is told to, and says what it was given."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.answers: list[Recognition | Exception] = []
        self.heard: list[tuple[bytes, Wishes]] = []
        self.cancelled = 0
        self.progress: Progress | None = None

    def chain(self, wishes: Wishes) -> str:
        return wishes.engine or "whisper"

    async def read(self, source: Path, wishes: Wishes, progress: Progress) -> Recognition:
        self.heard.append((source.read_bytes(), wishes))  # noqa: ASYNC240 - a few bytes
        self.progress = progress
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        answer = self.answers.pop(0) if self.answers else TEXT
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def blobs(database: Database, local_store: LocalStore, clock: HeldClock) -> BlobService:
    return BlobService(database, local_store, clock)


def refuse_nothing(wishes: Wishes) -> None:
    """Every engine and language is known."""


MakeService = Callable[..., TranscriptionService]


@pytest.fixture
def make_service(blobs: BlobService, jobs: Jobs, clock: HeldClock) -> MakeService:
    def make(*, keep_uploads: bool = True, max_upload_bytes: int = 1000) -> TranscriptionService:
        return TranscriptionService(
            blobs=blobs,
            jobs=jobs,
            clock=clock,
            check=refuse_nothing,
            max_upload_bytes=max_upload_bytes,
            keep_uploads=keep_uploads,
        )

    return make


@pytest.fixture
def service(make_service: MakeService) -> TranscriptionService:
    return make_service()


@pytest.fixture
def reader() -> HeldReader:
    return HeldReader()


@pytest.fixture
def tasks(
    service: TranscriptionService, reader: HeldReader, clock: HeldClock, jobs: Jobs
) -> TranscriptionTasks:
    tasks = TranscriptionTasks(service, reader, clock)
    tasks.register(jobs)
    return tasks


@pytest.fixture
def owner_of() -> Owner:
    return Owner(new_id(), new_id())


Hand = Callable[..., Awaitable[Transcription]]


@pytest.fixture
def hand_over(
    database: Database, service: TranscriptionService, tasks: TranscriptionTasks, owner_of: Owner
) -> Hand:
    """Hands over a recording."""

    async def hand(data: bytes = b"sound", **wishes: object) -> Transcription:
        async with database.transaction() as tx:
            return await service.create(
                tx,
                owner_of,
                from_bytes(data),
                name="monday.mp3",
                content_type="audio/mpeg",
                wishes=Wishes(**wishes),  # type: ignore[arg-type]
            )

    return hand


Look = Callable[[UUID], Awaitable[Transcription]]


@pytest.fixture
def look(database: Database, service: TranscriptionService, owner_of: Owner) -> Look:
    """The transcription as it is now."""

    async def look(id_: UUID) -> Transcription:
        async with database.transaction() as tx:
            return await service.get(tx, owner_of, id_)

    return look
