"""The hall put together: what keeps, finds, plays, rereads and erases conversations, and its routes."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter

from tertulia.blobs.domain import BlobStore
from tertulia.identity.access import Access
from tertulia.language.domain import Embedder
from tertulia.server.ground import Callers, Ground
from tertulia.server.speech import Speech
from tertulia.speech.redaction import Redaction
from tertulia.speech.transcriptions.reading import SpeechReader
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.transcripts import (
    api,
    domain,
    keeping_api,
    meaning_api,
    readings_api,
    recordings_api,
    saved_api,
    search_api,
)
from tertulia.transcripts.erasing import Erasing, Keeping
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.meaning import Meaning
from tertulia.transcripts.readings import Readings
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.saved import People, SavedSearches
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.tasks import HallTasks, KeepingTasks, ReadingTasks
from tertulia.transcripts.telling import OUTSIDE
from tertulia.transcripts.writer import SegmentWriter


@dataclass(frozen=True, slots=True)
class Hall:
    """The parts of the hall."""

    service: TranscriptService
    recordings: Recordings
    readings: Readings
    erasing: Erasing
    keeping: Keeping
    saved: SavedSearches
    people: People
    meaning: Meaning
    exporter: Exporter
    writer: SegmentWriter

    def routers(self, access: Access, store: BlobStore) -> Iterator[APIRouter]:
        """Everything below `/api/transcripts`, `/api/search`, `/api/people` and `/api/erasures`."""
        yield api.router(self.service, self.exporter, self.erasing, access, store)
        yield recordings_api.router(self.recordings, access, store)
        yield readings_api.router(self.readings, access)
        yield search_api.router(self.service, self.exporter, access)
        yield meaning_api.router(self.meaning, access)
        yield saved_api.router(self.saved, self.people, access)
        yield keeping_api.router(self.erasing, self.keeping, access)

    def without(self, transcriptions: TranscriptionService) -> None:
        """What goes from the hall goes from where it was read as well."""
        self.service.before_erasure(transcriptions.forget)
        self.erasing.before_silence(transcriptions.silence)


def build_hall(ground: Ground, callers: Callers, speech: Speech, embedder: Embedder | None) -> Hall:
    """Puts the hall together and registers its jobs."""
    settings, clock, jobs, blobs = ground.settings, ground.clock, ground.jobs, ground.blobs
    _register(ground, callers)
    redaction = Redaction(cards=settings.redact_cards, patterns=settings.redact_patterns)
    service = TranscriptService(
        blobs=blobs,
        clock=clock,
        announcer=ground.events,
        jobs=jobs,
        outside=ground.webhooks,
        redaction=redaction,
    )
    reader = SpeechReader(speech.service)
    recordings = Recordings(service, blobs, jobs)
    readings = Readings(service, recordings, jobs, clock, reader.check)
    HallTasks(service, recordings, speech.decoder).register(jobs)
    ReadingTasks(readings, reader, callers.ledger).register(jobs)
    erasing = Erasing(service, blobs, clock)
    keeping = Keeping(erasing, clock)
    KeepingTasks(keeping).register(jobs)
    meaning = Meaning(service, jobs, callers.ledger, embedder)
    meaning.register(jobs)
    service.after_writing(meaning.later)
    service.before_erasure(meaning.forget)
    return Hall(
        service=service,
        recordings=recordings,
        readings=readings,
        erasing=erasing,
        keeping=keeping,
        saved=SavedSearches(clock),
        people=People(service),
        meaning=meaning,
        exporter=Exporter(ground.database),
        writer=SegmentWriter(ground.database, clock, ground.events, redaction=redaction),
    )


def _register(ground: Ground, callers: Callers) -> None:
    """Makes known what a key may be given for the hall, and what those outside may be told of it."""
    scopes = callers.identity.scopes
    scopes.register(domain.READ, "Read, search and export transcripts.")
    scopes.register(domain.WRITE, "Add to, correct, bring in and remove transcripts.")
    for name, (what, example) in OUTSIDE.items():
        ground.webhooks.types.register(name, what, example)
