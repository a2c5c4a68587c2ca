import numpy as np
import pytest
from tests.speech.decoding.recordings import tone

from tertulia.speech.decoding.levels import Levels

pytestmark = pytest.mark.unit


def _levels(samples: np.ndarray) -> Levels:
    levels = Levels()
    levels.add(samples.astype(np.float32))
    return levels


def test_a_tone() -> None:
    levels = _levels(tone(2.0))
    assert levels.peak == pytest.approx(0.3, abs=0.001)
    assert levels.rms == pytest.approx(0.3 / 2**0.5, rel=0.01)
    assert levels.silence_ratio == 0.0
    assert levels.clipping_ratio == 0.0


def test_nothing_is_silence_without_quality() -> None:
    for samples in (np.zeros(0), np.zeros(16_000)):
        levels = _levels(samples)
        assert (levels.peak, levels.rms, levels.silence_ratio, levels.quality) == (
            0.0,
            0.0,
            1.0,
            0.0,
        )


def test_clipping_costs_quality() -> None:
    speech = np.concatenate([tone(1.0), np.zeros(8_000, np.float32)])
    clean, clipped = _levels(speech), _levels(np.clip(speech * 20, -1, 1))
    assert clean.quality > 0.7
    assert clipped.clipping_ratio > 0.3
    assert clipped.quality == 0.0


def test_noise_costs_quality() -> None:
    speech = np.concatenate([tone(1.0), np.zeros(8_000, np.float32)])
    noise = np.random.default_rng(1).normal(0, 0.05, speech.size).astype(np.float32)
    assert _levels(speech + noise).quality < _levels(speech).quality


def test_blocks_add_up() -> None:
    speech = np.concatenate([tone(1.0), np.zeros(16_000, np.float32)])
    whole, parts = _levels(speech), Levels()
    for start in range(0, speech.size, 3_200):
        parts.add(speech[start : start + 3_200].copy())
    assert parts.quality == pytest.approx(whole.quality)
    assert parts.silence_ratio == whole.silence_ratio == 0.5


def test_what_is_not_a_number_is_mended_in_place() -> None:
    samples = tone(0.1)
    samples[5], samples[6] = np.nan, -np.inf
    levels = Levels()
    levels.add(samples)
    assert (samples[5], samples[6]) == (0.0, -1.0)
    assert levels.peak == 1.0
