"""The sound of a turn: what was asked is stored while it is heard, what is answered as soon as it is spoken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tertulia.blobs.domain import Blob, Place
from tertulia.blobs.intake import from_bytes, from_file
from tertulia.blobs.service import BlobService
from tertulia.doors.voice.domain import VoiceAsked
from tertulia.kernel.database import Transaction

REPLY_BLOB = "voice-reply"
REQUEST_BLOB = "voice-request"


@dataclass(frozen=True, slots=True)
class Sent:
    """What lies in the store and is still nobody's."""

    request: Blob | None = None
    reply: Blob | None = None

    @property
    def blobs(self) -> list[Blob]:
        return [blob for blob in (self.request, self.reply) if blob is not None]


class TurnFiles:
    """Brings a turn's sound to the store, to places that were reserved when it began."""

    def __init__(
        self, blobs: BlobService, asked: VoiceAsked, request: Place | None, reply: Place | None
    ) -> None:
        self._blobs = blobs
        self._asked = asked
        self._request = request
        self._reply = reply
        self._sending: asyncio.Task[Blob] | None = None

    @classmethod
    async def reserve(
        cls, tx: Transaction, blobs: BlobService, asked: VoiceAsked, *, keep_request: bool
    ) -> "TurnFiles":
        """Files that may be sent once `tx` is committed."""
        kinds = [REQUEST_BLOB] if keep_request and asked.audio is not None else []
        kinds += [REPLY_BLOB] if asked.speak else []
        places = dict(zip(kinds, await blobs.reserve(tx, *kinds), strict=True))
        return cls(blobs, asked, places.get(REQUEST_BLOB), places.get(REPLY_BLOB))

    async def __aenter__(self) -> None:
        """Stores what was asked, meanwhile."""
        if self._request is not None:
            self._sending = asyncio.create_task(self._send_request(self._request))

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def settle(self, sound: bytes) -> Sent:
        """Stores the spoken answer, and waits for what was asked; raises what keeps either from it."""
        reply = None
        if sound and self._reply is not None:
            reply = await self._send_reply(self._reply, sound)
        return Sent(await self._sending if self._sending else None, reply)

    async def keep(self, tx: Transaction, sent: Sent) -> None:
        """Makes what was sent the space's, and lets go of the places of the rest."""
        await self._blobs.keep(tx, self._asked.caller.space_id, *sent.blobs)
        kept = {blob.id for blob in sent.blobs}
        places = (self._request, self._reply)
        if rest := [place for place in places if place and place.id not in kept]:
            await self._blobs.give_up(tx, *rest)

    async def close(self) -> None:
        """Stops what is still under way."""
        if self._sending is not None:
            self._sending.cancel()
            with suppress(
                asyncio.CancelledError, Exception
            ):  # it was asked for, or nobody needs it
                await self._sending

    async def _send_reply(self, place: Place, sound: bytes) -> Blob:
        audio_format = self._asked.audio_format
        return await self._blobs.send(
            place,
            from_bytes(sound),
            content_type=audio_format.media_type,
            name=f"answer{audio_format.suffix}",
        )

    async def _send_request(self, place: Place) -> Blob:
        source = self._asked.audio
        assert source is not None
        return await self._blobs.send(
            place, _pieces(source), content_type=self._asked.mime_type, name="question"
        )


def _pieces(source: bytes | Path) -> AsyncIterator[bytes]:
    return from_bytes(source) if isinstance(source, bytes) else from_file(source)
