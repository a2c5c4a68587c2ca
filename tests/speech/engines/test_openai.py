"""An OpenAI-compatible server as engine, against one that misbehaves on purpose."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from tests.fakes.openai_audio import OpenAIAudio
from tests.speech.contract_recognizer import RecognizerContract
from tests.speech.contract_voice import VoiceContract
from tests.speech.contract_voice import spoken as spoken_by

from tertulia.kernel.clock import HeldClock
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    RecognitionOptions,
    Samples,
    SpeechChunk,
    SpeechOptions,
)
from tertulia.speech.engines.base import Patience
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    RecognitionError,
    VoiceError,
)
from tertulia.speech.engines.openai import (
    PART_SECONDS,
    OpenAIRecognizer,
    OpenAIServer,
    OpenAIVoice,
    parts,
)

pytestmark = pytest.mark.unit

QUICK = Patience(attempts=2, first_wait_seconds=0.01)


@pytest.fixture
def spoken() -> Samples:
    return np.sin(np.arange(2 * SAMPLE_RATE_HZ) / 20).astype(np.float32) * 0.3


@pytest.fixture
def fake() -> OpenAIAudio:
    return OpenAIAudio()


@pytest.fixture
async def server(fake: OpenAIAudio) -> AsyncIterator[OpenAIServer]:
    async with fake.run() as url:
        yield OpenAIServer(url, fake.key, "whisper-1", "alloy")


@pytest.fixture
async def recognizer(server: OpenAIServer) -> AsyncIterator[OpenAIRecognizer]:
    engine = OpenAIRecognizer(server, patience=QUICK)
    yield engine
    await engine.close()


@pytest.fixture
async def voice(server: OpenAIServer) -> AsyncIterator[OpenAIVoice]:
    engine = OpenAIVoice(server, patience=QUICK)
    yield engine
    await engine.close()


class TestOpenAIRecognizer(RecognizerContract):
    pass


class TestOpenAIVoice(VoiceContract):
    pass


async def test_options_become_the_servers_fields(
    recognizer: OpenAIRecognizer, fake: OpenAIAudio, spoken: Samples
) -> None:
    options = RecognitionOptions(
        language="en-GB", hot_words=("Tertulia", "Genesys"), words=True, temperature=0.2
    )
    found = await recognizer.transcribe(spoken, options)
    assert fake.asked == [
        {
            "path": "/v1/audio/transcriptions",
            "seconds": 2.0,
            "model": ["whisper-1"],
            "temperature": ["0.2"],
            "response_format": ["verbose_json"],
            "language": ["en"],
            "prompt": ["Tertulia, Genesys"],
            "timestamp_granularities[]": ["word", "segment"],
        }
    ]
    assert [w.text for w in found.segments[0].words] == fake.text.split()
    assert found.segments[0].confidence == pytest.approx(0.9)


async def test_likely_words_stand_before_a_prompt(
    recognizer: OpenAIRecognizer, fake: OpenAIAudio, spoken: Samples
) -> None:
    options = RecognitionOptions(hot_words=("Tertulia", "Genesys"), prompt="A call about a bill.")
    await recognizer.transcribe(spoken, options)
    assert fake.asked[0]["prompt"] == ["Tertulia, Genesys. A call about a bill."]


async def test_names_of_languages_become_codes(
    recognizer: OpenAIRecognizer, fake: OpenAIAudio, spoken: Samples
) -> None:
    fake.language = "spanish"
    assert (await recognizer.transcribe(spoken)).language == "es"


async def test_translating_goes_to_its_own_address(
    recognizer: OpenAIRecognizer, fake: OpenAIAudio, spoken: Samples
) -> None:
    await recognizer.transcribe(spoken, RecognitionOptions(language="es", translate=True))
    assert fake.asked[0]["path"] == "/v1/audio/translations"
    assert "language" not in fake.asked[0]


async def test_a_model_without_times_gives_one_segment(
    server: OpenAIServer, fake: OpenAIAudio, spoken: Samples
) -> None:
    engine = OpenAIRecognizer(OpenAIServer(server.url, server.key, "gpt-4o-transcribe"))
    found = await engine.transcribe(spoken)
    await engine.close()
    assert [(s.text, s.start, s.end) for s in found.segments] == [(fake.text, 0.0, 2.0)]
    assert not engine.capabilities.words


async def test_a_long_recording_goes_in_parts_cut_where_it_is_quiet() -> None:
    samples = np.ones(int(PART_SECONDS * 2.5) * SAMPLE_RATE_HZ, dtype=np.float32)
    quiet = (PART_SECONDS - 7) * SAMPLE_RATE_HZ
    samples[quiet : quiet + SAMPLE_RATE_HZ] = 0
    found = parts(samples)
    assert [s for s, _ in found[1:]] == [e for _, e in found[:-1]]
    assert (found[0][0], found[-1][1]) == (0, len(samples))
    assert quiet <= found[0][1] < quiet + SAMPLE_RATE_HZ
    assert all(e - s <= PART_SECONDS * SAMPLE_RATE_HZ for s, e in found)


async def test_times_of_later_parts_go_on(
    recognizer: OpenAIRecognizer, fake: OpenAIAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tertulia.speech.engines.openai.PART_SECONDS", 20)
    monkeypatch.setattr("tertulia.speech.engines.openai.CUT_SECONDS", 5)
    fake.behaviours = ["well", "500"]
    found = await recognizer.transcribe(np.full(30 * SAMPLE_RATE_HZ, 0.1, dtype=np.float32))
    assert len(found.segments) == 2
    assert found.segments[1].start == pytest.approx(found.segments[0].end)
    assert found.segments[1].end == pytest.approx(30)
    assert len(fake.asked) == 2


@pytest.mark.parametrize("behaviour", ["429", "500", "503", "garbage", "drop"])
async def test_what_passes_is_tried_again(
    server: OpenAIServer, fake: OpenAIAudio, spoken: Samples, behaviour: str
) -> None:
    fake.behaviours = [behaviour]
    patience = Patience(first_wait_seconds=0.01)
    engine = OpenAIRecognizer(server, patience=patience)
    assert (await engine.transcribe(spoken)).text == fake.text
    await engine.close()


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("400", RecognitionError),
        ("413", RecognitionError),
        ("404", EngineUnavailableError),
        ("500", RecognitionError),
        ("garbage", RecognitionError),
        ("drop", EngineUnavailableError),
    ],
)
async def test_what_does_not_pass_is_a_clear_error_without_the_answer(
    recognizer: OpenAIRecognizer,
    fake: OpenAIAudio,
    spoken: Samples,
    behaviour: str,
    error: type[EngineError],
) -> None:
    fake.behaviours = [behaviour] * 2
    with pytest.raises(error) as raised:
        await recognizer.transcribe(spoken)
    assert fake.text not in str(raised.value)
    assert fake.key not in str(raised.value)


async def test_a_wrong_key_names_the_setting(server: OpenAIServer, spoken: Samples) -> None:
    engine = OpenAIRecognizer(OpenAIServer(server.url, "sk-wrong"))
    with pytest.raises(EngineUnavailableError, match="TERTULIA_OPENAI_KEY"):
        await engine.transcribe(spoken)
    await engine.close()


async def test_a_server_that_never_answers_times_out(
    server: OpenAIServer, fake: OpenAIAudio, spoken: Samples
) -> None:
    fake.behaviours = ["hang"]
    clock = HeldClock()
    engine = OpenAIRecognizer(server, clock=clock, patience=Patience(timeout_seconds=100))
    work = asyncio.ensure_future(engine.transcribe(spoken))
    async with asyncio.timeout(10):
        await fake.answered.wait()
    await clock.advance(101)
    with pytest.raises(EngineTimeoutError):
        await work
    await engine.close()


async def test_nobody_listening_is_unavailable(spoken: Samples) -> None:
    engine = OpenAIRecognizer(OpenAIServer("http://127.0.0.1:1/v1", "k"), patience=QUICK)
    with pytest.raises(EngineUnavailableError, match="cannot be reached"):
        await engine.transcribe(spoken)
    await engine.close()


async def test_speech_carries_voice_speed_and_instructions(
    voice: OpenAIVoice, fake: OpenAIAudio
) -> None:
    await spoken_by(voice, "Hi.", SpeechOptions("nova", speed=1.5, instructions="Softly"))
    assert fake.asked == [
        {
            "model": "whisper-1",
            "input": "Hi.",
            "voice": "nova",
            "response_format": "wav",
            "speed": 1.5,
            "instructions": "Softly",
        }
    ]


async def test_a_long_text_goes_in_whole_sentences(voice: OpenAIVoice, fake: OpenAIAudio) -> None:
    await spoken_by(voice, "This is a sentence of forty-one letters!! " * 150)
    assert len(fake.asked) == 2
    assert all(len(a["input"]) <= 4096 and a["input"].endswith("!!") for a in fake.asked)


@pytest.mark.parametrize("behaviour", ["500", "garbage", "drop"])
async def test_speech_that_fails_before_its_first_sound_is_tried_again(
    voice: OpenAIVoice, fake: OpenAIAudio, behaviour: str
) -> None:
    fake.behaviours = [behaviour]
    assert await spoken_by(voice, "Hello there.")


async def test_speech_that_breaks_off_is_an_error(voice: OpenAIVoice, fake: OpenAIAudio) -> None:
    fake.behaviours = ["drop_later"]
    pieces = voice.speak("Hello there, how are you?")
    assert (await anext(pieces)).pcm16
    with pytest.raises(EngineUnavailableError):
        await asyncio.wait_for(_rest(pieces), 10)


async def _rest(pieces: AsyncIterator[SpeechChunk]) -> None:
    async for _ in pieces:
        continue


async def test_a_refused_text_is_a_voice_error(voice: OpenAIVoice, fake: OpenAIAudio) -> None:
    fake.behaviours = ["400"]
    with pytest.raises(VoiceError) as raised:
        await spoken_by(voice, "Hello.")
    assert raised.value.code == "tts_error"
