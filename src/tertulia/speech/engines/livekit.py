"""Any LiveKit Agents plugin as an engine: `livekit:deepgram`, `livekit:azure`, `livekit:google` …"""

import asyncio
import importlib
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import numpy as np

from tertulia.kernel.clock import Clock
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
    Word,
)
from tertulia.speech.engines.base import (
    BaseLiveRecognizer,
    BaseRecognizer,
    BaseVoice,
    EngineObserver,
    Patience,
)
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    RecognitionError,
    VoiceError,
)
from tertulia.speech.engines.openai import as_pcm16, parts

PREFIX = "livekit:"
FRAME_SAMPLES = SAMPLE_RATE_HZ // 10
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")

S = TypeVar("S")

# Its warnings quote the vendor's errors, and those may quote what was said.
logging.getLogger("livekit.agents").setLevel(logging.ERROR)


def plugin(name: str, kind: str, **arguments: Any) -> Any:
    """Makes the plugin's `STT` or `TTS`; raises `EngineUnavailableError` with the fix when that is not possible."""
    module_name = name.removeprefix(PREFIX).replace("-", "_").lower()
    if not _NAME.fullmatch(module_name):
        raise EngineUnavailableError(f"{name[:60]!r} names no plugin. Write livekit:deepgram.")
    package = f"livekit-plugins-{module_name.replace('_', '-')}"
    try:
        module = importlib.import_module(f"livekit.plugins.{module_name}")
    except ImportError:
        raise EngineUnavailableError(f"{name} is not installed. pip install {package}.") from None
    make = getattr(module, kind, None)
    if make is None:
        raise EngineUnavailableError(f"{package} has no {kind}. Choose another plugin.")
    try:
        return make(**arguments)
    except Exception as error:  # noqa: BLE001 - each plugin complains of a missing key in its own way
        raise EngineUnavailableError(
            f"{name} cannot be made ({type(error).__name__}). Set the key its documentation names."
        ) from None


@contextmanager
def explained(name: str, failure: type[EngineError]) -> Iterator[None]:
    """Goes round a plugin's call: its errors become engine errors without its words."""
    from livekit.agents import APIError, APIStatusError, APITimeoutError

    try:
        yield
    except APITimeoutError:
        raise EngineTimeoutError(f"{name} did not answer in time.", retryable=True) from None
    except APIStatusError as error:
        if error.status_code in {401, 403}:
            raise EngineUnavailableError(
                f"{name} refuses the key. Set the one its documentation names."
            ) from None
        raise failure(
            f"{name} answered with status {error.status_code}.", retryable=error.retryable
        ) from None
    except APIError as error:
        raise failure(
            f"{name} failed ({type(error).__name__}).", retryable=error.retryable
        ) from None


class _Held(Generic[S]):
    """Something a plugin made, within the HTTP session that plugins expect to find round them.

    The session is bound to the context of the task that opened it, so one task holds it from end to end.
    """

    def __init__(self, make: Callable[[], S]) -> None:
        self._make = make
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> S:
        made: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(made))
        return await made

    async def _hold(self, made: asyncio.Future[S]) -> None:
        from livekit.agents.utils import http_context

        async with http_context.open():
            try:
                thing: Any = self._make()
            except Exception as error:  # noqa: BLE001 - handed to whoever opened it
                made.set_exception(error)
                return
            if not made.done():
                made.set_result(thing)
            await self._over.wait()
            await thing.aclose()

    async def close(self) -> None:
        self._over.set()
        if self._task is not None:
            await asyncio.wait([self._task])


def _frames(samples: Samples) -> list[Any]:
    from livekit import rtc

    return [
        rtc.AudioFrame(as_pcm16(piece), SAMPLE_RATE_HZ, 1, len(piece))
        for piece in (
            samples[at : at + FRAME_SAMPLES] for at in range(0, len(samples), FRAME_SAMPLES)
        )
    ]


def _once(seconds: float) -> Any:
    """The base class tries again; a plugin that did so too would multiply the tries."""
    from livekit.agents import APIConnectOptions

    return APIConnectOptions(max_retry=0, timeout=seconds)


def _language(options: RecognitionOptions) -> Any:
    from livekit.agents import NOT_GIVEN

    return options.language or NOT_GIVEN


def _given(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, (int, float)) else otherwise


def _words(data: Any, offset: float) -> tuple[Word, ...]:
    found = []
    for word in data.words or ():
        start = _given(word.start_time, -1.0)
        if start >= 0 and word.strip():
            end = max(_given(word.end_time, start), start)
            found.append(Word(word.strip(), start + offset, end + offset))
    return tuple(found)


def _speech(stt: Any, *, needs_streaming: bool) -> Capabilities:
    able = stt.capabilities
    return Capabilities(
        streaming=able.streaming and needs_streaming,
        words=able.aligned_transcript == "word",
        diarisation=able.diarization,
        needs_network=True,
        detects_language=True,
    )


class LiveKitRecognizer(BaseRecognizer):
    """Whole files by a plugin's `recognize`, or through its stream when it has no other way."""

    def __init__(
        self,
        name: str,
        stt: Any = None,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self._stt = stt if stt is not None else plugin(name, "STT")
        able = _speech(self._stt, needs_streaming=False)
        super().__init__(name, able, clock=clock, observer=observer, patience=patience)

    async def close(self) -> None:
        await self._stt.aclose()

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        if not self._stt.capabilities.offline_recognize:
            return await self._through_stream(samples, options)
        segments: list[Segment] = []
        for start, end in await asyncio.to_thread(parts, samples):
            piece = samples[start:end]
            data = await self._tried(
                lambda piece=piece: self._recognize(piece, options),  # type: ignore[misc]
                self.patience.timeout_seconds,
            )
            offset, seconds = start / SAMPLE_RATE_HZ, len(piece) / SAMPLE_RATE_HZ
            if data is not None and data.text.strip():
                until = data.end_time if data.end_time > data.start_time else seconds
                segments.append(
                    Segment(
                        data.text.strip(),
                        data.start_time + offset,
                        until + offset,
                        _words(data, offset),
                        str(data.language) or None,
                        data.confidence or None,
                        data.speaker_id,
                    )
                )
        language = options.language or next((s.language for s in segments if s.language), None)
        return Recognition(tuple(segments), language, 0.0, self.name)

    async def _recognize(self, samples: Samples, options: RecognitionOptions) -> Any:
        from livekit.agents.utils import http_context

        frames = await asyncio.to_thread(_frames, samples)
        with explained(self.name, RecognitionError):
            async with http_context.open():
                event = await self._stt.recognize(
                    frames,
                    language=_language(options),
                    conn_options=_once(self.patience.timeout_seconds),
                )
        return event.alternatives[0] if event.alternatives else None

    async def _through_stream(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        stream = LiveKitStream(self.name, self._stt, options, 0.0)
        await stream.begin()
        try:
            await stream.send(samples)
            await stream.finish()
            finals = [h async for h in stream.hypotheses() if h.kind is HypothesisKind.FINAL]
        finally:
            await stream.cancel()
        segments = tuple(
            Segment(h.text, h.start, h.end, h.words, h.language, h.confidence, h.speaker)
            for h in finals
            if h.text
        )
        language = options.language or next((s.language for s in segments if s.language), None)
        return Recognition(segments, language, 0.0, self.name)


class LiveKitLiveRecognizer(BaseLiveRecognizer):
    """Streams by a plugin that streams."""

    def __init__(
        self,
        name: str,
        stt: Any = None,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self._stt = stt if stt is not None else plugin(name, "STT")
        if not self._stt.capabilities.streaming:
            raise EngineUnavailableError(f"{name} does not stream. Use it for recordings.")
        able = _speech(self._stt, needs_streaming=True)
        super().__init__(name, able, clock=clock, observer=observer, patience=patience)

    async def close(self) -> None:
        await self._stt.aclose()

    async def _open_impl(self, options: RecognitionOptions, offset_seconds: float) -> LiveStream:
        stream = LiveKitStream(self.name, self._stt, options, offset_seconds)
        await stream.begin()
        return stream


class LiveKitStream:
    """A plugin's stream. Utterances are numbered here; plugins that give no times get those of the audio."""

    def __init__(self, name: str, stt: Any, options: RecognitionOptions, offset: float) -> None:
        self._name, self._offset = name, offset
        self._held: _Held[Any] = _Held(
            lambda: stt.stream(language=_language(options), conn_options=_once(10.0))
        )
        self._stream: Any = None
        self._sent = 0
        self._utterance = 1
        self._open: Hypothesis | None = None
        self._heard_until = offset
        self._ended = False

    async def begin(self) -> None:
        with explained(self._name, RecognitionError):
            self._stream = await self._held.open()

    async def send(self, samples: Samples) -> None:
        if self._ended:
            return
        for frame in _frames(samples):
            try:
                self._stream.push_frame(frame)
            except RuntimeError:
                return  # the plugin's stream is over; whoever reads the hypotheses learns why
        self._sent += len(samples)

    async def finish(self) -> None:
        if not self._ended:
            self._ended = True
            try:
                self._stream.end_input()
            except RuntimeError:
                return  # as above

    async def cancel(self) -> None:
        self._ended = True
        await self._held.close()

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        from livekit.agents.stt import SpeechEventType as Kind

        texts = {
            Kind.INTERIM_TRANSCRIPT: HypothesisKind.PARTIAL,
            Kind.PREFLIGHT_TRANSCRIPT: HypothesisKind.PARTIAL,
            Kind.FINAL_TRANSCRIPT: HypothesisKind.FINAL,
        }
        try:
            with explained(self._name, RecognitionError):
                async for event in self._stream:
                    kind = texts.get(event.type)
                    if kind is not None and event.alternatives:
                        hypothesis = self._hypothesis(kind, event.alternatives[0])
                        if hypothesis is not None:
                            yield hypothesis
            if self._open is not None:
                yield self._confirmed(self._open)
        finally:
            await self._held.close()

    def _hypothesis(self, kind: HypothesisKind, data: Any) -> Hypothesis | None:
        text = data.text.strip()
        if not text and (kind is HypothesisKind.PARTIAL or self._open is None):
            return None
        now = self._offset + self._sent / SAMPLE_RATE_HZ
        start, end = data.start_time + self._offset, data.end_time + self._offset
        if data.end_time <= data.start_time:
            start, end = self._heard_until, max(now, self._heard_until)
        found = Hypothesis(
            utterance_id=f"{id(self):x}-{self._utterance}",
            kind=kind,
            text=text,
            start=start,
            end=end,
            heard_until=self._heard_until,
            words=_words(data, self._offset),
            language=str(data.language) or None,
            confidence=data.confidence or None,
            speaker=data.speaker_id,
        )
        if kind is HypothesisKind.PARTIAL:
            self._open = found
            return found
        return self._confirmed(found)

    def _confirmed(self, found: Hypothesis) -> Hypothesis:
        """The utterance is over: what its last text was is final."""
        self._heard_until = max(self._heard_until, found.end)
        self._utterance += 1
        self._open = None
        return Hypothesis(
            found.utterance_id,
            HypothesisKind.FINAL,
            found.text,
            found.start,
            found.end,
            self._heard_until,
            found.words,
            found.language,
            found.confidence,
            found.speaker,
        )


class LiveKitVoice(BaseVoice):
    """Speech by a plugin's `synthesize`; its voice is the one the plugin is configured with."""

    def __init__(
        self,
        name: str,
        tts: Any = None,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self._tts = tts if tts is not None else plugin(name, "TTS")
        able = Capabilities(streaming=True, needs_network=True)
        super().__init__(name, able, clock=clock, observer=observer, patience=patience)

    async def close(self) -> None:
        await self._tts.aclose()

    async def voices(self) -> Sequence[VoiceInfo]:
        return ()

    async def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]:
        limit = _once(self.patience.timeout_seconds)
        held: _Held[Any] = _Held(lambda: self._tts.synthesize(text, conn_options=limit))
        with explained(self.name, VoiceError):
            try:
                async for event in await held.open():
                    frame = event.frame
                    samples = np.frombuffer(frame.data, dtype="<i2").reshape(-1, frame.num_channels)
                    mono = samples.mean(axis=1).astype("<i2") if samples.shape[1] > 1 else samples
                    yield SpeechChunk(mono.tobytes(), frame.sample_rate)
            finally:
                await held.close()
