"""A session's engine: opened beside the socket, opened again when it fails, fed nothing twice."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from tertulia.doors.live.domain import StreamingSession
from tertulia.doors.live.eager import begun
from tertulia.doors.live.kept import KeptAudio, Sound, floats
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Hypothesis,
    LiveStream,
    RecognitionOptions,
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

    __slots__ = (
        "_clock", "_engine", "_finishing", "_idle", "_kept", "_open", "_options", "_rest", "_sender",
        "_some", "_stream", "_task", "_told", "_trouble", "_waiting", "failed", "opened",
    )  # fmt: skip

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
        self._waiting: deque[Sound] = deque()
        self._rest: Awaitable[None] | None = None
        self._idle = False
        """Whether nothing is before what comes, so that the engine may have it at once."""
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sender: asyncio.Task[None] | None = None
        self.opened = 0
        """How often an engine has been opened here."""
        self.failed = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="live: hear")
        self._sender = asyncio.create_task(self._hand_over(), name="live: hand over")

    def add(self, sound: Sound) -> None:
        """Keeps it, and hands it to the engine if one is there; never waits."""
        self._kept.add(sound)
        stream = self._stream
        if stream is None:
            return
        if self._idle:
            try:
                self._rest = begun(stream.send(floats(sound)))
            except TertuliaError:
                return  # whoever reads the hypotheses learns of it too, and opens the next engine
            if self._rest is None:
                return
            self._idle = False
            self._some.set()
        else:
            self._waiting.append(sound)

    async def finish(self) -> None:
        """No more sound: returns when all of it is in finals, or when the engine has failed for good."""
        self._finishing = True
        self._some.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def cancel(self) -> None:
        """Lets everything go at once."""
        current = asyncio.current_task()
        tasks = [t for t in (self._task, self._sender) if t is not None and t is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._drop()

    async def _hand_over(self) -> None:
        """Gives the engine what it could not take at once, in order, and the end."""
        finished: LiveStream | None = None
        while True:
            self._idle = self._rest is None
            await self._some.wait()
            self._idle = False
            self._some.clear()
            if self._rest is not None:
                rest, self._rest = self._rest, None
                await self._guarded(rest)
            while self._waiting and self._stream is not None:
                sound = self._waiting.popleft()
                await self._guarded(self._stream.send(floats(sound)))
            stream = self._stream
            if self._finishing and stream is not None and stream is not finished:
                finished = stream
                await self._guarded(stream.finish())

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Whoever reads the hypotheses learns of a failure too, and opens the next engine."""
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
            self._some.set()
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
        self._waiting.clear()
        if stream is not None:
            await self._guarded(stream.cancel())
