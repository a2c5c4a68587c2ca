"""Erasing: a conversation, or all that one person said, with everything that hangs on it, and a receipt that stays."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from tertulia.blobs.service import BlobService
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import InvalidRequestError, NotFoundError
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import Position
from tertulia.transcripts.domain import Kind, Transcript, tidy_name
from tertulia.transcripts.receipts import Reason, Receipt, Retention, person_digest
from tertulia.transcripts.service import Spaces, TranscriptService
from tertulia.transcripts.store.erasing import Due, ErasingStore, RetentionStore

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Conversations that the daily round takes in one transaction."""

Silence = Callable[[Transaction, Sequence[UUID]], Awaitable[object]]
"""Lets go of what a package keeps of the recordings of these conversations."""


class ReceiptMissingError(NotFoundError):
    """There is no such receipt, or it is of a space that the caller is not in."""

    code = "receipt_missing"
    title = "There is no such receipt"


class Erasing:
    """Takes conversations, recordings and people out of the hall, for good."""

    def __init__(self, hall: TranscriptService, blobs: BlobService, clock: Clock) -> None:
        self._hall = hall
        self._blobs = blobs
        self._clock = clock
        self._store = ErasingStore()
        self._silences: list[Silence] = []

    def before_silence(self, silence: Silence) -> None:
        """Has `silence` called, in the same transaction, before recordings go and their texts stay."""
        self._silences.append(silence)

    async def conversations(
        self, tx: Transaction, spaces: Spaces, ids: Sequence[UUID], by: UUID | None
    ) -> Sequence[Receipt]:
        """Erases these; a receipt for each space."""
        gone = [await self._hall.locked(tx, spaces, id_) for id_ in sorted(set(ids))]
        by_space: dict[UUID, list[Transcript]] = {}
        for found in gone:
            by_space.setdefault(found.space_id, []).append(found)
        return [
            await self._receipt(tx, space, Reason.ASKED, of, await self._hall.remove(tx, of), by=by)
            for space, of in by_space.items()
        ]

    async def person(
        self, tx: Transaction, space_id: UUID, person: str, by: UUID | None
    ) -> Receipt:
        """Erases all that one person said in a space.

        A conversation of theirs alone goes whole. Of others what they said goes, in every reading, and the
        recording, for their voice is in it; what was made of it (documents, analyses) is made anew without them.
        """
        reference = tidy_name(person)
        if reference is None:
            raise InvalidRequestError("person: their reference is needed.")
        found, shared = await self._store.conversations(tx, space_id, reference)
        alone = [t for t in found if t.id not in shared]
        others = [t for t in found if t.id in shared]
        counts: Counter[str] = Counter(await self._hall.remove(tx, alone)) if alone else Counter()
        counts.update(await self._take_out(tx, others, reference))
        await self._store.forget_name(tx, space_id, reference)
        return await self._receipt(
            tx, space_id, Reason.PERSON, found, counts, by=by, person=reference
        )

    async def recordings(self, tx: Transaction, of: Sequence[Transcript]) -> Counter[str]:
        """Erases the recordings of locked conversations and keeps what was said."""
        heard = [t for t in of if t.audio is not None]
        ids = [t.id for t in heard]
        if not ids:
            return Counter()
        for silence in self._silences:
            await silence(tx, ids)
        await self._store.silence(tx, ids)
        gone = [t.audio.blob_id for t in heard if t.audio]
        await self._blobs.delete(tx, *gone)
        for id_ in ids:
            await self._hall.tell(tx, id_)
        return Counter(recordings=len(gone))

    async def receipts(
        self, tx: Transaction, spaces: Spaces, after: Position | None, limit: int
    ) -> Sequence[Receipt]:
        """The latest first; one more than asked for when there is a next page."""
        return await self._store.receipts(tx, spaces, after, limit + 1)

    async def receipt(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Receipt:
        found = await self._store.find(tx, spaces, id_)
        if found is None:
            raise ReceiptMissingError
        return found

    async def past(self, tx: Transaction, space_id: UUID, gone: Sequence[Transcript]) -> Receipt:
        """Erases locked conversations whose time is over."""
        counts = await self._hall.remove(tx, gone)
        return await self._receipt(tx, space_id, Reason.RETENTION, gone, counts)

    async def past_recordings(
        self, tx: Transaction, space_id: UUID, of: Sequence[Transcript]
    ) -> Receipt:
        """Erases recordings whose time is over."""
        counts = await self.recordings(tx, of)
        return await self._receipt(tx, space_id, Reason.RETENTION, of, counts)

    async def _take_out(
        self, tx: Transaction, of: Sequence[Transcript], person: str
    ) -> Counter[str]:
        ids = [t.id for t in of]
        if not ids:
            return Counter()
        # what other packages keep of them may quote anybody: it goes as if the conversations went
        counts = await self._hall.part(tx, ids)
        counts["conversations_kept"] = len(ids)
        counts.update(await self.recordings(tx, of))
        counts.update(await self._store.take_out(tx, ids, person))
        documents = [t.document.blob_id for t in of if t.document]
        counts["files"] += await self._blobs.delete(tx, *documents)
        for found in of:
            await self._hall.change(tx, found, {})
        return counts

    async def _receipt(
        self,
        tx: Transaction,
        space_id: UUID,
        reason: Reason,
        of: Sequence[Transcript],
        counts: Mapping[str, int],
        *,
        by: UUID | None = None,
        person: str | None = None,
    ) -> Receipt:
        id_ = new_id()
        receipt = Receipt(
            id=id_,
            space_id=space_id,
            reason=reason,
            erased_at=self._clock.now(),
            transcript_ids=tuple(t.id for t in of),
            counts={name: count for name, count in sorted(counts.items()) if count},
            asked_by=by,
            person_sha256=person_digest(id_, person) if person else None,
        )
        await self._store.add(tx, receipt)
        return receipt


class Keeping:
    """How long spaces keep their conversations, and the daily round that lets go of what is past it."""

    def __init__(self, erasing: Erasing, clock: Clock) -> None:
        self._erasing = erasing
        self._clock = clock
        self._store = RetentionStore()

    async def rules(self, tx: Transaction, space_id: UUID) -> Sequence[Retention]:
        return await self._store.rules(tx, space_id)

    async def set_rules(
        self, tx: Transaction, space_id: UUID, rules: Sequence[Retention]
    ) -> Sequence[Retention]:
        """Puts rules in the place of those there are; the next round goes by them."""
        kinds = [rule.kind for rule in rules]
        if len(set(kinds)) != len(kinds):
            raise InvalidRequestError("rules: one for each kind. Leave out the second.")
        if any(kind is not None and kind not in set(Kind) for kind in kinds):
            raise InvalidRequestError(f"kind: one of {', '.join(Kind)} is taken, or none for all.")
        await self._store.replace(tx, space_id, rules)
        return await self._store.rules(tx, space_id)

    async def all_rules(self, tx: Transaction) -> Sequence[Retention]:
        """Of every space."""
        return await self._store.all_rules(tx)

    async def let_go(self, tx: Transaction, rule: Retention, others: Sequence[str]) -> int:
        """One step of the round: erases some of what is past `rule`; 0 when nothing is left.

        `others` are the kinds that have rules of their own.
        """
        kinds = [rule.kind] if rule.kind else None
        not_kinds = () if rule.kind else others
        for days, audio in ((rule.transcript_days, False), (rule.audio_days, True)):
            if days is None:
                continue
            before = self._clock.now() - timedelta(days=days)
            due = Due(rule.space_id, before, kinds, not_kinds)
            gone = await self._store.due(tx, due, AT_ONCE, audio=audio)
            if gone:
                erase = self._erasing.past_recordings if audio else self._erasing.past
                await erase(tx, rule.space_id, gone)
                return len(gone)
        return 0
