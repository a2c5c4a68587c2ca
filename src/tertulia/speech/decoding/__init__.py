"""Audio of any kind to 16 kHz mono samples, in child processes with limits."""

from tertulia.speech.decoding.errors import (
    AudioEmptyError,
    AudioForbiddenError,
    AudioTooDemandingError,
    AudioTooLongError,
    AudioUnreadableError,
    DecoderStoppedError,
)
from tertulia.speech.decoding.raw import RawAudio, RawFormError
from tertulia.speech.decoding.service import Decoded, DecodeLimits, Decoder, Recording, Source
from tertulia.speech.decoding.streams import DecodeStream, begins_recording

__all__ = [
    "AudioEmptyError",
    "AudioForbiddenError",
    "AudioTooDemandingError",
    "AudioTooLongError",
    "AudioUnreadableError",
    "DecodeLimits",
    "DecodeStream",
    "Decoded",
    "Decoder",
    "DecoderStoppedError",
    "RawAudio",
    "RawFormError",
    "Recording",
    "Source",
    "begins_recording",
]
