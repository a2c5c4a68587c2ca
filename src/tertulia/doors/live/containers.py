"""Where a recording that arrives in pieces can be entered again: webm clusters, Ogg pages, a WAV's first sample."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tertulia.doors.live.errors import Code, LiveError
from tertulia.speech.decoding.raw import RawAudio
from tertulia.speech.domain import SAMPLE_RATE_HZ

MOST_HEADER_BYTES = 65_536

_CLUSTER = b"\x1f\x43\xb6\x75"
_TIMECODE = 0xE7
_LONGEST_CLUSTER_HEAD = 4 + 8 + 2 + 8
_OGG = b"OggS"
_OGG_PAGE_HEAD = 27
_OPUS_HZ = 48_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A place where reading can begin: its byte in the stream, and its time in samples where it is known."""

    offset: int
    samples: int


class Scanner(Protocol):
    """Looks through a stream, piece after piece."""

    header: bytes
    """Everything before the first entry, once that is found."""

    def feed(self, data: bytes) -> Sequence[Entry]: ...


class WebmScanner:
    """Finds the clusters of a webm stream by their id and the time code that follows it."""

    def __init__(self, header: bytes = b"") -> None:
        self.header = header
        self._known = bool(header)
        self._rest = b""
        self._at = 0
        self._first_ms: int | None = None

    def feed(self, data: bytes) -> Sequence[Entry]:
        stream = self._rest + data
        start = self._at - len(self._rest)
        self._at += len(data)
        found: list[Entry] = []
        place = stream.find(_CLUSTER)
        while place >= 0 and len(stream) - place >= _LONGEST_CLUSTER_HEAD:
            moment_ms = _cluster_ms(stream, place)
            if moment_ms is not None:
                if self._first_ms is None:
                    self._first_ms = moment_ms
                samples = (moment_ms - self._first_ms) * SAMPLE_RATE_HZ // 1000
                found.append(Entry(start + place, max(0, samples)))
            place = stream.find(_CLUSTER, place + len(_CLUSTER))
        self._rest = stream[place:] if place >= 0 else stream[-(len(_CLUSTER) - 1) :]
        self._collect(data, found)
        return found

    def _collect(self, data: bytes, found: Sequence[Entry]) -> None:
        if not self._known:
            self.header += data
            if found:
                self.header = self.header[: found[0].offset]
                self._known = True
            _check_header(self.header)


def _cluster_ms(stream: bytes, place: int) -> int | None:
    """The cluster's time code; None when these bytes only look like a cluster."""
    at = place + len(_CLUSTER)
    length = 9 - stream[at].bit_length()
    if length > 8:
        return None
    at += length
    if stream[at] != _TIMECODE:
        return None
    size = stream[at + 1] & 0x7F
    if not stream[at + 1] & 0x80 or not 1 <= size <= 8:
        return None
    return int.from_bytes(stream[at + 2 : at + 2 + size], "big")


class OggScanner:
    """Finds the pages of an Ogg stream on which a packet begins, and their time by the page before."""

    def __init__(self, header: bytes = b"") -> None:
        self.header = header
        self._known = bool(header)
        self._rest = b""
        self._at = 0
        self._first: int | None = None
        self._before = 0

    def feed(self, data: bytes) -> Sequence[Entry]:
        stream = self._rest + data
        start = self._at - len(self._rest)
        self._at += len(data)
        found: list[Entry] = []
        place = stream.find(_OGG)
        while place >= 0 and len(stream) - place >= _OGG_PAGE_HEAD:
            entry = self._page(stream, place, start)
            if entry is not None:
                found.append(entry)
            place = stream.find(_OGG, place + len(_OGG))
        self._rest = stream[place:] if place >= 0 else stream[-(len(_OGG) - 1) :]
        if not self._known:
            self.header += data
            if found:
                self.header = self.header[: found[0].offset]
                self._known = True
            _check_header(self.header)
        return found

    def _page(self, stream: bytes, place: int, start: int) -> Entry | None:
        version, flags, granule = struct.unpack_from("<BBq", stream, place + len(_OGG))
        if version != 0 or flags > 7 or granule <= 0:
            return None  # the pages of the header, or a packet that ends on no page of its own
        if self._first is None:
            self._first = self._before = granule if self._known else 0
        began, self._before = self._before, granule
        if flags & 1:
            return None
        samples = max(0, began - self._first) * SAMPLE_RATE_HZ // _OPUS_HZ
        return Entry(start + place, samples)


def wav_form(header: bytes) -> tuple[RawAudio, int, int] | None:
    """Form, first byte and number of bytes (0 when not known) of a WAV's samples; None while its header is not whole."""
    if len(header) < 12:
        return None
    if header[:4] not in (b"RIFF", b"RF64") or header[8:12] != b"WAVE":
        raise _not("WAV")
    raw: RawAudio | None = None
    at = 12
    while at + 8 <= len(header):
        name, size = header[at : at + 4], int.from_bytes(header[at + 4 : at + 8], "little")
        if name == b"data":
            if raw is None:
                raise _not("WAV")
            return raw, at + 8, 0 if size == 0xFFFFFFFF else size
        if name == b"fmt " and at + 8 + 16 <= len(header):
            raw = _wav_samples(header[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    _check_header(header)
    return None


_WAV_ENCODINGS = {(1, 16): "pcm16", (3, 32): "float32", (7, 8): "mulaw", (6, 8): "alaw"}
_EXTENSIBLE = 0xFFFE


def _wav_samples(form: bytes) -> RawAudio:
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        tag = int.from_bytes(form[24:26], "little")
    encoding = _WAV_ENCODINGS.get((tag, bits))
    if encoding is None or not 4_000 <= rate <= 192_000 or not 1 <= channels <= 16:
        raise LiveError(
            Code.UNSUPPORTED_FORMAT,
            "A WAV may hold 16-bit, float, mu-law or A-law samples. Convert it to 16-bit PCM.",
        )
    return RawAudio(rate, channels, encoding)  # type: ignore[arg-type]


def _check_header(header: bytes) -> None:
    if len(header) > MOST_HEADER_BYTES:
        raise LiveError(
            Code.UNSUPPORTED_FORMAT,
            f"No sound begins within the first {MOST_HEADER_BYTES} bytes. Start a new recording.",
        )


def _not(what: str) -> LiveError:
    return LiveError(
        Code.UNSUPPORTED_FORMAT, f"The stream does not begin as {what} does. Start a new recording."
    )
