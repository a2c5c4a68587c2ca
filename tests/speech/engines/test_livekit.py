"""LiveKit plugins, as real subclasses of LiveKit Agents' own STT and TTS."""

import sys
import types
from typing import Any

import numpy as np
import pytest
from tests.speech.contract_recognizer import (
    LiveRecognizerContract,
    RecognizerContract,
    finals,
    listened,
)
from tests.speech.contract_voice import VoiceContract
from tests.speech.contract_voice import spoken as spoken_by

from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, Samples
from tertulia.speech.engines.base import Patience
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    RecognitionError,
    VoiceError,
)

agents = pytest.importorskip("livekit.agents")

from livekit.agents import (  # noqa: E402
    NOT_GIVEN,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    stt,
    tts,
    utils,
)
from livekit.agents.types import TimedString  # noqa: E402

from tertulia.speech.engines.livekit import (  # noqa: E402
    LiveKitLiveRecognizer,
    LiveKitRecognizer,
    LiveKitVoice,
    plugin,
)

pytestmark = [
    pytest.mark.unit,
    # aiohttp's own, when a session that nobody used is closed
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
]

QUICK = Patience(attempts=2, first_wait_seconds=0.01)
SECRET = "what was said"


class Listening(stt.STT[str]):
    """Says `second N` for every second; `failures` are raised first."""

    def __init__(self, *failures: Exception, offline: bool = True, times: bool = True) -> None:
        able = stt.STTCapabilities(
            streaming=True,
            interim_results=True,
            aligned_transcript="word",
            offline_recognize=offline,
        )
        super().__init__(capabilities=able)
        self.failures = list(failures)
        self.times = times
        self.languages: list[Any] = []

    def said(self, start: float, end: float, text: str) -> stt.SpeechData:
        if not self.times:
            return stt.SpeechData("es", text)
        words = [TimedString(text, start_time=start, end_time=end)]
        return stt.SpeechData("es", text, start, end, 0.7, "S1", words=words)

    async def _recognize_impl(
        self, buffer: Any, *, language: Any = NOT_GIVEN, conn_options: Any
    ) -> stt.SpeechEvent:
        self.languages.append(language)
        utils.http_context.http_session()
        if self.failures:
            raise self.failures.pop(0)
        frames = buffer if isinstance(buffer, list) else [buffer]
        seconds = sum(f.samples_per_channel for f in frames) / frames[0].sample_rate
        said = self.said(0.0, seconds, f"{seconds:.0f} seconds")
        return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[said])

    def stream(self, *, language: Any = NOT_GIVEN, conn_options: Any = None) -> "Streaming":
        self.languages.append(language)
        return Streaming(stt=self, conn_options=conn_options)


class Streaming(stt.RecognizeStream):
    """A partial at each half second, a final at each whole one."""

    _stt: Listening

    async def _run(self) -> None:
        utils.http_context.http_session()
        heard, half = 0, SAMPLE_RATE_HZ // 2
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel):
                continue
            if self._stt.failures:
                raise self._stt.failures.pop(0)
            before, heard = heard, heard + frame.samples_per_channel
            for mark in range(before // half + 1, heard // half + 1):
                self._say(mark * half, final=mark % 2 == 0)

    def _say(self, until: int, *, final: bool) -> None:
        second = (until - 1) // SAMPLE_RATE_HZ
        kind = (
            stt.SpeechEventType.FINAL_TRANSCRIPT
            if final
            else stt.SpeechEventType.INTERIM_TRANSCRIPT
        )
        data = self._stt.said(float(second), until / SAMPLE_RATE_HZ, f"second {second + 1}")
        self._event_ch.send_nowait(stt.SpeechEvent(kind, alternatives=[data]))


class Speaking(tts.TTS[str]):
    """Hums 20 ms a character in two channels."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=24_000, num_channels=2
        )
        self.failures = list(failures)

    def synthesize(self, text: str, *, conn_options: Any = None) -> "Humming":
        return Humming(tts=self, input_text=text, conn_options=conn_options)


class Humming(tts.ChunkedStream):
    _tts: Speaking

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        utils.http_context.http_session()
        if self._tts.failures:
            raise self._tts.failures.pop(0)
        output_emitter.initialize(
            request_id="r1", sample_rate=24_000, num_channels=2, mime_type="audio/pcm"
        )
        tone = np.sin(np.arange(len(self.input_text) * 480) / 10) * 9000
        output_emitter.push(np.repeat(tone, 2).astype("<i2").tobytes())


@pytest.fixture
def spoken() -> Samples:
    return np.full(round(2.5 * SAMPLE_RATE_HZ), 0.1, dtype=np.float32)


@pytest.fixture
def recognizer() -> LiveKitRecognizer:
    return LiveKitRecognizer("livekit:listening", Listening(), patience=QUICK)


@pytest.fixture
def live() -> LiveKitLiveRecognizer:
    return LiveKitLiveRecognizer("livekit:listening", Listening(), patience=QUICK)


@pytest.fixture
def voice() -> LiveKitVoice:
    return LiveKitVoice("livekit:speaking", Speaking(), patience=QUICK)


class TestLiveKitRecognizer(RecognizerContract):
    pass


class TestLiveKitLive(LiveRecognizerContract):
    pass


class TestLiveKitVoice(VoiceContract):
    knows_speed = False


async def test_a_recording_with_its_times_speaker_and_words(
    recognizer: LiveKitRecognizer, spoken: Samples
) -> None:
    found = await recognizer.transcribe(spoken, RecognitionOptions("es"))
    segment = found.segments[0]
    assert (segment.text, segment.end, segment.speaker) == ("2 seconds", 2.5, "S1")
    assert (segment.words[0].start, segment.words[0].end) == (0.0, 2.5)
    assert recognizer._stt.languages == ["es"]
    assert found.provider == "livekit:listening"


async def test_a_plugin_that_only_streams_reads_recordings_too(spoken: Samples) -> None:
    engine = LiveKitRecognizer("livekit:listening", Listening(offline=False), patience=QUICK)
    found = await engine.transcribe(spoken)
    assert [s.text for s in found.segments] == ["second 1", "second 2", "second 3"]


async def test_live_partials_become_finals(live: LiveKitLiveRecognizer, spoken: Samples) -> None:
    heard = await listened(live, spoken, RecognitionOptions("es"))
    assert [h.text for h in finals(heard)] == ["second 1", "second 2", "second 3"]
    assert [(h.start, h.end) for h in finals(heard)] == [(0, 1), (1, 2), (2, 2.5)]
    assert len(heard) == 6


async def test_a_plugin_without_times_gets_those_of_the_audio(spoken: Samples) -> None:
    live = LiveKitLiveRecognizer("livekit:listening", Listening(times=False), patience=QUICK)
    heard = finals(await listened(live, spoken, offset_seconds=10))
    assert [h.text for h in heard] == ["second 1", "second 2", "second 3"]
    assert all(10 <= h.start <= h.end <= 12.5 for h in heard)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (APITimeoutError(SECRET), EngineTimeoutError),
        (APIStatusError(SECRET, status_code=401), EngineUnavailableError),
        (APIStatusError(SECRET, status_code=400), RecognitionError),
        (APIConnectionError(SECRET), RecognitionError),
        (ValueError(SECRET), RecognitionError),
    ],
)
async def test_a_plugins_errors_lose_their_words(
    spoken: Samples, failure: Exception, error: type[EngineError]
) -> None:
    engine = LiveKitRecognizer("livekit:x", Listening(failure, failure), patience=QUICK)
    with pytest.raises(error) as raised:
        await engine.transcribe(spoken)
    assert SECRET not in str(raised.value)
    live = LiveKitLiveRecognizer("livekit:x", Listening(failure), patience=QUICK)
    with pytest.raises(error) as raised:
        await listened(live, spoken)
    assert SECRET not in str(raised.value)


async def test_what_passes_is_tried_again(spoken: Samples) -> None:
    engine = LiveKitRecognizer(
        "livekit:x", Listening(APIStatusError(SECRET, status_code=503)), patience=QUICK
    )
    assert (await engine.transcribe(spoken)).text == "2 seconds"
    voice = LiveKitVoice("livekit:x", Speaking(APIConnectionError(SECRET)), patience=QUICK)
    assert await spoken_by(voice, "Hello.")


async def test_a_voice_that_refuses_is_a_voice_error() -> None:
    voice = LiveKitVoice("livekit:x", Speaking(APIStatusError(SECRET, status_code=400)))
    with pytest.raises(VoiceError) as raised:
        await spoken_by(voice, SECRET)
    assert SECRET not in str(raised.value)


def test_a_plugin_that_is_not_installed_names_its_package() -> None:
    with pytest.raises(EngineUnavailableError, match="pip install livekit-plugins-no-such-vendor"):
        plugin("livekit:no-such-vendor", "STT")


@pytest.mark.parametrize("name", ["livekit:", "livekit:../x", "livekit:os.path"])
def test_a_name_that_is_no_plugins_is_refused(name: str) -> None:
    with pytest.raises(EngineUnavailableError, match="names no plugin"):
        plugin(name, "STT")


def test_a_plugin_is_imported_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("livekit.plugins.listening")
    module.STT = Listening  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "livekit.plugins", types.ModuleType("livekit.plugins"))
    monkeypatch.setitem(sys.modules, "livekit.plugins.listening", module)
    assert LiveKitRecognizer("livekit:listening").name == "livekit:listening"
    with pytest.raises(EngineUnavailableError, match="has no TTS"):
        LiveKitVoice("livekit:listening")

    def keyless(**_: Any) -> None:
        raise ValueError(SECRET)

    module.STT = keyless  # type: ignore[attr-defined]
    with pytest.raises(EngineUnavailableError, match="Set the key") as raised:
        LiveKitRecognizer("livekit:listening")
    assert SECRET not in str(raised.value)


def test_a_plugin_that_does_not_stream_is_for_recordings() -> None:
    deaf = Listening()
    deaf._capabilities.streaming = False
    with pytest.raises(EngineUnavailableError, match="for recordings"):
        LiveKitLiveRecognizer("livekit:deaf", deaf)
