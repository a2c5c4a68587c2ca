"""The spoken answer as one file, written while it is spoken."""

import asyncio

from tertulia.bots.result import Sounded
from tertulia.speech.encoding import AudioFormat, Encoder


class SpokenAnswer:
    """Collects the sound of a turn."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._encoder = Encoder(audio_format)
        self._written: list[bytes] = []
        self._any = False

    async def add(self, sound: Sounded) -> None:
        self._any = True
        data = await asyncio.to_thread(self._encoder.write, sound.pcm16, sound.sample_rate_hz)
        self._written.append(data)

    async def finish(self) -> bytes:
        """The whole file; nothing where there was no sound."""
        if not self._any:
            return b""
        self._written.append(await asyncio.to_thread(self._encoder.finish))
        return b"".join(self._written)
