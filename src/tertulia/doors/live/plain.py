"""The short way of a chunk: nearly every one is the next in order, of bare samples, in a session that just goes on."""

from tertulia.doors.live.domain import MOST_CHUNK_BYTES, MOST_CHUNKS
from tertulia.doors.live.hearing import Hearing
from tertulia.doors.live.intake import PlainIntake
from tertulia.doors.live.kept import KeptAudio
from tertulia.doors.live.pace import Pace
from tertulia.doors.live.window import SequenceWindow
from tertulia.speech.domain import SAMPLE_RATE_HZ

MOST_KEPT_SAMPLES = 600 * SAMPLE_RATE_HZ
"""Sound that no engine has confirmed; past it no more is taken."""


class PlainWay:
    """There while nothing stands in the way of what comes next.

    What it touches is little and lies close together: with a thousand sessions, each has gone from the processor's
    caches by the time its next chunk comes, and fetching it again costs more than the work.
    """

    __slots__ = ("_hearing", "_intake", "_kept", "_most_samples", "_pace", "_window")

    def __init__(
        self,
        intake: PlainIntake,
        window: SequenceWindow,
        kept: KeptAudio,
        pace: Pace,
        hearing: Hearing,
        most_samples: int,
    ) -> None:
        self._intake = intake
        self._window = window
        self._kept = kept
        self._pace = pace
        self._hearing = hearing
        self._most_samples = most_samples - MOST_CHUNK_BYTES

    def take(self, seq: int, payload: memoryview, now: float) -> bool:
        """Takes the next chunk; False where there is anything to say about it, which `offer` does."""
        window, kept, pace = self._window, self._kept, self._pace
        if (
            seq != window.received + 1
            or kept.end >= self._most_samples
            or pace.chunks + 1 >= MOST_CHUNKS
            or kept.samples > MOST_KEPT_SAMPLES
            or not 0 < len(payload) <= MOST_CHUNK_BYTES
        ):
            return False
        sound = self._intake.read(seq, payload)
        if sound is None:
            return False
        window.took(seq, payload)
        pace.chunks += 1
        pace.last_activity = now
        pace.arrivals.append((self._intake.position, seq, now))
        self._hearing.add(sound)
        return True
