"""The sound that may have to be heard again, and the last second of it, whatever is confirmed."""

import numpy as np
import pytest

from tertulia.doors.live.kept import RECENT_SAMPLES, KeptAudio, floats

pytestmark = pytest.mark.unit


def block(value: int, samples: int = 1600) -> np.ndarray:
    return np.full(samples, value, "<i2")


def test_16_bit_samples_become_those_of_engines() -> None:
    sound = np.array([-32_768, 0, 16_384], "<i2")
    assert floats(sound).tolist() == [-1.0, 0.0, 0.5]
    assert floats(sound).dtype == np.float32
    already = np.array([0.25], np.float32)
    assert floats(already) is already


def test_what_is_confirmed_is_forgotten_and_finals_past_it_are_silent() -> None:
    kept = KeptAudio()
    for value in range(1, 11):
        kept.add(block(value))
    kept.confirm(3_200)
    assert (kept.samples, kept.end) == (8 * 1600, 16_000)
    kept.confirm(0, final=(4_800, 6_400))
    again = np.concatenate(list(kept.since(3_200))) * 32_768
    assert len(again) == 12_800
    assert set(again[1600:3200]) == {0.0}
    assert again[0] == 3.0
    assert again[3200] == 5.0


@pytest.mark.parametrize("confirmed", [0, 16_000, 40_000, 64_000])
def test_the_last_second_is_there_whatever_is_confirmed(confirmed: int) -> None:
    kept = KeptAudio()
    for value in range(1, 41):
        kept.add(block(value))
        if value * 1600 == 32_000:
            kept.confirm(min(confirmed, 32_000))
    kept.confirm(confirmed)
    recent = np.concatenate(kept.recent) * 32_768
    assert RECENT_SAMPLES <= len(recent) <= RECENT_SAMPLES + 1600
    assert recent[-1] == 40.0
    assert list(recent) == sorted(recent)
