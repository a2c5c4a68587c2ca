"""Retries, timeouts, reporting and refusal, on engines made here."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import numpy as np
import pytest

from tertulia.kernel.clock import HeldClock
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Capabilities,
    Hypothesis,
    HypothesisKind,
    LiveStream,
    Recognition,
    RecognitionOptions,
    Samples,
    Segment,
    SpeechChunk,
    SpeechOptions,
    VoiceInfo,
)
from tertulia.speech.engines.base import (
    BaseLiveRecognizer,
    BaseRecognizer,
    BaseVoice,
    Outcome,
    Patience,
    Unit,
)
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    RecognitionError,
    UnsupportedLanguageError,
    VoiceError,
)

pytestmark = pytest.mark.unit

ONE_SECOND = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
SECRET = "what the person said"


class Seen:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Unit, float, int, Outcome]] = []

    def used(
        self, engine: str, unit: Unit, quantity: float, elapsed_ms: int, outcome: Outcome
    ) -> None:
        self.calls.append((engine, unit, quantity, elapsed_ms, outcome))


class Scripted(BaseRecognizer):
    """Does what its steps say, one a call."""

    def __init__(self, *steps: object, clock: HeldClock, seen: Seen, **patience: float) -> None:
        super().__init__(
            "scripted",
            Capabilities(languages=frozenset({"en"})),
            clock=clock,
            observer=seen,
            patience=Patience(**patience),  # type: ignore[arg-type]
            chance=lambda: 1.0,
        )
        self.steps = list(steps)
        self.heard: list[Samples] = []

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        self.heard.append(samples)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        if step == "hang":
            await asyncio.Event().wait()
        return Recognition((Segment(str(step), 0, 1),), "en", 99, "vendor")


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def seen() -> Seen:
    return Seen()


async def test_the_engine_is_named_and_timed_by_the_base(clock: HeldClock, seen: Seen) -> None:
    found = await Scripted("hello", clock=clock, seen=seen).transcribe(ONE_SECOND)
    assert (found.text, found.provider, found.duration_seconds) == ("hello", "scripted", 1.0)
    assert seen.calls == [("scripted", Unit.FILE_SECONDS, 1.0, 0, Outcome.OK)]


async def test_what_may_pass_is_tried_again_after_longer_and_longer(
    clock: HeldClock, seen: Seen
) -> None:
    away = EngineUnavailableError(retryable=True)
    engine = Scripted(away, away, "hello", clock=clock, seen=seen)
    work = asyncio.ensure_future(engine.transcribe(ONE_SECOND))
    await clock.advance(0.49)
    assert len(engine.heard) == 1
    await clock.advance(0.02)
    assert len(engine.heard) == 2
    await clock.advance(0.9)
    assert len(engine.heard) == 2
    await clock.advance(0.2)
    assert (await work).text == "hello"
    assert [c[-1] for c in seen.calls] == [Outcome.OK]


async def test_retry_after_is_obeyed(clock: HeldClock, seen: Seen) -> None:
    busy = RecognitionError(retryable=True, retry_after_seconds=7)
    engine = Scripted(busy, "hello", clock=clock, seen=seen)
    work = asyncio.ensure_future(engine.transcribe(ONE_SECOND))
    await clock.advance(6.9)
    assert len(engine.heard) == 1
    await clock.advance(0.2)
    assert (await work).text == "hello"


async def test_a_wait_longer_than_the_time_left_is_not_begun(clock: HeldClock, seen: Seen) -> None:
    busy = RecognitionError(retryable=True, retry_after_seconds=60)
    engine = Scripted(busy, clock=clock, seen=seen, timeout_seconds=30)
    with pytest.raises(RecognitionError) as raised:
        await engine.transcribe(ONE_SECOND)
    assert raised.value.headers["Retry-After"] == "60"


async def test_tries_run_out(clock: HeldClock, seen: Seen) -> None:
    away = RecognitionError(retryable=True)
    engine = Scripted(away, away, clock=clock, seen=seen, attempts=2)
    work = asyncio.ensure_future(engine.transcribe(ONE_SECOND))
    await clock.advance(10)
    with pytest.raises(RecognitionError):
        await work
    assert len(engine.heard) == 2
    assert [c[-1] for c in seen.calls] == [Outcome.ERROR]


async def test_what_cannot_pass_is_not_tried_again(clock: HeldClock, seen: Seen) -> None:
    engine = Scripted(RecognitionError("no"), "hello", clock=clock, seen=seen)
    with pytest.raises(RecognitionError):
        await engine.transcribe(ONE_SECOND)
    assert engine.steps == ["hello"]


async def test_an_engine_that_hangs_times_out(clock: HeldClock, seen: Seen) -> None:
    engine = Scripted("hang", clock=clock, seen=seen, timeout_seconds=20)
    work = asyncio.ensure_future(engine.transcribe(ONE_SECOND))
    await clock.advance(19)
    assert not work.done()
    await clock.advance(2)
    with pytest.raises(EngineTimeoutError) as raised:
        await work
    assert (raised.value.status, raised.value.code) == (504, "provider_timeout")
    assert seen.calls == [("scripted", Unit.FILE_SECONDS, 1.0, 20_000, Outcome.TIMEOUT)]


async def test_who_gives_up_is_counted_as_cancelled(clock: HeldClock, seen: Seen) -> None:
    work = asyncio.ensure_future(Scripted("hang", clock=clock, seen=seen).transcribe(ONE_SECOND))
    await clock.advance(1)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert seen.calls[0][-1] == Outcome.CANCELLED


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (ValueError(SECRET), RecognitionError),
        (ConnectionResetError(SECRET), EngineUnavailableError),
        (TimeoutError(SECRET), EngineTimeoutError),
    ],
)
async def test_a_vendors_words_never_come_through(
    clock: HeldClock,
    seen: Seen,
    raised: Exception,
    becomes: type[EngineError],
    capfd: pytest.CaptureFixture[str],
) -> None:
    engine = Scripted(raised, clock=clock, seen=seen, attempts=1)
    with pytest.raises(becomes) as caught:
        await engine.transcribe(ONE_SECOND)
    out, err = capfd.readouterr()
    assert SECRET not in str(caught.value) + out + err
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_an_unknown_language_is_refused_before_anything_is_sent(
    clock: HeldClock, seen: Seen
) -> None:
    engine = Scripted("hello", clock=clock, seen=seen)
    with pytest.raises(UnsupportedLanguageError) as raised:
        await engine.transcribe(ONE_SECOND, RecognitionOptions(language="es-MX"))
    assert raised.value.status == 422
    assert engine.heard == []


async def test_no_audio_is_no_text_and_no_call(clock: HeldClock, seen: Seen) -> None:
    found = await Scripted(clock=clock, seen=seen).transcribe(ONE_SECOND[:0])
    assert (found.text, found.provider) == ("", "scripted")
    assert seen.calls == []


@pytest.mark.parametrize("length", [10, 31 * SAMPLE_RATE_HZ])
async def test_samples_that_are_not_numbers_become_silence(
    clock: HeldClock, seen: Seen, length: int
) -> None:
    samples = np.full(length, 0.5, dtype=np.float64)
    samples[3], samples[4] = np.nan, np.inf
    engine = Scripted("hello", clock=clock, seen=seen)
    await engine.transcribe(samples)  # type: ignore[arg-type]
    assert engine.heard[0].dtype == np.float32
    assert list(engine.heard[0][2:6]) == [0.5, 0, 0, 0.5]


class Stream:
    """A live stream that repeats what it was told to say."""

    def __init__(self, *says: object) -> None:
        self.says = says
        self.sent: list[Samples] = []
        self.ended = asyncio.Event()

    async def send(self, samples: Samples) -> None:
        self.sent.append(samples)

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        for say in self.says:
            if isinstance(say, Exception):
                raise say
            yield Hypothesis("u", HypothesisKind.FINAL, str(say), 0, 1, 1)
        await self.ended.wait()

    async def finish(self) -> None:
        self.ended.set()

    async def cancel(self) -> None:
        self.ended.set()


class Live(BaseLiveRecognizer):
    """Opens the streams it was given."""

    def __init__(self, *streams: Stream | Exception, clock: HeldClock, seen: Seen) -> None:
        super().__init__("live", Capabilities(), clock=clock, observer=seen, chance=lambda: 1.0)
        self.streams = list(streams)

    async def _open_impl(self, options: RecognitionOptions, offset_seconds: float) -> LiveStream:
        stream = self.streams.pop(0)
        if isinstance(stream, Exception):
            raise stream
        return stream


async def test_live_audio_is_counted_and_reported_once(clock: HeldClock, seen: Seen) -> None:
    stream = await Live(Stream("hi"), clock=clock, seen=seen).open()
    await stream.send(ONE_SECOND)
    await stream.send(ONE_SECOND[:8000])
    await stream.send(ONE_SECOND[:0])
    await clock.advance(3)
    await stream.finish()
    assert [h.text async for h in stream.hypotheses()] == ["hi"]
    await stream.cancel()
    assert seen.calls == [("live", Unit.LIVE_SECONDS, 1.5, 3000, Outcome.OK)]


async def test_opening_is_tried_again(clock: HeldClock, seen: Seen) -> None:
    live = Live(ConnectionRefusedError(), Stream("hi"), clock=clock, seen=seen)
    work = asyncio.ensure_future(live.open())
    await clock.advance(1)
    assert await work
    assert seen.calls == []


async def test_opening_that_fails_is_reported(clock: HeldClock, seen: Seen) -> None:
    live = Live(RecognitionError("no"), clock=clock, seen=seen)
    with pytest.raises(RecognitionError):
        await live.open()
    assert [c[-1] for c in seen.calls] == [Outcome.ERROR]


async def test_a_stream_that_breaks_raises_an_engine_error(clock: HeldClock, seen: Seen) -> None:
    stream = await Live(Stream("hi", KeyError(SECRET)), clock=clock, seen=seen).open()
    hypotheses = stream.hypotheses()
    assert (await anext(hypotheses)).text == "hi"
    with pytest.raises(RecognitionError) as raised:
        await anext(hypotheses)
    assert SECRET not in str(raised.value)
    assert [c[-1] for c in seen.calls] == [Outcome.ERROR]


class Talker(BaseVoice):
    """Does what its steps say, a list of chunks or errors a call."""

    def __init__(self, *steps: list[object], clock: HeldClock, seen: Seen) -> None:
        super().__init__(
            "talker",
            Capabilities(),
            clock=clock,
            observer=seen,
            patience=Patience(timeout_seconds=5, open_timeout_seconds=5),
            chance=lambda: 1.0,
        )
        self.steps = list(steps)

    async def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]:
        for piece in self.steps.pop(0):
            if isinstance(piece, Exception):
                raise piece
            if piece == "hang":
                await asyncio.Event().wait()
            yield SpeechChunk(str(piece).encode(), 16_000)

    async def voices(self) -> Sequence[VoiceInfo]:
        return ()


async def said(voice: BaseVoice, into: list[bytes]) -> None:
    async for chunk in voice.speak("hello there"):
        into.append(chunk.pcm16)  # noqa: PERF401 - what came before an error is looked at


async def test_a_voice_is_tried_again_before_its_first_sound(clock: HeldClock, seen: Seen) -> None:
    voice = Talker([ConnectionResetError()], ["ab", "cd"], clock=clock, seen=seen)
    heard: list[bytes] = []
    work = asyncio.ensure_future(said(voice, heard))
    await clock.advance(1)
    await work
    assert heard == [b"ab", b"cd"]
    assert [(c[1], c[2], c[-1]) for c in seen.calls] == [(Unit.CHARACTERS, 11, Outcome.OK)]


async def test_a_voice_is_not_tried_again_once_heard(clock: HeldClock, seen: Seen) -> None:
    voice = Talker(["ab", ConnectionResetError()], ["cd"], clock=clock, seen=seen)
    heard: list[bytes] = []
    with pytest.raises(EngineUnavailableError):
        await said(voice, heard)
    assert heard == [b"ab"]
    assert len(voice.steps) == 1


@pytest.mark.parametrize("pieces", [["hang"], ["ab", "hang"]])
async def test_a_voice_that_falls_silent_times_out(
    clock: HeldClock, seen: Seen, pieces: list[object]
) -> None:
    work = asyncio.ensure_future(said(Talker(pieces, clock=clock, seen=seen), []))
    await clock.advance(6)
    with pytest.raises(EngineTimeoutError):
        await work
    assert [c[-1] for c in seen.calls] == [Outcome.TIMEOUT]


async def test_a_voices_bug_is_a_voice_error(clock: HeldClock, seen: Seen) -> None:
    with pytest.raises(VoiceError) as raised:
        await said(Talker([ZeroDivisionError(SECRET)], clock=clock, seen=seen), [])
    assert (raised.value.status, raised.value.code) == (502, "tts_error")
    assert SECRET not in str(raised.value)
