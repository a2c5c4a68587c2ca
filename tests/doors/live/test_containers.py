"""Where a recording can be entered again: a real recording, cut anywhere, goes on from there with its header."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.fakes.engines import wav_of

from tertulia.doors.live.containers import OggScanner, WebmScanner, wav_form
from tertulia.doors.live.domain import Restart
from tertulia.doors.live.errors import LiveError
from tertulia.doors.live.formats import Form, Shape, UnsupportedFormatError, parse_mime
from tertulia.doors.live.intake import Intake, open_intake
from tertulia.speech.decoding import DecodeLimits, Decoder
from tertulia.speech.domain import SAMPLE_RATE_HZ

pytestmark = pytest.mark.unit

SECONDS = 6


def recording(form: str) -> bytes:
    """A tone that rises each second, so that a place can be told by its pitch."""
    buffer = io.BytesIO()
    options = {"cluster_time_limit": "1000", "live": "1"} if form == "webm" else {}
    if form == "ogg":
        options = {"page_duration": "500000"}
    with av.open(buffer, "w", format=form, options=options) as container:
        stream: Any = container.add_stream("libopus", rate=48_000)
        stream.layout = "mono"
        t = np.arange(SECONDS * 48_000) / 48_000
        pitch = 200 + 100 * np.floor(t)
        tone = (0.4 * np.sin(2 * np.pi * pitch * t)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


async def fed(intake: Intake, chunks: list[tuple[int, bytes]]) -> Any:
    parts = [await intake.feed(seq, chunk) for seq, chunk in chunks]
    parts.append(await intake.finish())
    await intake.close()
    return np.concatenate(parts)


def pitches(sound: Any) -> list[int]:
    """What is heard in each half of a second but the first, in steps of 100 Hz."""
    half = SAMPLE_RATE_HZ // 2
    blocks = [sound[at + 1600 : at + half - 1600] for at in range(half, len(sound) - half, half)]
    crossings = [np.count_nonzero(np.diff(np.signbit(block))) for block in blocks]
    return [round(n / 2 / (half - 3200) * SAMPLE_RATE_HZ / 100) for n in crossings]


@pytest.mark.parametrize("form", ["webm", "ogg"])
@pytest.mark.parametrize("step", [97, 700, 4096])
async def test_a_recording_goes_on_from_every_place_it_can_be_entered(form: str, step: int) -> None:
    decoder = Decoder(DecodeLimits(), workers=1)
    try:
        data = recording(form)
        kind = parse_mime(f"audio/{form}")
        pieces = [data[at : at + step] for at in range(0, len(data), step)]
        numbered = list(enumerate(pieces, 1))
        first = await open_intake(kind, decoder.stream, Restart())
        whole = await fed(first, numbered)
        assert abs(len(whole) / SAMPLE_RATE_HZ - SECONDS) < 0.1
        entered = set()
        for heard in range(0, len(whole), SAMPLE_RATE_HZ):
            probe = await open_intake(kind, decoder.stream, Restart())
            for seq, chunk in numbered:
                await probe.feed(seq, chunk)
            restart = probe.restart(heard)
            await probe.close()
            assert restart.position <= heard
            entered.add(restart)
            header = first.header if restart.skip_bytes or restart.seq else b""
            again = await open_intake(kind, decoder.stream, restart, header)
            rest = await fed(again, numbered[restart.seq :])
            assert abs(len(rest) - (len(whole) - restart.position)) < 0.03 * SAMPLE_RATE_HZ
            assert pitches(rest) == pitches(whole[restart.position :])
        assert len(entered) >= 4
    finally:
        await decoder.close()


@pytest.mark.parametrize("scanner", [WebmScanner, OggScanner])
def test_a_stream_without_sound_is_not_collected_for_ever(
    scanner: type[WebmScanner] | type[OggScanner],
) -> None:
    with pytest.raises(LiveError):
        for _ in range(20):
            scanner().feed(bytes(70_000))


def test_a_wav_tells_its_form(speech: Path) -> None:
    data = next(speech.rglob("*.wav")).read_bytes()
    assert wav_form(data[:20]) is None
    found = wav_form(data)
    assert found is not None
    assert data[found[1] - 8 : found[1] - 4] == b"data"
    with pytest.raises(LiveError):
        wav_form(b"RIFFxxxxWEBPxxxxxxxx")


@pytest.mark.parametrize("cut", [1, 13, 44, 1000])
async def test_a_wav_may_be_cut_anywhere(cut: int) -> None:
    data = wav_of(np.sin(np.arange(32_000) / 20))
    decoder = Decoder(DecodeLimits(), workers=1)
    try:
        kind = parse_mime("audio/wav")
        one = await fed(await open_intake(kind, decoder.stream, Restart()), [(1, data)])
        pieces = [data[at : at + cut] for at in range(0, min(len(data), cut * 400), cut)]
        many = await fed(
            await open_intake(kind, decoder.stream, Restart()), list(enumerate(pieces, 1))
        )
        assert np.array_equal(many, one[: len(many)])
    finally:
        await decoder.close()


async def test_half_a_sample_is_no_place_to_begin_again() -> None:
    decoder = Decoder(DecodeLimits(), workers=1)
    intake = await open_intake(parse_mime("audio/pcm"), decoder.stream, Restart())
    await intake.feed(1, b"\x00" * 3)
    await intake.feed(2, b"\x00" * 3)
    await intake.feed(3, b"\x00" * 1)
    assert intake.restart(10) == Restart(2, 0, 3)
    await decoder.close()


@pytest.mark.parametrize(
    ("mime", "shape", "name"),
    [
        ("audio/pcm", Shape.RAW, "audio/pcm;rate=16000"),
        ("audio/PCM; rate=48000; channels=2", Shape.RAW, "audio/pcm;rate=48000;channels=2"),
        ("audio/pcm;encoding=mulaw;rate=8000", Shape.RAW, "audio/pcm;rate=8000;encoding=mulaw"),
        ('audio/webm;codecs="opus"', Shape.WEBM, "audio/webm;codecs=opus"),
        ("audio/ogg", Shape.OGG, "audio/ogg;codecs=opus"),
        ("audio/opus", Shape.OPUS, "audio/opus"),
        ("audio/x-wav", Shape.WAV, "audio/x-wav"),
    ],
)
def test_media_types_that_are_taken(mime: str, shape: Shape, name: str) -> None:
    found = parse_mime(mime)
    assert isinstance(found, Form)
    assert (found.shape, found.mime_type) == (shape, name)


@pytest.mark.parametrize(
    "mime",
    [
        "", "audio/mp3", "video/webm", "audio/pcm;rate=7999", "audio/pcm;rate=x", "audio/pcm;channels=3",
        "audio/pcm;encoding=s24", "audio/webm;codecs=vorbis",
    ],
)  # fmt: skip
def test_media_types_that_are_refused(mime: str) -> None:
    with pytest.raises(UnsupportedFormatError):
        parse_mime(mime)
