"""Speech as files, checked by decoding them again."""

import io
from collections.abc import AsyncIterator

import av
import numpy as np
import pytest

from tertulia.speech.domain import SpeechChunk
from tertulia.speech.encoding import (
    PCM_RATE_HZ,
    AudioFormat,
    Encoder,
    Resampler,
    encoded,
    wav_header,
)

pytestmark = pytest.mark.unit

RATE_HZ = 22_050
HZ = 440
TONE = (np.sin(np.arange(RATE_HZ * 3) * 2 * np.pi * HZ / RATE_HZ) * 12_000).astype("<i2").tobytes()
REAL_FILES = [f for f in AudioFormat if f is not AudioFormat.PCM]


async def tone(step: int = 4410) -> AsyncIterator[SpeechChunk]:
    for at in range(0, len(TONE), step):
        yield SpeechChunk(TONE[at : at + step], RATE_HZ)


async def whole(audio_format: AudioFormat) -> bytes:
    return b"".join([data async for data in encoded(tone(), audio_format)])


def decoded(data: bytes) -> tuple[np.ndarray, int]:
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="s16", layout="mono", rate=stream.rate)
        frames = [r for f in container.decode(stream) for r in resampler.resample(f)]
        return np.concatenate([f.to_ndarray()[0] for f in frames]), stream.rate


@pytest.mark.parametrize("audio_format", REAL_FILES)
async def test_the_sound_comes_back(audio_format: AudioFormat) -> None:
    samples, rate_hz = decoded(await whole(audio_format))
    assert len(samples) / rate_hz == pytest.approx(3.0, abs=0.1)
    middle = samples[rate_hz : 2 * rate_hz].astype(float)
    assert np.abs(np.fft.rfft(middle)).argmax() == pytest.approx(HZ, abs=1)
    assert np.abs(middle).max() == pytest.approx(12_000, rel=0.15)


async def test_pcm_is_bare_samples_at_the_rate_openai_names() -> None:
    samples = np.frombuffer(await whole(AudioFormat.PCM), dtype="<i2")
    assert len(samples) == pytest.approx(3 * PCM_RATE_HZ, abs=50)
    second = samples[PCM_RATE_HZ : 2 * PCM_RATE_HZ].astype(float)
    assert np.abs(np.fft.rfft(second)).argmax() == HZ


@pytest.mark.parametrize("audio_format", AudioFormat)
async def test_bytes_come_while_the_sound_is_made(audio_format: AudioFormat) -> None:
    encoder = Encoder(audio_format)
    half = len(TONE) // 2
    early = b"".join(encoder.write(TONE[at : at + 4410], RATE_HZ) for at in range(0, half, 4410))
    late = b"".join(
        encoder.write(TONE[at : at + 4410], RATE_HZ) for at in range(half, len(TONE), 4410)
    )
    total = len(early) + len(late + encoder.finish())
    assert len(early) > total * 0.3


@pytest.mark.parametrize("audio_format", REAL_FILES)
async def test_no_sound_is_still_a_file(audio_format: AudioFormat) -> None:
    async def nothing() -> AsyncIterator[SpeechChunk]:
        for chunk in ():
            yield chunk

    data = b"".join([piece async for piece in encoded(nothing(), audio_format)])
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.audio[0].channels == 1


@pytest.mark.parametrize("audio_format", REAL_FILES)
async def test_a_rate_that_changes_on_the_way_keeps_the_pitch(audio_format: AudioFormat) -> None:
    other = (np.sin(np.arange(16_000) * 2 * np.pi * HZ / 16_000) * 12_000).astype("<i2").tobytes()

    async def mixed() -> AsyncIterator[SpeechChunk]:
        yield SpeechChunk(TONE[: RATE_HZ * 2], RATE_HZ)
        yield SpeechChunk(other, 16_000)

    samples, rate_hz = decoded(b"".join([d async for d in encoded(mixed(), audio_format)]))
    assert len(samples) / rate_hz == pytest.approx(2.0, abs=0.1)
    second = samples[int(rate_hz * 1.2) : int(rate_hz * 1.7)].astype(float)
    assert np.abs(np.fft.rfft(second)).argmax() * 2 == pytest.approx(HZ, abs=4)


def test_samples_at_the_right_rate_are_left_alone() -> None:
    assert Resampler().resample(TONE, RATE_HZ, RATE_HZ) is TONE


def test_resampling_in_pieces_loses_nothing() -> None:
    resampler = Resampler()
    pieces = [
        resampler.resample(TONE[at : at + 1000], RATE_HZ, 16_000)
        for at in range(0, len(TONE), 1000)
    ]
    total = len(b"".join(pieces) + resampler.flush()) // 2
    assert total == pytest.approx(3 * 16_000, abs=40)


def test_a_wav_of_known_length_says_so() -> None:
    header = wav_header(16_000, 100)
    assert (len(header), header[4:8], header[40:44]) == (
        44,
        (136).to_bytes(4, "little"),
        (100).to_bytes(4, "little"),
    )
