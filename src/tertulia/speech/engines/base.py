"""What every engine shares: the public call owns retries, timeout, metrics and cost; a vendor writes one private method."""

import asyncio
import math
import random
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import structlog

from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Capabilities,
    Hypothesis,
    LiveStream,
    Recognition,
    RecognitionOptions,
    Samples,
    SpeechChunk,
    SpeechOptions,
    VoiceInfo,
)
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    RecognitionError,
    UnsupportedLanguageError,
    VoiceError,
)

log = structlog.get_logger(__name__)
T = TypeVar("T")

LONG_SAMPLES = 30 * SAMPLE_RATE_HZ
"""Past this, even looking at every sample once is done off the event loop."""


class Unit(StrEnum):
    """What an engine's work is counted, and paid, in."""

    FILE_SECONDS = "file_seconds"
    LIVE_SECONDS = "live_seconds"
    CHARACTERS = "characters"


class Outcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class EngineObserver(Protocol):
    """Told of every call an engine has ended; the ledger and the metrics listen here."""

    def used(
        self, engine: str, unit: Unit, quantity: float, elapsed_ms: int, outcome: Outcome
    ) -> None: ...


class Unobserved:
    """Nobody listens."""

    def used(
        self, engine: str, unit: Unit, quantity: float, elapsed_ms: int, outcome: Outcome
    ) -> None:
        """Forgets it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often an engine is tried."""

    timeout_seconds: float = 900.0
    """For a whole file with its retries, or for one step of a stream or of speech."""
    open_timeout_seconds: float = 15.0
    """For opening a live stream, and for the first sound of a voice, with its retries."""
    finish_timeout_seconds: float = 60.0
    """For what a live stream still has to say after its last audio."""
    attempts: int = 3
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0

    def wait_seconds(self, attempt: int, asked_seconds: float | None, chance: float) -> float:
        """The pause after try number `attempt`: what the vendor asked for, or longer each time, with jitter."""
        if asked_seconds is not None:
            return asked_seconds
        wait = self.first_wait_seconds * float(2 ** (attempt - 1))
        return min(wait, self.longest_wait_seconds) * (0.5 + chance / 2)


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Runs `work`, or cancels it and raises TimeoutError once the clock has moved on by `seconds`."""
    task = asyncio.create_task(work)
    timer = asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        for started in (task, timer):
            started.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)


def finite(samples: Samples) -> Samples:
    """The samples as one contiguous float32 row, with anything that is not a number made silence."""
    row = np.ascontiguousarray(samples, dtype=np.float32).reshape(-1)
    if math.isfinite(float(row.sum())):
        return row
    return np.nan_to_num(row, nan=0.0, posinf=0.0, neginf=0.0)


class BaseEngine:
    """Names, retries, timeouts and reporting, the same for recognisers and voices."""

    failure: ClassVar[type[EngineError]] = RecognitionError

    def __init__(
        self,
        name: str,
        capabilities: Capabilities,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.clock: Clock = clock or SystemClock()
        self.observer: EngineObserver = observer or Unobserved()
        self.patience = patience
        self._chance = chance

    async def close(self) -> None:
        """Lets go of connections and models; an engine that holds none has nothing to do."""

    def _require_language(self, language: str | None) -> None:
        if language is not None and not self.capabilities.speaks(language):
            raise UnsupportedLanguageError(self.name, language)

    async def _tried(self, work: Callable[[], Coroutine[Any, Any, T]], limit_seconds: float) -> T:
        """Runs `work` until it succeeds, fails for good, or its tries or time are used up."""
        deadline = self.clock.monotonic() + limit_seconds
        attempt = 0
        while True:
            attempt += 1
            left = deadline - self.clock.monotonic()
            try:
                return await within(self.clock, left, work())
            except Exception as error:  # noqa: BLE001 - a vendor may raise anything
                failure = self.explain(error)
            wait = self.patience.wait_seconds(attempt, failure.retry_after_seconds, self._chance())
            late = self.clock.monotonic() + wait >= deadline
            if not failure.retryable or attempt >= self.patience.attempts or late:
                # One step of a longer call has been tried enough; the whole call is not begun anew.
                failure.retryable = False
                raise failure from None
            log.info("engine is tried again", engine=self.name, attempt=attempt, code=failure.code)
            await self.clock.sleep(wait)

    def explain(self, error: Exception) -> EngineError:
        """Any exception as an engine's error, with nothing of the vendor's answer in its text."""
        if isinstance(error, EngineError):
            return error
        if isinstance(error, TertuliaError):
            raise error
        if isinstance(error, TimeoutError):
            return EngineTimeoutError(f"{self.name} did not answer in time. Try again.")
        if isinstance(error, OSError):
            return EngineUnavailableError(
                f"{self.name} cannot be reached ({type(error).__name__}). Check its address and that it runs.",
                retryable=True,
            )
        # The exception's own text may quote what was said, so only its kind and place are written down.
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
        log.error("engine failed", engine=self.name, kind=type(error).__name__, place=place)
        return self.failure(f"{self.name} failed ({type(error).__name__}). The log says where.")

    def _elapsed_ms(self, began: float) -> int:
        return round((self.clock.monotonic() - began) * 1000)

    async def _reported(self, unit: Unit, quantity: float, work: Awaitable[T]) -> T:
        """Awaits `work` and tells the observer how it ended."""
        began = self.clock.monotonic()
        outcome = Outcome.CANCELLED
        try:
            result = await work
            outcome = Outcome.OK
        except TertuliaError as error:
            outcome = _outcome(error)
            raise
        finally:
            self.observer.used(self.name, unit, quantity, self._elapsed_ms(began), outcome)
        return result


def _outcome(error: BaseException) -> Outcome:
    return Outcome.TIMEOUT if isinstance(error, EngineTimeoutError) else Outcome.ERROR


class BaseRecognizer(BaseEngine, ABC):
    """Whole files. A vendor writes `_transcribe_impl`."""

    async def transcribe(
        self, samples: Samples, options: RecognitionOptions = RecognitionOptions()
    ) -> Recognition:
        """Reads a whole file; raises an `EngineError` when that is not possible."""
        self._require_language(options.language)
        if len(samples) > LONG_SAMPLES:
            samples = await asyncio.to_thread(finite, samples)
        else:
            samples = finite(samples)
        seconds = len(samples) / SAMPLE_RATE_HZ
        if not len(samples):
            return Recognition((), options.language, 0.0, self.name)
        began = self.clock.monotonic()
        work = self._tried(
            lambda: self._transcribe_impl(samples, options), self.patience.timeout_seconds
        )
        found = await self._reported(Unit.FILE_SECONDS, seconds, work)
        return replace(
            found,
            provider=self.name,
            elapsed_ms=self._elapsed_ms(began),
            duration_seconds=seconds,
        )

    @abstractmethod
    async def _transcribe_impl(
        self, samples: Samples, options: RecognitionOptions
    ) -> Recognition: ...


class BaseLiveRecognizer(BaseEngine, ABC):
    """Streams. A vendor writes `_open_impl`, which gives a stream whose hypotheses may raise anything."""

    async def open(
        self, options: RecognitionOptions = RecognitionOptions(), *, offset_seconds: float = 0.0
    ) -> LiveStream:
        """Starts a conversation; raises an `EngineError` when that is not possible."""
        self._require_language(options.language)
        began = self.clock.monotonic()
        try:
            stream = await self._tried(
                lambda: self._open_impl(options, offset_seconds),
                self.patience.open_timeout_seconds,
            )
        except TertuliaError as error:
            elapsed = self._elapsed_ms(began)
            self.observer.used(self.name, Unit.LIVE_SECONDS, 0.0, elapsed, _outcome(error))
            raise
        return ObservedStream(self, stream)

    @abstractmethod
    async def _open_impl(
        self, options: RecognitionOptions, offset_seconds: float
    ) -> LiveStream: ...


class ObservedStream:
    """A vendor's stream whose audio is counted, whose errors are explained and whose end is reported once."""

    def __init__(self, engine: BaseEngine, stream: LiveStream) -> None:
        self._engine = engine
        self._stream = stream
        self._began = engine.clock.monotonic()
        self._samples = 0
        self._reported = False
        self._late = False
        self._watch: asyncio.Task[None] | None = None

    async def send(self, samples: Samples) -> None:
        samples = finite(samples)
        if not len(samples):
            return
        self._samples += len(samples)
        await self._guarded(self._stream.send(samples))

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        outcome = Outcome.CANCELLED
        try:
            async for hypothesis in self._stream.hypotheses():
                yield replace(hypothesis, provider=hypothesis.provider or self._engine.name)
            if self._late:
                raise TimeoutError
            outcome = Outcome.OK
        except Exception as error:  # noqa: BLE001 - a vendor may raise anything
            failure = self._engine.explain(error)
            outcome = _outcome(failure)
            raise failure from None
        finally:
            self._unwatch()
            self._report(outcome)

    async def finish(self) -> None:
        await self._guarded(self._stream.finish())
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._give_up())

    async def _give_up(self) -> None:
        """A vendor that never says it is done must not leave a session waiting."""
        await self._engine.clock.sleep(self._engine.patience.finish_timeout_seconds)
        self._late = True
        self._watch = None
        with suppress(EngineError):
            await self._guarded(self._stream.cancel())

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def cancel(self) -> None:
        self._unwatch()
        try:
            await self._guarded(self._stream.cancel())
        finally:
            self._report(Outcome.CANCELLED)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - a vendor may raise anything
            failure = self._engine.explain(error)
            self._report(_outcome(failure))
            raise failure from None

    def _report(self, outcome: Outcome) -> None:
        if self._reported:
            return
        self._reported = True
        engine = self._engine
        elapsed_ms = round((engine.clock.monotonic() - self._began) * 1000)
        seconds = self._samples / SAMPLE_RATE_HZ
        engine.observer.used(engine.name, Unit.LIVE_SECONDS, seconds, elapsed_ms, outcome)


class BaseVoice(BaseEngine, ABC):
    """Speech. A vendor writes `_speak_impl` and `voices`; only what has not been heard yet is tried again."""

    failure = VoiceError

    async def speak(
        self, text: str, options: SpeechOptions = SpeechOptions()
    ) -> AsyncIterator[SpeechChunk]:
        """Speaks in pieces as they are made; raises an `EngineError` when that is not possible."""
        self._require_language(options.language)
        if not text.strip():
            return
        began = self.clock.monotonic()
        outcome = Outcome.CANCELLED
        try:
            pieces, first = await self._tried(
                lambda: self._begin(text, options), self.patience.open_timeout_seconds
            )
            async with aclosing(pieces):
                chunk = first
                while chunk is not None:
                    yield replace(chunk, provider=chunk.provider or self.name)
                    step = anext(pieces, None)
                    chunk = await within(self.clock, self.patience.timeout_seconds, _step(step))
            outcome = Outcome.OK
        except Exception as error:  # noqa: BLE001 - a vendor may raise anything
            failure = self.explain(error)
            outcome = _outcome(failure)
            raise failure from None
        finally:
            elapsed = self._elapsed_ms(began)
            self.observer.used(self.name, Unit.CHARACTERS, len(text), elapsed, outcome)

    async def _begin(
        self, text: str, options: SpeechOptions
    ) -> tuple[AsyncGenerator[SpeechChunk, None], SpeechChunk | None]:
        """Waits for the first sound, so that everything before it can be tried again."""
        pieces = self._speak_impl(text, options)
        return pieces, await anext(pieces, None)

    @abstractmethod
    def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]: ...

    @abstractmethod
    async def voices(self) -> Sequence[VoiceInfo]: ...


async def _step(step: Awaitable[SpeechChunk | None]) -> SpeechChunk | None:
    return await step
