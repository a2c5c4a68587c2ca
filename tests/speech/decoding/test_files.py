"""Whole recordings, of every format and in every state."""

from pathlib import Path

import numpy as np
import pytest
from tests.speech.decoding.recordings import RATE_HZ, silent_opus, silent_wav, tone, wav

from tertulia.kernel.errors import TertuliaError
from tertulia.speech.decoding import (
    AudioEmptyError,
    AudioForbiddenError,
    AudioTooLongError,
    AudioUnreadableError,
    DecodeLimits,
    Decoder,
    RawAudio,
)

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]

SAME_CLIP = [
    "sense_0870.flac",
    "sense_0870.m4a",
    "sense_0870.mediarecorder-like.webm",
    "sense_0870.mp3",
    "sense_0870.ogg",
    "sense_0870.webm",
    "sense_0870_8k_alaw.wav",
    "sense_0870_8k_mulaw.wav",
]

CORRUPT = {
    "azure_missing_wav_header.wav": "audio_unreadable",
    "derived_bitflips.flac": "truncated",
    "derived_bitflips.mp3": "truncated",
    "derived_truncated.ogg": "truncated",
    "derived_truncated.webm": "truncated",
    "derived_truncated_no_moov.m4a": "audio_unreadable",
    "derived_truncated_riff.wav": "truncated",
    "pocketsphinx_awful.wav": "audio_empty",
    "pocketsphinx_bad.wav": "audio_unreadable",
    "pocketsphinx_evil.wav": "audio_unreadable",
    "pocketsphinx_null.wav": "audio_empty",
    "pyannote_empty_silence.wav": "whole",
}


@pytest.mark.parametrize("name", SAME_CLIP)
async def test_every_format_of_a_clip_sounds_the_same(
    decoder: Decoder, speech: Path, name: str
) -> None:
    original = await decoder.decode(speech / "en" / "librivox_sense_0870.wav")
    decoded = await decoder.decode(speech / "derived" / name)
    assert decoded.samples.dtype == np.float32
    assert decoded.info.duration_seconds == pytest.approx(7.1, abs=0.05)
    assert not decoded.info.truncated
    length = min(decoded.samples.size, original.samples.size)
    one, other = original.samples[:length], decoded.samples[:length]
    spectra = [
        np.abs(np.fft.rfft(x[: length // 400 * 400].reshape(-1, 400)))[:, :80] for x in (one, other)
    ]
    assert np.corrcoef(spectra[0].ravel(), spectra[1].ravel())[0, 1] > 0.9


@pytest.mark.parametrize("name", sorted(CORRUPT))
async def test_damage_gives_the_readable_part_or_a_clear_error(
    decoder: Decoder, speech: Path, name: str
) -> None:
    expected = CORRUPT[name]
    if expected in {"truncated", "whole"}:
        decoded = await decoder.decode(speech / "corrupt" / name)
        assert decoded.info.truncated is (expected == "truncated")
        assert decoded.samples.size > 0
        return
    with pytest.raises(TertuliaError) as caught:
        await decoder.decode(speech / "corrupt" / name)
    assert caught.value.code == expected
    assert caught.value.status in {400, 415, 422}
    assert name not in caught.value.detail


async def test_every_corrupt_file_has_an_expectation(speech: Path) -> None:
    assert {file.name for file in (speech / "corrupt").iterdir()} == set(CORRUPT)


async def test_raw_samples_need_their_form(decoder: Decoder, speech: Path) -> None:
    path = speech / "en" / "goforward.raw"
    with pytest.raises(AudioUnreadableError):
        await decoder.decode(path)
    decoded = await decoder.decode(path, raw=RawAudio(rate_hz=16_000))
    assert decoded.info.duration_seconds == pytest.approx(2.786, abs=0.01)


async def test_raw_samples_of_another_rate_and_more_channels(decoder: Decoder) -> None:
    left, right = tone(1.0, rate_hz=8000), np.zeros(8000, np.float32)
    both = (np.stack([left, right], axis=1) * 32767).astype("<i2")
    decoded = await decoder.decode(
        both.tobytes(), raw=RawAudio(rate_hz=8000, channels=2), split=True
    )
    assert [abs(c).max() > 0.1 for c in decoded.channels] == [True, False]
    assert all(channel.size == RATE_HZ for channel in decoded.channels)


async def test_channels_apart_and_mixed(decoder: Decoder, speech: Path) -> None:
    path = speech / "twochannel" / "fw_stereo_diarization.wav"
    apart = await decoder.decode(path, split=True)
    mixed = await decoder.decode(path)
    assert len(apart.channels) == 2
    assert np.allclose(apart.samples, mixed.samples, atol=1e-5)
    assert not np.allclose(apart.channels[0], apart.channels[1])


@pytest.mark.parametrize("content", [b"", b"R", b"\x00" * 3000], ids=["empty", "one byte", "zeros"])
async def test_nothing_inside(decoder: Decoder, content: bytes) -> None:
    with pytest.raises((AudioEmptyError, AudioUnreadableError)):
        await decoder.decode(content)


async def test_text_called_wav(decoder: Decoder, tmp_path: Path) -> None:
    file = tmp_path / "speech.wav"
    file.write_text("Dear sir, this is not a recording. " * 200)
    with pytest.raises(AudioUnreadableError):
        await decoder.decode(file)


async def test_a_missing_file(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(AudioEmptyError):
        await decoder.decode(tmp_path / "nowhere.wav")


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{path}</BaseURL></MPD>',
        "[playlist]\nFile1={path}\nNumberOfEntries=1\n",
        "https://example.org/stream.mp3\n",
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
    ],
    ids=["hls", "concat", "dash", "pls", "address", "sdp"],
)
async def test_a_playlist_pointing_inside_is_refused(
    decoder: Decoder, speech: Path, tmp_path: Path, playlist: str
) -> None:
    file = tmp_path / "list.m4a"
    file.write_text(playlist.format(path=speech / "en" / "jfk.flac"))
    with pytest.raises(AudioForbiddenError) as caught:
        await decoder.decode(file)
    assert caught.value.status == 400


async def test_a_playlist_that_hides_behind_spaces_is_refused_too(
    decoder: Decoder, speech: Path
) -> None:
    path = speech / "en" / "jfk.flac"
    hidden = f"; note\n#EXTM3U\n#EXTINF:5,\n{path}\n#EXT-X-ENDLIST\n".encode()
    with pytest.raises((AudioForbiddenError, AudioUnreadableError)):
        await decoder.decode(hidden)


async def test_a_bomb_is_stopped_at_the_longest_recording() -> None:
    bomb = silent_opus(900)
    assert 150 * len(bomb) < 900 * RATE_HZ * 4
    decoder = Decoder(DecodeLimits(audio_seconds=600))
    try:
        with pytest.raises(AudioTooLongError):
            await decoder.decode(bomb)
        assert (await decoder.decode(wav(tone(1.0)))).samples.size == RATE_HZ
    finally:
        await decoder.close()


async def test_sixty_four_channels(decoder: Decoder) -> None:
    many = np.repeat(tone(0.5)[:, np.newaxis], 64, axis=1)
    recording = wav((many * 32767).astype(np.int16))
    mixed = await decoder.decode(recording)
    assert mixed.info.channels == 64
    assert np.allclose(mixed.samples, tone(0.5), atol=1e-3)
    with pytest.raises(AudioUnreadableError, match="64 channels"):
        await decoder.decode(recording, split=True)


async def test_what_is_not_a_number_becomes_silence(decoder: Decoder) -> None:
    samples = tone(1.0, rate_hz=48_000)
    samples[1000:2000] = np.nan
    samples[3000:4000] = np.inf
    for split in (False, True):
        decoded = await decoder.decode(wav(samples, 48_000), split=split)
        assert np.isfinite(decoded.samples).all()
        assert np.abs(decoded.samples).max() <= 1.0
        assert np.abs(decoded.samples[400:600]).max() < 1e-3


HOURS = 3
"""A block of a minute is 4 MB of samples; all of them would be 700."""


async def test_hours_of_silence_never_lie_in_memory(decoder: Decoder, tmp_path: Path) -> None:
    path = silent_wav(tmp_path / "silence.wav", hours=HOURS)
    count = 0
    async with decoder.open(path, block_seconds=60) as recording:
        assert recording.expected_seconds == pytest.approx(HOURS * 3600)
        async for block in recording:
            assert block.nbytes <= 60 * RATE_HZ * 4
            count += block.shape[1]
    assert count == HOURS * 3600 * RATE_HZ
    assert recording.info is not None
    assert recording.info.silence_ratio == 1.0
    assert recording.info.quality == 0.0


async def test_levels_without_samples(decoder: Decoder, speech: Path) -> None:
    info = await decoder.measure(speech / "en" / "jfk.flac")
    assert (info.codec, info.container, info.sample_rate_hz, info.channels) == (
        "flac",
        "flac",
        44_100,
        2,
    )
    assert info.duration_seconds == pytest.approx(11.0, abs=0.01)
    assert 0.5 < info.peak <= 1.0
    assert info.quality > 0.8


async def test_reading_may_stop_half_way(decoder: Decoder, tmp_path: Path) -> None:
    path = silent_wav(tmp_path / "silence.wav", hours=2)
    async with decoder.open(path, block_seconds=1) as recording:
        async for _ in recording:
            break
    assert (await decoder.decode(wav(tone(0.2)))).samples.size == RATE_HZ // 5
