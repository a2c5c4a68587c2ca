"""What every chat model shares: tries, limits, reading of structured answers; a vendor writes two private methods."""

import asyncio
import random
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.errors import TertuliaError
from tertulia.language.domain import (
    Answer,
    ChatOptions,
    Finished,
    LanguageCapabilities,
    Message,
    Piece,
    Spent,
    Stop,
    TextPiece,
    ToolCall,
)
from tertulia.language.engines.pump import Pump
from tertulia.language.engines.reading import complaint, read_json
from tertulia.language.errors import (
    LanguageError,
    ModelCutError,
    ModelNonsenseError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from tertulia.language.usage import Usage

log = structlog.get_logger(__name__)
T = TypeVar("T", bound=BaseModel)

CHARACTERS_A_TOKEN = 16
"""More than any token has: past it a model writes more than it was allowed to."""
ROUNDS = 2
"""How often a model may try to bring its answer into the form asked for."""
SHOWN_CHARACTERS = 4_000
"""Of a wrong answer, shown to the model that wrote it."""
FIRST_WAIT_SECONDS = 0.4


class Outcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class LanguageObserver(Protocol):
    """Told of every call a model has ended; the metrics listen here."""

    def called(self, engine: str, usage: Usage, elapsed_ms: int, outcome: Outcome) -> None: ...


class Unobserved:
    """Nobody listens."""

    def called(self, engine: str, usage: Usage, elapsed_ms: int, outcome: Outcome) -> None:
        """Forgets it."""


@dataclass(frozen=True, slots=True)
class Breath:
    """A sign of life that holds no words: a model that thinks."""


@dataclass(frozen=True, slots=True)
class End:
    """The vendor's own last word."""

    usage: Usage
    stop: Stop
    model: str | None = None


RawPiece = TextPiece | ToolCall | Breath | End
Form = Mapping[str, Any]
"""A JSON schema that the whole reply has to fit."""


class BaseChatModel(ABC):
    """A chat model. A vendor writes `_stream_impl` and `_explain_impl`."""

    def __init__(
        self,
        engine: str,
        model: str,
        *,
        capabilities: LanguageCapabilities | None = None,
        clock: Clock | None = None,
        observer: LanguageObserver | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.engine = engine
        self.model = model
        self.capabilities = capabilities or LanguageCapabilities()
        self.clock: Clock = clock or SystemClock()
        self.observer: LanguageObserver = observer or Unobserved()
        self._chance = chance

    @abstractmethod
    async def prepare(self) -> None:
        """Loads what the first word would otherwise wait for."""

    @abstractmethod
    async def close(self) -> None:
        """Lets go of connections."""

    async def stream(
        self,
        messages: Sequence[Message],
        options: ChatOptions = ChatOptions(),
    ) -> AsyncGenerator[Piece, None]:
        """The reply as it is written; raises a `LanguageError` when there is none, or no more of it."""
        run = _Run(self, messages, options, None)
        try:
            async for piece in run.pieces():
                yield piece
        finally:
            await run.end()

    async def answer(
        self,
        messages: Sequence[Message],
        schema: type[T],
        options: ChatOptions = ChatOptions(),
    ) -> Answer[T]:
        """One answer that fits `schema`; a model that misses is shown why, once."""
        asked, usage, began = list(messages), Usage(), self.clock.monotonic()
        for _ in range(ROUNDS):
            try:
                written, finished = await self._written(asked, options, schema.model_json_schema())
            except LanguageError as error:
                error.usage += usage
                raise
            usage += finished.usage
            try:
                value = schema.model_validate(read_json(written))
            except (ValueError, ValidationError) as error:
                wrong = complaint(error)
                asked += [Message.assistant(written[:SHOWN_CHARACTERS]), Message.user(wrong)]
                continue
            took = self._elapsed_ms(began)
            spent = Spent(self.engine, self.model, usage, took)
            return Answer(value, usage, self.engine, finished.model, took, (spent,))
        failure = ModelNonsenseError(
            f"{self.engine} did not bring its answer into the form that was asked for. Try another model."
        )
        failure.usage = usage
        raise failure

    async def _written(
        self, messages: Sequence[Message], options: ChatOptions, form: Form
    ) -> tuple[str, Finished]:
        run, written = _Run(self, messages, options, form), []
        try:
            async for piece in run.pieces():
                if isinstance(piece, TextPiece):
                    written.append(piece.text)
                elif isinstance(piece, Finished):
                    return "".join(written), piece
        finally:
            await run.end()
        raise ModelCutError(f"{self.engine} broke off. Try again.")

    @abstractmethod
    def _stream_impl(
        self, messages: Sequence[Message], options: ChatOptions, form: Form | None
    ) -> AsyncGenerator[RawPiece, None]:
        """The vendor's reply; the last piece is `End`. May raise anything."""

    def _explain_impl(self, error: Exception) -> LanguageError | None:
        """The vendor's own exception as ours; None for one that it does not know."""
        return None

    def explain(self, error: Exception) -> LanguageError:
        """Any exception as a language error, with nothing of the vendor's answer in its text."""
        if isinstance(error, LanguageError):
            return error
        if isinstance(error, TertuliaError):
            raise error
        if isinstance(error, TimeoutError):
            return ModelTimeoutError(f"{self.engine} did not answer in time. Try again.")
        known = self._explain_impl(error)
        if known is not None:
            return known
        if isinstance(error, OSError):
            return ModelUnavailableError(
                f"{self.engine} cannot be reached ({type(error).__name__}). Check its address and that it runs.",
                retryable=True,
            )
        # The exception's own text may quote what was said, so only its kind and place are written down.
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
        log.error(
            "language model failed", engine=self.engine, kind=type(error).__name__, place=place
        )
        return LanguageError(f"{self.engine} failed ({type(error).__name__}). The log says where.")

    def _elapsed_ms(self, began: float) -> int:
        return round((self.clock.monotonic() - began) * 1000)


class _Run:
    """One reply from its first try to its end, reported once."""

    def __init__(
        self,
        model: BaseChatModel,
        messages: Sequence[Message],
        options: ChatOptions,
        form: Form | None,
    ) -> None:
        self._model = model
        self._messages = messages
        self._options = options
        self._form = form
        self._began = model.clock.monotonic()
        self._pump: Pump[RawPiece] | None = None
        self._usage = Usage()
        self._outcome = Outcome.CANCELLED

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        try:
            first, written = await self._first(), 0
            first_ms = self._model._elapsed_ms(self._began)
            raw: RawPiece | None = first
            while raw is not None:
                if isinstance(raw, TextPiece):
                    written += len(raw.text)
                    if raw.text:
                        yield raw
                elif isinstance(raw, ToolCall):
                    yield raw
                elif isinstance(raw, End):
                    yield self._finished(raw, first_ms)
                    return
                if written > self._options.max_tokens * CHARACTERS_A_TOKEN:
                    yield self._finished(End(Usage(), Stop.LENGTH), first_ms)
                    return
                raw = await self._next()
            raise ModelCutError(
                f"{self._model.engine} broke off in the middle. Try again.", retryable=True
            )
        except Exception as error:  # noqa: BLE001 - a vendor may raise anything
            failure = self._model.explain(error)
            late = isinstance(failure, ModelTimeoutError)
            self._outcome = Outcome.TIMEOUT if late else Outcome.ERROR
            raise failure from None

    async def end(self) -> None:
        """Stops the vendor and says how it went."""
        if self._pump is not None:
            await self._pump.stop()
        model = self._model
        elapsed_ms = model._elapsed_ms(self._began)
        model.observer.called(model.engine, self._usage, elapsed_ms, self._outcome)

    async def _first(self) -> RawPiece:
        """The first piece, with as many tries as time and patience allow."""
        # loading a library is no slowness of the vendor's
        await self._model.prepare()
        deadline = asyncio.get_running_loop().time() + self._options.first_seconds
        attempt = 0
        while True:
            attempt += 1
            left = deadline - asyncio.get_running_loop().time()
            self._pump = Pump(self._model._stream_impl(self._messages, self._options, self._form))
            try:
                first = await self._pump.next(max(0.0, left))
                if first is not None:
                    return first
                raise ModelCutError(
                    f"{self._model.engine} answered nothing. Try again.", retryable=True
                )
            except Exception as error:  # noqa: BLE001 - a vendor may raise anything
                await self._pump.stop()
                failure = self._model.explain(error)
            wait = self._wait_seconds(failure, attempt)
            late = asyncio.get_running_loop().time() + wait >= deadline
            if not failure.retryable or attempt >= self._options.attempts or late:
                raise failure from None
            await self._model.clock.sleep(wait)

    def _wait_seconds(self, failure: LanguageError, attempt: int) -> float:
        if failure.retry_after_seconds is not None:
            return failure.retry_after_seconds
        longest = FIRST_WAIT_SECONDS * float(2 ** (attempt - 1))
        return longest * (0.5 + self._model._chance() / 2)

    async def _next(self) -> RawPiece | None:
        assert self._pump is not None
        left = self._options.total_seconds - (self._model.clock.monotonic() - self._began)
        return await self._pump.next(max(0.0, min(left, self._options.pause_seconds)))

    def _finished(self, end: End, first_ms: int) -> Finished:
        model = self._model
        self._usage, self._outcome = end.usage, Outcome.OK
        return Finished(
            end.usage,
            model.engine,
            end.model or model.model,
            end.stop,
            first_ms,
            model._elapsed_ms(self._began),
        )
