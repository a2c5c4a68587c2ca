"""The forms of audio a session may have, by their media type."""

from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from tertulia.kernel.errors import UnsupportedMediaError
from tertulia.speech.decoding.raw import Encoding, RawAudio

DEFAULT_MIME = "audio/pcm;rate=16000"
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 48_000
MOST_CHANNELS = 2


class UnsupportedFormatError(UnsupportedMediaError):
    """The media type is not one that can be taken live."""

    code = "live_format_unsupported"
    title = "This kind of audio cannot be taken live"


class Shape(StrEnum):
    """How chunks of a session are read."""

    RAW = "raw"
    OPUS = "opus"
    WEBM = "webm"
    OGG = "ogg"
    WAV = "wav"


@dataclass(frozen=True, slots=True)
class Form:
    """A media type that was understood; `raw` says what samples without a header are."""

    shape: Shape
    mime_type: str
    raw: RawAudio | None = None


_CONTAINERS = {
    "audio/webm": Shape.WEBM,
    "audio/ogg": Shape.OGG,
    "audio/opus": Shape.OPUS,
    "audio/wav": Shape.WAV,
    "audio/wave": Shape.WAV,
    "audio/x-wav": Shape.WAV,
}


def parse_mime(mime_type: str) -> Form:
    """What a media type means; one that is not taken is refused with those that are."""
    kind, _, rest = mime_type.strip().lower().partition(";")
    kind = kind.strip()
    fields = dict(_pairs(rest))
    if kind in ("audio/pcm", "audio/l16"):
        return _raw(fields)
    shape = _CONTAINERS.get(kind)
    codec = fields.get("codecs", "opus").strip('"')
    if shape is None or (shape in (Shape.WEBM, Shape.OGG) and codec != "opus"):
        raise _unsupported()
    name = f"{kind};codecs=opus" if shape in (Shape.WEBM, Shape.OGG) else kind
    return Form(shape, name)


def _pairs(rest: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in rest.split(";") if part.strip())
    return [(name.strip(), value.strip()) for name, _, value in parts]


def _raw(fields: dict[str, str]) -> Form:
    try:
        rate, channels = int(fields.get("rate", "16000")), int(fields.get("channels", "1"))
    except ValueError:
        raise _unsupported() from None
    encoding = fields.get("encoding", "pcm16")
    known = {name: name for name in get_args(Encoding)}
    if (
        encoding not in known
        or not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ
        or not 1 <= channels <= MOST_CHANNELS
    ):
        raise _unsupported()
    name = f"audio/pcm;rate={rate}"
    name += f";channels={channels}" if channels > 1 else ""
    name += f";encoding={encoding}" if encoding != "pcm16" else ""
    return Form(Shape.RAW, name, RawAudio(rate, channels, encoding))  # type: ignore[arg-type]


def _unsupported() -> UnsupportedFormatError:
    return UnsupportedFormatError(
        "mime_type: audio/pcm;rate=16000 (8000 to 48000 Hz, 1 or 2 channels, encoding pcm16, float32, mulaw or alaw), "
        "audio/opus, audio/webm, audio/ogg and audio/wav are taken."
    )
