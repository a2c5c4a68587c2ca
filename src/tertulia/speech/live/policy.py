"""The numbers of live decoding, in one place."""

from dataclasses import dataclass

from tertulia.speech.domain import SAMPLE_RATE_HZ

FRAME_SAMPLES = 512
"""Voice activity is judged in frames of 32 ms; every boundary lies on one."""


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """When utterances open, close and are cut, and how much of them is read at a time."""

    open_probability: float = 0.5
    keep_probability: float = 0.35
    """Once open, an utterance goes on while the probability of voice stays above this."""
    open_seconds: float = 0.1
    """Voice this long opens an utterance; anything shorter is a click."""
    before_seconds: float = 0.32
    """Kept from before the first voice, for soft beginnings."""
    after_seconds: float = 0.2
    """Kept from after the last voice, for soft ends."""
    pause_seconds: float = 0.6
    """A pause this long closes an utterance."""
    long_seconds: float = 12.0
    long_pause_seconds: float = 0.25
    """Past `long_seconds` a breath is enough to close one."""
    longest_seconds: float = 25.0
    """No utterance is longer, so that one full window holds it."""
    together_seconds: float = 28.0
    """Closed utterances that share a window lie within this."""
    cut_from_seconds: float = 15.0
    """A cut falls at the quietest point after this much of the utterance."""
    quick_seconds: float = 10.0
    """The longest stretch a partial is read from."""
    trim_seconds: float = 4.0
    """A quick window shorter than this is not worth trimming."""
    unsure_seconds: float = 1.0
    """Words this close to the end of the window may still change, whatever agrees on them."""
    silence_seconds: float = 0.5
    """How often silence moves `heard_until` on."""
    context_characters: int = 200
    """Confirmed text that engines are primed with."""
    quick_context_characters: int = 80
    """The same for a partial: a long prompt would cost as much as its words."""


LIVE_POLICY = LivePolicy()


def samples_of(seconds: float) -> int:
    """Seconds as samples."""
    return round(seconds * SAMPLE_RATE_HZ)


def seconds_of(samples: int) -> float:
    """Samples as seconds."""
    return samples / SAMPLE_RATE_HZ
