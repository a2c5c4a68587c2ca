"""The use cases of speech over engines that need no model."""

import asyncio

import numpy as np
import pytest
from tests.fakes.engines import (
    CountingLive,
    CountingRecognizer,
    Fixed,
    HummingVoice,
    WavDecoder,
    wav_of,
)
from tests.speech.contract_recognizer import listened

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, SpeechOptions
from tertulia.speech.engines.errors import RecognitionError
from tertulia.speech.service import Engines, ModelNotFoundError, SpeechService

pytestmark = pytest.mark.unit


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.2, 0.2, round(seconds * SAMPLE_RATE_HZ))


class Hall:
    """A service and everything in it."""

    def __init__(self) -> None:
        self.one, self.two = CountingRecognizer("one"), CountingRecognizer("two")
        self.live = CountingLive("one")
        self.hum = HummingVoice("hum")
        self.chooser = Fixed("one", "two")
        self.service = SpeechService(
            Engines({"one": self.one, "two": self.two}, {"one": self.live}, {"hum": self.hum}),
            WavDecoder(),
            self.chooser,
            tts=("hum",),
        )


@pytest.fixture
def hall() -> Hall:
    return Hall()


async def test_a_recording_becomes_text(hall: Hall) -> None:
    done = await hall.service.transcribe(wav_of(noise(2)))
    assert done.recognition.text == "one.0 one.1 one.2 one.3"
    assert (done.recognition.provider, done.recognition.language) == ("one", "en")
    assert done.recognition.duration_seconds == done.info.duration_seconds == 2.0


async def test_auto_asks_the_chooser_with_the_language(hall: Hall) -> None:
    await hall.service.transcribe(wav_of(noise(1)), RecognitionOptions("es"), engine="auto")
    assert hall.chooser.asked == ["es"]


@pytest.mark.parametrize(
    ("engine", "provider"),
    [("two", "two"), ("two,one", "two"), (" two , one ", "two"), ("two,auto", "two"), ("", "one")],
)
async def test_an_engine_or_chain_is_chosen_by_name(hall: Hall, engine: str, provider: str) -> None:
    done = await hall.service.transcribe(wav_of(noise(1)), engine=engine)
    assert done.recognition.provider == provider


async def test_names_of_openai_mean_the_servers_own_choice(hall: Hall) -> None:
    done = await hall.service.transcribe(wav_of(noise(1)), engine="whisper-1")
    assert done.recognition.provider == "one"


@pytest.mark.parametrize("engine", ["nobody", "one,nobody"])
async def test_an_unknown_engine_is_named_with_those_there_are(hall: Hall, engine: str) -> None:
    with pytest.raises(ModelNotFoundError, match=r"nobody is not an engine.*one, two"):
        await hall.service.transcribe(wav_of(noise(1)), engine=engine)


async def test_channels_are_read_by_themselves_and_merged_by_time(hall: Hall) -> None:
    done = await hall.service.transcribe(wav_of(noise(2), noise(2, 1)), channels=True)
    assert [s.channel for s in done.recognition.segments] == [0, 1]
    assert len(hall.one.heard) == 2


async def test_two_equal_channels_are_one(hall: Hall) -> None:
    done = await hall.service.transcribe(wav_of(noise(2), noise(2)), channels=True)
    assert [s.channel for s in done.recognition.segments] == [None]


async def test_a_long_recording_is_read_in_pieces_cut_where_it_is_quiet(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = noise(130)
    sound[50 * SAMPLE_RATE_HZ : 51 * SAMPLE_RATE_HZ] = 0
    shares: list[float] = []
    monkeypatch.setattr("tertulia.speech.service._pieces.__defaults__", (60.0,))
    done = await hall.service.transcribe(wav_of(sound), progress=shares.append)
    lengths = [len(samples) / SAMPLE_RATE_HZ for samples, _ in hall.one.heard]
    assert sum(lengths) == pytest.approx(130)
    assert 50 <= lengths[0] <= 51
    assert done.recognition.segments[1].start == pytest.approx(lengths[0])
    assert done.recognition.segments[1].words[0].start == pytest.approx(lengths[0])
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


async def test_text_comes_while_a_recording_is_read(hall: Hall) -> None:
    stream = hall.service.transcribe_stream(wav_of(noise(100)))
    first = await anext(stream)
    assert len(hall.one.heard) == 1
    assert first.end < 31
    rest = [s async for s in stream]
    assert [s.start for s in rest] == sorted(s.start for s in rest)


async def test_speakers_are_told_apart_over_the_whole_file(hall: Hall) -> None:
    async for _ in hall.service.transcribe_stream(
        wav_of(noise(100)), RecognitionOptions(diarise=True)
    ):
        continue
    assert [len(s) for s, _ in hall.one.heard] == [100 * SAMPLE_RATE_HZ]


async def test_a_failure_comes_through_as_it_is(hall: Hall) -> None:
    hall.one.failures = [RecognitionError("one is broken")]
    with pytest.raises(RecognitionError, match="one is broken"):
        await hall.service.transcribe(wav_of(noise(1), noise(1, 1)), engine="one", channels=True)


async def test_a_failing_engine_rests_whichever_chain_it_is_in(hall: Hall) -> None:
    hall.one.failures = [RecognitionError("broken")] * 3
    for engine in ("one,two", "auto", "one,two"):
        await hall.service.transcribe(wav_of(noise(1)), engine=engine)
    done = await hall.service.transcribe(wav_of(noise(1)), engine="one,two")
    assert done.recognition.provider == "two"


async def test_nothing_recorded_is_no_text(hall: Hall) -> None:
    done = await hall.service.transcribe(wav_of(noise(0)))
    assert (done.recognition.text, done.recognition.segments) == ("", ())


async def test_speech_and_its_voice(hall: Hall) -> None:
    options = SpeechOptions(voice="high", speed=2.0)
    chunks = [c async for c in hall.service.speak("Hello there.", options)]
    assert chunks[0].provider == "hum"
    assert hall.hum.options == [options]


async def test_openais_speakers_mean_no_preference(hall: Hall) -> None:
    async for _ in hall.service.speak("Hi.", SpeechOptions(voice="alloy")):
        continue
    assert hall.hum.options[0].voice is None


async def test_a_voice_nobody_has_is_refused(hall: Hall) -> None:
    with pytest.raises(InvalidRequestError, match="/v1/audio/voices"):
        await anext(hall.service.speak("Hi.", SpeechOptions(voice="caruso")))


async def test_a_live_stream_is_opened_by_name(hall: Hall) -> None:
    heard = await listened(hall.service.live_recognizer("one"), np.zeros(16_000, np.float32))
    assert heard[-1].text == "second 1"
    stream = await hall.service.open_live(engine="one", offset_seconds=5)
    await stream.cancel()
    assert len(hall.live.streams) == 2


async def test_what_there_is_to_choose(hall: Hall) -> None:
    assert [(e.name, e.kind) for e in hall.service.engines()] == [
        ("one", "stt"),
        ("two", "stt"),
        ("one", "live"),
        ("hum", "tts"),
    ]
    assert {"whisper-1", "tts-1", "auto", "one", "two", "hum"} <= set(hall.service.models())
    assert [v.id for v in await hall.service.voices()] == ["low", "high"]


async def test_closing_closes_each_engine_once(hall: Hall) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("one")

    hall.one.close = close  # type: ignore[method-assign]
    await hall.service.close()
    assert closed == ["one"]


async def test_giving_up_stops_the_work(hall: Hall) -> None:
    begun = asyncio.Event()

    async def hang(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    hall.one._transcribe_impl = hang  # type: ignore[method-assign,assignment]
    work = asyncio.create_task(hall.service.transcribe(wav_of(noise(1))))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_what_is_translated_is_english_whatever_was_spoken(hall: Hall) -> None:
    wishes = RecognitionOptions("es", translate=True)
    found = (await hall.service.transcribe(wav_of(noise(1)), wishes)).recognition
    assert (found.language, {s.language for s in found.segments}) == ("en", {"en"})
    untranslated = (
        await hall.service.transcribe(wav_of(noise(1)), RecognitionOptions("es"))
    ).recognition
    assert {s.language for s in untranslated.segments} == {"es"}
