"""How loud, how clean and how empty a recording is, measured while it is decoded."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples

FRAME_SAMPLES = SAMPLE_RATE_HZ // 50
SILENCE_DB = -50
FLOOR_DB = -100
CLIPPED_AT = 0.999


@dataclass(slots=True)
class Levels:
    """Running levels over mono samples; `add` takes blocks of whole 20 ms frames, all but the last.

    Quality is the product of four shares, each 0 to 1:
    loudness (the 95th percentile of frame levels: -60 dB gives 0, -20 dB gives 1),
    absence of clipping (1 % of samples at the limit gives 0),
    presence (a tenth of the frames above -50 dB is enough for 1),
    and 0.4 + 0.6 × distance between loud (95th) and quiet (10th) frames, where 30 dB gives 1.
    """

    samples: int = 0
    peak: float = 0.0
    energy: float = 0.0
    clipped: int = 0
    histogram: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(-FLOOR_DB + 1, dtype=np.int64)
    )
    """How many 20 ms frames had a level of -index dB."""

    def add(self, block: Samples) -> None:
        """Measures `block`, and mends it in place where it holds what is not a number."""
        if not block.size:
            return
        energy = float(np.dot(block, block))
        if not np.isfinite(energy):
            np.nan_to_num(block, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
            np.clip(block, -1.0, 1.0, out=block)
            energy = float(np.dot(block, block))
        peak = max(float(block.max()), -float(block.min()))
        if peak >= CLIPPED_AT:
            self.clipped += int(np.count_nonzero(np.abs(block) >= CLIPPED_AT))
            np.clip(block, -1.0, 1.0, out=block)
        self.samples += block.size
        self.energy += energy
        self.peak = max(self.peak, min(peak, 1.0))
        whole = block.size // FRAME_SAMPLES * FRAME_SAMPLES
        if whole:
            frames = block[:whole].reshape(-1, FRAME_SAMPLES)
            power = np.einsum("ij,ij->i", frames, frames) / FRAME_SAMPLES
            below = -10 * np.log10(np.maximum(power, 1e-10))
            places = np.clip(below, 0, -FLOOR_DB).astype(np.int64)
            self.histogram += np.bincount(places, minlength=-FLOOR_DB + 1)

    @property
    def rms(self) -> float:
        return float(np.sqrt(self.energy / self.samples)) if self.samples else 0.0

    @property
    def clipping_ratio(self) -> float:
        return self.clipped / self.samples if self.samples else 0.0

    @property
    def silence_ratio(self) -> float:
        frames = int(self.histogram.sum())
        return float(self.histogram[-SILENCE_DB:].sum()) / frames if frames else 1.0

    def level_db(self, share: float) -> float:
        """The level that `share` of the frames stay below."""
        frames = int(self.histogram.sum())
        if not frames:
            return FLOOR_DB
        quietest_first = np.cumsum(self.histogram[::-1])
        place = int(np.searchsorted(quietest_first, share * frames))
        return float(FLOOR_DB + min(place, -FLOOR_DB))

    @property
    def quality(self) -> float:
        loud, quiet = self.level_db(0.95), self.level_db(0.10)
        loudness = _share((loud + 60) / 40)
        unclipped = 1 - _share(self.clipping_ratio / 0.01)
        presence = _share((1 - self.silence_ratio) / 0.1)
        distance = _share((loud - quiet) / 30)
        return loudness * unclipped * presence * (0.4 + 0.6 * distance)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
