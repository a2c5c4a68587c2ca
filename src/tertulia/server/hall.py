"""The hall put together: what keeps, finds, plays, rereads and erases conversations, and its routes."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter

from tertulia.blobs.domain import BlobStore
from tertulia.blobs.service import BlobService
from tertulia.events.service import Events
from tertulia.identity.access import Access
from tertulia.identity.service import IdentityService
from tertulia.jobs.service import Jobs
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.server.speech import Speech
from tertulia.speech.transcriptions.reading import SpeechReader
from tertulia.transcripts import api, domain, readings_api, recordings_api, search_api
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.readings import Readings
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.tasks import HallTasks, ReadingTasks
from tertulia.transcripts.telling import OUTSIDE
from tertulia.transcripts.writer import SegmentWriter
from tertulia.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Hall:
    """The parts of the hall."""

    service: TranscriptService
    recordings: Recordings
    readings: Readings
    exporter: Exporter
    writer: SegmentWriter

    def routers(self, access: Access, store: BlobStore) -> Iterator[APIRouter]:
        """Everything below `/api/transcripts` and `/api/search`."""
        yield api.router(self.service, self.exporter, access, store)
        yield recordings_api.router(self.recordings, access, store)
        yield readings_api.router(self.readings, access)
        yield search_api.router(self.service, self.exporter, access)


def build_hall(
    database: Database,
    identity: IdentityService,
    blobs: BlobService,
    jobs: Jobs,
    events: Events,
    webhooks: Webhooks,
    clock: Clock,
    speech: Speech,
) -> Hall:
    """Puts the hall together and registers its jobs."""
    identity.scopes.register(domain.READ, "Read, search and export transcripts.")
    identity.scopes.register(domain.WRITE, "Add to, correct, bring in and remove transcripts.")
    for name, (meaning, example) in OUTSIDE.items():
        webhooks.types.register(name, meaning, example)
    service = TranscriptService(
        blobs=blobs, clock=clock, announcer=events, jobs=jobs, outside=webhooks
    )
    reader = SpeechReader(speech.service)
    recordings = Recordings(service, blobs, jobs)
    readings = Readings(service, recordings, jobs, clock, reader.check)
    HallTasks(service, recordings, speech.decoder).register(jobs)
    ReadingTasks(readings, reader).register(jobs)
    return Hall(
        service=service,
        recordings=recordings,
        readings=readings,
        exporter=Exporter(database, service),
        writer=SegmentWriter(database, clock, events),
    )
