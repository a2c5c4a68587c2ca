"""A session's engine: opened beside the socket, opened again when it fails, fed nothing twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from tertulia.doors.live.domain import StreamingSession
from tertulia.doors.live.kept import KeptAudio
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Hypothesis,
    LiveStream,
    RecognitionOptions,
    Samples,
)
from tertulia.speech.engines.errors import EngineUnavailableError

RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)


class OpenLive(Protocol):
    """Starts a live conversation; `SpeechService.open_live` does it."""

    async def __call__(
        self,
        options: RecognitionOptions = ...,
        *,
        engine: str | None = None,
        offset_seconds: float = 0.0,
    ) -> LiveStream: ...


def options_of(session: StreamingSession) -> RecognitionOptions:
    """How an engine is to listen to a session."""
    return RecognitionOptions(
        language=session.language,
        hot_words=session.hot_words,
        words=True,
        diarise=session.diarise,
    )


Told = Callable[[Hypothesis], Awaitable[None]]
Trouble = Callable[[TertuliaError, bool], Awaitable[None]]
"""Told of a failure, and whether it is the last one."""


class Hearing:
    """Sound in, hypotheses out to `told`, for as long as the session lasts."""

    def __init__(
        self,
        open_live: OpenLive,
        options: RecognitionOptions,
        engine: str | None,
        kept: KeptAudio,
        clock: Clock,
        *,
        told: Told,
        trouble: Trouble,
    ) -> None:
        self._open = open_live
        self._options = options
        self._engine = engine
        self._kept = kept
        self._clock = clock
        self._told = told
        self._trouble = trouble
        self._stream: LiveStream | None = None
        self._finishing = False
        self._task: asyncio.Task[None] | None = None
        self.opened = 0
        """How often an engine has been opened here."""
        self.failed = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="live: hear")

    async def send(self, samples: Samples) -> None:
        """Keeps it, and hands it to the engine if one is there."""
        self._kept.add(samples)
        if self._stream is not None:
            try:
                await self._stream.send(samples)
            except TertuliaError:
                return  # whoever reads the hypotheses learns of it too, and opens the next engine

    async def finish(self) -> None:
        """No more sound: returns when all of it is in finals, or when the engine has failed for good."""
        self._finishing = True
        if self._stream is not None:
            await self._guarded(self._stream.finish())
        if self._task is not None:
            await asyncio.shield(self._task)

    async def cancel(self) -> None:
        """Lets everything go at once."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._drop()

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except TertuliaError:
            return

    async def _run(self) -> None:
        tries = 0
        while True:
            heard = self._kept.heard
            try:
                await self._listen()
                return
            except TertuliaError as error:
                await self._drop()
                tries = 1 if self._kept.heard > heard else tries + 1
                self.failed = tries > len(RETRY_SECONDS)
                await self._trouble(error, self.failed)
                if self.failed:
                    return
                await self._clock.sleep(RETRY_SECONDS[tries - 1])

    async def _listen(self) -> None:
        at = self._kept.heard
        stream = await self._open(
            self._options, engine=self._engine, offset_seconds=at / SAMPLE_RATE_HZ
        )
        self.opened += 1
        try:
            await self._replay(stream, at)
            self._stream = stream
            if self._finishing:
                await stream.finish()
            async for hypothesis in stream.hypotheses():
                await self._told(hypothesis)
            if not self._finishing:
                raise EngineUnavailableError("The engine ended the conversation by itself.")
        except BaseException:
            self._stream = stream
            raise

    async def _replay(self, stream: LiveStream, at: int) -> None:
        """What came before the engine did; more may come while it is handed over."""
        while at < self._kept.end:
            until = self._kept.end
            for samples in self._kept.since(at):
                await stream.send(samples)
            at = until

    async def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await self._guarded(stream.cancel())
