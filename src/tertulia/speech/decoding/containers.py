"""Opening a recording and walking through it, with nothing reachable but its own bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import av
import numpy as np
from av.audio.frame import AudioFrame

from tertulia.speech.decoding.endings import cut_off
from tertulia.speech.decoding.errors import (
    AudioEmptyError,
    AudioForbiddenError,
    AudioTooLongError,
    AudioUnreadableError,
)
from tertulia.speech.decoding.frames import MAX_SPLIT_CHANNELS, Block, Converter
from tertulia.speech.decoding.levels import FRAME_SAMPLES, Levels
from tertulia.speech.domain import SAMPLE_RATE_HZ

FORMATS = ",".join(
    (
        *(
            "matroska",
            "webm",
            "ogg",
            "mov",
            "mp4",
            "m4a",
            "3gp",
            "3g2",
            "mp3",
            "flac",
            "wav",
            "w64",
        ),
        *("aiff", "au", "caf", "aac", "ac3", "eac3", "amr", "amrnb", "amrwb", "asf", "avi", "flv"),
        *("mpegts", "mpeg", "wv", "ape", "tta", "gsm", "voc", "dts", "sox", "loas", "latm"),
    )
)
"""Containers that hold their own sound. Playlists, image sequences, scripts and devices are not among them."""

_POINTS_ELSEWHERE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:#EXTM3U|ffconcat\b|\[playlist\]|<asx\b|<smil\b|<\?wpl\b|RTSPtext|v=0\r?\no="
    rb"|(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:MPD|playlist|asx|smil|SmoothStreamingMedia)\b"
    rb"|#EXT-X-|(?:file|https?|rtmp|rtsp)://)",
    re.IGNORECASE | re.DOTALL,
)
_ESTIMATES_DURATION = frozenset({"aac", "amr", "ac3", "mpegts", "mpeg"})
_MAX_FAILURES = 10_000
_MAX_TAGS = 32
_MAX_TAG_CHARACTERS = 256


@dataclass(slots=True)
class Facts:
    """What the container says before anything is decoded."""

    codec: str
    container: str
    sample_rate_hz: int
    channels: int
    expected_seconds: float | None
    tags: dict[str, str]


def _refuse_other_files(_url: str, _flags: int, _options: Any) -> IO[bytes]:
    raise PermissionError


def open_container(source: Any, raw: dict[str, Any] | None = None) -> av.container.InputContainer:
    """Opens audio for reading; `raw` states the form of samples that come without a header."""
    options = {
        "protocol_whitelist": "none",
        "format_whitelist": FORMATS,
    }
    name = None
    if raw is not None:
        name = raw["format"]
        options = {
            "protocol_whitelist": "none",
            "sample_rate": str(raw["rate_hz"]),
            "ch_layout": f"{raw['channels']}c"
            if raw["channels"] > 2
            else ("mono", "stereo")[raw["channels"] - 1],
        }
    container: av.container.InputContainer = av.open(
        source,
        mode="r",
        format=name,
        options=options,
        metadata_errors="replace",
        io_open=_refuse_other_files,
    )
    return container


def points_elsewhere(head: bytes) -> bool:
    """Whether this is a list of other files rather than audio."""
    return _POINTS_ELSEWHERE.match(head) is not None


class FileReader:
    """Reads one recording, from the start to the end, as blocks of `block_seconds`."""

    def __init__(
        self,
        file: IO[bytes],
        *,
        raw: dict[str, Any] | None,
        split: bool,
        max_seconds: float,
        block_seconds: float = 30.0,
    ) -> None:
        self._file = file
        self._max_samples = int(max_seconds * SAMPLE_RATE_HZ)
        self._max_seconds = max_seconds
        self._block_samples = max(FRAME_SAMPLES, int(block_seconds * 50) * FRAME_SAMPLES)
        self._failures = 0
        self._read = 0
        self.levels = Levels()
        head = file.read(4096)
        file.seek(0)
        if not head:
            raise AudioEmptyError("The file is empty. Send a recording.")
        if points_elsewhere(head):
            raise AudioForbiddenError(
                "This is a playlist, which points at other files. Send the recording itself."
            )
        self._container = self._open(raw)
        self._stream = self._best_stream()
        self._stream.thread_type = "NONE"
        self.facts = self._facts()
        self._converter = Converter(split=split, codec=self.facts.codec)
        if split and self.facts.channels > MAX_SPLIT_CHANNELS:
            raise AudioUnreadableError(
                f"The recording has {self.facts.channels} channels; at most {MAX_SPLIT_CHANNELS} can be "
                "told apart. Ask for one mixed channel instead."
            )

    def _open(self, raw: dict[str, Any] | None) -> av.container.InputContainer:
        try:
            return open_container(self._file, raw)
        except PermissionError:
            raise AudioForbiddenError(
                "The file refers to other files. Send one file that holds its own sound."
            ) from None
        except (av.FFmpegError, ValueError, RuntimeError):
            raise AudioUnreadableError(
                "The file is not audio in a known format, or its header is damaged. Send webm, ogg, mp3, m4a, "
                "flac or wav, or state the form of raw samples."
            ) from None

    def _best_stream(self) -> Any:
        streams = self._container.streams.audio
        if not streams:
            raise AudioEmptyError("The file holds no sound track. Send a recording with sound.")
        return streams[0]

    def _facts(self) -> Facts:
        context, container = self._stream.codec_context, self._container
        if context is None:
            raise AudioUnreadableError(
                "The sound is in a codec that is not known here. Send ogg, mp3 or wav."
            )
        duration = container.duration
        tags = list({**container.metadata, **self._stream.metadata}.items())[:_MAX_TAGS]
        return Facts(
            codec=context.name,
            container=container.format.name.split(",")[0],
            sample_rate_hz=context.sample_rate or 0,
            channels=len(context.layout.channels),
            expected_seconds=duration / av.time_base if duration and duration > 0 else None,
            tags={key[:64].lower(): str(value)[:_MAX_TAG_CHARACTERS] for key, value in tags},
        )

    def blocks(self) -> Iterator[Block]:
        """All samples; every block but the last holds whole 20 ms frames."""
        held: list[Block] = []
        count = 0
        for piece in self._pieces():
            held.append(piece)
            count += piece.shape[1]
            while count >= self._block_samples:
                joined = np.concatenate(held, axis=1)
                yield self._measured(np.ascontiguousarray(joined[:, : self._block_samples]))
                held = [joined[:, self._block_samples :]]
                count -= self._block_samples
        if count:
            yield self._measured(np.ascontiguousarray(np.concatenate(held, axis=1)))
        if not self._read:
            self._explain_nothing()

    def _measured(self, block: Block) -> Block:
        self._read += block.shape[1]
        if self._read > self._max_samples:
            raise AudioTooLongError(
                f"The recording is longer than {self._max_seconds:g} seconds. Cut it, or raise "
                "TERTULIA_MAX_AUDIO_SECONDS."
            )
        self.levels.add(block[0] if len(block) == 1 else block.mean(axis=0))
        return block

    def _pieces(self) -> Iterator[Block]:
        for frame in self._frames():
            yield from self._converter.push(frame)
        yield from self._converter.flush()

    def _frames(self) -> Iterator[AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):
                self._failures += 1
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self._failures += 1
                if self._failures > _MAX_FAILURES:
                    return

    def _explain_nothing(self) -> None:
        if self._failures:
            raise AudioUnreadableError(
                "Nothing in the file can be decoded; it is damaged. Send it again."
            )
        raise AudioEmptyError("The file has a header but no sound after it. Send a recording.")

    def summary(self) -> dict[str, Any]:
        """What was measured, for `AudioInfo`."""
        facts, levels = self.facts, self.levels
        seconds = self._read / SAMPLE_RATE_HZ
        return {
            "duration_seconds": seconds,
            "sample_rate_hz": facts.sample_rate_hz,
            "channels": facts.channels,
            "codec": facts.codec,
            "container": facts.container,
            "peak": levels.peak,
            "rms": levels.rms,
            "clipping_ratio": levels.clipping_ratio,
            "silence_ratio": levels.silence_ratio,
            "quality": levels.quality,
            "truncated": self._truncated(seconds),
            "tags": facts.tags,
        }

    def _truncated(self, seconds: float) -> bool:
        if self._failures or cut_off(self._file, self.facts.container):
            return True
        expected = self.facts.expected_seconds
        if expected is None or self.facts.container in _ESTIMATES_DURATION:
            return False
        return expected - seconds > max(0.5, 0.02 * expected)
