"""Reads a WAV that is still arriving."""

import struct

from tertulia.speech.engines.errors import VoiceError

_LONGEST_HEADER = 1 << 16


class WavReader:
    """Takes bytes as they come and gives mono 16-bit samples; `rate_hz` is known once there are any."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._held = b""
        self._channels = 0
        self.rate_hz = 0

    def read(self, data: bytes) -> bytes:
        self._held += data
        if not self.rate_hz and not self._header():
            return b""
        size = len(self._held) - len(self._held) % (2 * self._channels)
        ready, self._held = self._held[:size], self._held[size:]
        if self._channels == 1:
            return ready
        width = 2 * self._channels
        return b"".join(ready[at : at + 2] for at in range(0, len(ready), width))

    def finish(self) -> None:
        """A sound that ended before it began is no sound at all."""
        if not self.rate_hz:
            raise self._garbage()

    def _header(self) -> bool:
        """Looks for the samples; servers put chunks of their own before them."""
        held = self._held
        if len(held) < 12:
            return False
        if held[:4] != b"RIFF" or held[8:12] != b"WAVE":
            raise self._garbage()
        at, form = 12, b""
        while at + 8 <= len(held):
            name, size = held[at : at + 4], struct.unpack("<I", held[at + 4 : at + 8])[0]
            if name == b"data":
                self._form(form)
                self._held = held[at + 8 :]
                return True
            if name == b"fmt ":
                form = held[at + 8 : at + 8 + size]
            at += 8 + size + size % 2
        if len(held) > _LONGEST_HEADER:
            raise self._garbage()
        return False

    def _form(self, form: bytes) -> None:
        if len(form) < 16:
            raise self._garbage()
        _, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", form[:16])
        if bits != 16 or not 1 <= channels <= 8 or not 4000 <= rate_hz <= 192_000:
            raise self._garbage()
        self._channels, self.rate_hz = channels, rate_hz

    def _garbage(self) -> VoiceError:
        return VoiceError(
            f"{self._engine} answered with something that is not 16-bit WAV. Check its address.",
            retryable=True,
        )
