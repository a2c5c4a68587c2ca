"""The demo of a space: made once, removed whole."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from tertulia.blobs.intake import from_bytes
from tertulia.blobs.service import BlobService
from tertulia.demo.domain import SOURCE, TAG, Script, scripts
from tertulia.demo.performing import ENGINE, MEDIA_TYPE, Performance, Speaks, perform
from tertulia.jobs import Jobs
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Filter, State, Transcript
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService

BLOB_KIND = "audio"
MOST = 200
PERFORM = "demo.perform"
"""The job that makes one scripted conversation."""

Understand = Callable[[Transaction, Transcript], Awaitable[object]]
"""Has a conversation analysed, as any other is."""


class Demo:
    """Scripted conversations, spoken by the offline voices and kept by the very services that keep real ones."""

    def __init__(
        self,
        hall: TranscriptService,
        recordings: Recordings,
        blobs: BlobService,
        speech: Speaks,
        jobs: Jobs,
        clock: Clock,
        understand: Understand,
    ) -> None:
        self._hall = hall
        self._recordings = recordings
        self._blobs = blobs
        self._speech = speech
        self._jobs = jobs
        self._clock = clock
        self._understand = understand

    async def there(self, tx: Transaction, space_id: UUID) -> list[Transcript]:
        """The scripted conversations of a space; what people tagged alike is theirs and not among them."""
        wanted = Filter(spaces=[space_id], tags=[TAG])
        found = await self._hall.list(tx, wanted, None, MOST)
        return [one for one in found if (one.source_id or "").startswith(SOURCE)]

    async def begin(self, tx: Transaction, space_id: UUID, *, by: UUID | None = None) -> None:
        """Has every script performed that the space has not, each by a job of its own; a second time adds nothing."""
        for script in await self.missing(tx, space_id):
            args = {"space_id": str(space_id), "script": script.id, "by": str(by) if by else None}
            await self._jobs.enqueue(tx, PERFORM, args, key=f"{space_id}:{script.id}")

    async def missing(self, tx: Transaction, space_id: UUID) -> list[Script]:
        """The scripts that were not performed there."""
        known = {one.source_id for one in await self.there(tx, space_id)}
        return [script for script in scripts() if script.source_id not in known]

    async def remove(self, tx: Transaction, space_id: UUID) -> int:
        """Takes all of it away, with recordings and analyses, and says how many conversations that were."""
        gone = await self.there(tx, space_id)
        for one in gone:
            await self._hall.delete(tx, [space_id], one.id)
        return len(gone)

    async def perform(self, script: Script) -> Performance:
        """Speaks a script; needs no transaction, for it takes a moment."""
        return await perform(self._speech, script)

    async def keep(
        self,
        tx: Transaction,
        space_id: UUID,
        script: Script,
        performance: Performance,
        *,
        by: UUID | None = None,
    ) -> None:
        """Makes a conversation of what was spoken, as a door would; nothing where it is there already."""
        made = await self._hall.create(
            tx,
            space_id,
            script.kind,
            source_id=script.source_id,
            title=script.title,
            language=script.language,
            provider=ENGINE,
            started_at=self._clock.now() - timedelta(days=script.days_ago, hours=script.days_ago),
            tags=script.tags,
            created_by=by,
        )
        if made.state is State.FINAL:
            return
        await self._hall.append_all(tx, made.id, performance.drafts)
        blob = await self._blobs.put(
            tx,
            from_bytes(performance.mp3),
            kind=BLOB_KIND,
            content_type=MEDIA_TYPE,
            name=f"{script.id}.mp3",
            space_id=space_id,
        )
        await self._recordings.attach(tx, made.id, blob)
        whole = await self._hall.finish(tx, [space_id], made.id)
        await self._understand(tx, whole)
