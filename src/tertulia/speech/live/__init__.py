"""The live decoder: voice activity, utterances, partials and finals, without clocks or threads."""

from tertulia.speech.live.decoder import LiveDecoder
from tertulia.speech.live.endpoint import ActivityDetector, Span
from tertulia.speech.live.policy import FRAME_SAMPLES, LivePolicy
from tertulia.speech.live.streaming import FeedAnswer, FeedRequest, StreamDecoder, feed
from tertulia.speech.live.windows import ReadRequest, WindowDecoder

__all__ = [
    "FRAME_SAMPLES",
    "ActivityDetector",
    "FeedAnswer",
    "FeedRequest",
    "LiveDecoder",
    "LivePolicy",
    "ReadRequest",
    "Span",
    "StreamDecoder",
    "WindowDecoder",
    "feed",
]
