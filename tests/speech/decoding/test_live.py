"""Streams that arrive in pieces."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tests.speech.decoding.recordings import RATE_HZ, chunks, opus_packets, tone

from tertulia.speech.decoding import (
    AudioForbiddenError,
    AudioUnreadableError,
    Decoder,
    DecoderStoppedError,
    DecodeStream,
    RawAudio,
    RawFormError,
    begins_recording,
)
from tertulia.speech.domain import Samples

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]


async def _all(stream: DecodeStream, pieces: list[bytes]) -> Samples:
    heard = [await stream.feed(piece) for piece in pieces]
    heard.append(await stream.finish())
    await stream.close()
    return np.concatenate(heard)


@pytest.mark.parametrize(
    "name", ["sense_0870.mediarecorder-like.webm", "sense_0870.ogg", "sense_0870.mp3"]
)
@pytest.mark.parametrize(
    "sizes", [(1500,), (1, 7, 4000, 30), (10**6,)], ids=["even", "odd", "whole"]
)
async def test_pieces_sound_as_the_whole(
    decoder: Decoder, speech: Path, name: str, sizes: tuple[int, ...]
) -> None:
    data = (speech / "derived" / name).read_bytes()
    whole = await decoder.decode(data)
    heard = await _all(await decoder.stream(), list(chunks(data, sizes)))
    # what an mp3 pads its end with is written where a stream has no way to look
    padding = RATE_HZ // 10 if name.endswith(".mp3") else 0
    assert 0 <= heard.size - whole.samples.size <= padding
    assert np.abs(heard[: whole.samples.size] - whole.samples)[:-20].max() < 1e-5


async def test_samples_come_while_the_recording_goes_on(decoder: Decoder, speech: Path) -> None:
    data = (speech / "derived" / "sense_0870.mediarecorder-like.webm").read_bytes()
    stream = await decoder.stream()
    heard = 0
    for number, piece in enumerate(chunks(data, (1200,)), 1):
        heard += (await stream.feed(piece)).size
        if number == 12:
            break
    await stream.close()
    share = 12 * 1200 / len(data)
    assert heard > 0.7 * share * 7.1 * RATE_HZ


async def test_a_reload_begins_a_new_recording_in_the_same_stream(
    decoder: Decoder, speech: Path
) -> None:
    data = (speech / "derived" / "sense_0870.mediarecorder-like.webm").read_bytes()
    whole = (await decoder.decode(data)).samples
    half = list(chunks(data, (1500,)))[:8]
    assert begins_recording(half[0])
    assert not begins_recording(half[1])
    heard = await _all(await decoder.stream(), [*half, *chunks(data, (1500,))])
    assert heard.size > whole.size + RATE_HZ
    assert np.abs(heard[-whole.size :] - whole).max() < 1e-5


async def test_a_stream_without_its_header_says_what_to_send(
    decoder: Decoder, speech: Path
) -> None:
    data = (speech / "derived" / "sense_0870.mediarecorder-like.webm").read_bytes()
    with pytest.raises(AudioUnreadableError, match="first chunk"):
        await _all(await decoder.stream(), [data[20_000:24_000], data[24_000:]])


async def test_a_playlist_as_a_stream(decoder: Decoder) -> None:
    stream = await decoder.stream()
    with pytest.raises(AudioForbiddenError):
        await stream.feed(b"#EXTM3U\n#EXTINF:5,\n/etc/hostname\n")


async def test_bare_opus_packets(decoder: Decoder, speech: Path) -> None:
    data = (speech / "derived" / "sense_0870.webm").read_bytes()
    whole = (await decoder.decode(data)).samples
    packets = opus_packets(data)
    heard = await _all(await decoder.stream("opus"), packets)
    # without a container nobody says how much of the beginning is only there to warm the codec up
    assert 0 <= heard.size - whole.size <= 0.02 * RATE_HZ
    best = max(
        float(np.corrcoef(heard[lag : lag + RATE_HZ * 5], whole[: RATE_HZ * 5])[0, 1])
        for lag in range(0, heard.size - whole.size + 1)
    )
    assert best > 0.99


async def test_lost_and_broken_packets_are_gone_over(decoder: Decoder, speech: Path) -> None:
    packets = opus_packets((speech / "derived" / "sense_0870.webm").read_bytes())
    packets[50] = b"\xff" * 5
    del packets[100]
    heard = await _all(await decoder.stream("opus"), packets)
    assert heard.size > 6.9 * RATE_HZ


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
async def test_telephone_samples_as_they_arrive(
    decoder: Decoder, speech: Path, encoding: str
) -> None:
    path = speech / "derived" / f"sense_0870_8k_{encoding}.wav"
    whole = (await decoder.decode(path)).samples
    data = path.read_bytes()
    data = data[data.index(b"data") + 8 :]
    form = RawAudio(rate_hz=8000, encoding=encoding)  # type: ignore[arg-type]
    heard = await _all(await decoder.stream(form), list(chunks(data, (160,))))
    assert heard.size == pytest.approx(whole.size, abs=64)
    length = min(heard.size, whole.size)
    assert np.abs(heard[:length] - whole[:length]).max() < 2e-3


async def test_half_a_sample_waits_for_its_other_half(decoder: Decoder) -> None:
    samples = (tone(0.5) * 32767).astype("<i2")
    heard = await _all(await decoder.stream(RawAudio()), list(chunks(samples.tobytes(), (333,))))
    assert np.array_equal(heard, samples.astype(np.float32) / 32768)


async def test_two_raw_channels_are_mixed(decoder: Decoder) -> None:
    both = np.stack([tone(0.2), -tone(0.2)], axis=1)
    form = RawAudio(channels=2, encoding="float32")
    heard = await _all(await decoder.stream(form), [both.astype("<f4").tobytes()])
    assert np.abs(heard).max() < 1e-6


@pytest.mark.parametrize(
    "wrong", [{"rate_hz": 1}, {"channels": 0}, {"channels": 99}, {"encoding": "gsm"}]
)
async def test_a_form_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(RawFormError):
        RawAudio(**wrong)  # type: ignore[arg-type]


async def test_many_streams_at_once(decoder: Decoder, speech: Path) -> None:
    data = (speech / "derived" / "sense_0870.mediarecorder-like.webm").read_bytes()
    whole = (await decoder.decode(data)).samples
    heard = await asyncio.gather(
        *[_all(await decoder.stream(), list(chunks(data, (900 + 100 * n,)))) for n in range(20)]
    )
    assert all(np.abs(each - whole).max() < 1e-5 for each in heard)


async def test_a_stream_whose_process_dies_says_so_and_the_next_one_works(speech: Path) -> None:
    data = (speech / "derived" / "sense_0870.mediarecorder-like.webm").read_bytes()
    decoder = Decoder()
    try:
        stream = await decoder.stream()
        await stream.feed(data[:5000])
        assert stream._child is not None  # type: ignore[attr-defined]
        stream._child._process.kill()  # type: ignore[attr-defined]
        with pytest.raises(DecoderStoppedError):
            await stream.feed(data[5000:])
        heard = await _all(await decoder.stream(), [data])
        assert heard.size > 7 * RATE_HZ
    finally:
        await decoder.close()
