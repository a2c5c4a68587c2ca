"""A fallback chain for live streams: what is not confirmed yet is heard again by the next engine."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import replace
from typing import Any

import numpy as np

from tertulia.speech.chain import Chain, Link, fell
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Hypothesis,
    HypothesisKind,
    LiveRecognizer,
    LiveStream,
    RecognitionOptions,
    Samples,
)
from tertulia.speech.engines.errors import EngineError, EngineUnavailableError

KEPT_SECONDS = 600.0
"""Unconfirmed audio kept for a replay; an engine that confirms nothing for longer loses the oldest."""


class ChainLiveRecognizer(Chain[LiveRecognizer]):
    """Opens the first member that can; a member that breaks mid-stream is replaced without losing or doubling finals."""

    async def open(
        self, options: RecognitionOptions = RecognitionOptions(), *, offset_seconds: float = 0.0
    ) -> "ChainLiveStream":
        stream = ChainLiveStream(self, options, offset_seconds)
        await stream.begin()
        return stream


class _Kept:
    """The audio that is not confirmed yet, by its place in the conversation."""

    def __init__(self, offset_seconds: float) -> None:
        self._blocks: deque[tuple[int, Samples]] = deque()
        self._end = round(offset_seconds * SAMPLE_RATE_HZ)
        self._finals: list[tuple[int, int]] = []

    def add(self, samples: Samples) -> None:
        self._blocks.append((self._end, samples))
        self._end += len(samples)
        self._forget(self._end - round(KEPT_SECONDS * SAMPLE_RATE_HZ))

    def confirmed_until(self, heard_until: float, final: tuple[float, float] | None = None) -> None:
        """Forgets what lies before; a final that ends later must not be heard again in a replay."""
        at = round(heard_until * SAMPLE_RATE_HZ)
        self._forget(at)
        self._finals = [f for f in self._finals if f[1] > at]
        if final is not None and final[1] > heard_until:
            first, last = (round(t * SAMPLE_RATE_HZ) for t in final)
            self._finals.append((first, last))

    def _forget(self, before: int) -> None:
        while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= before:
            self._blocks.popleft()

    def since(self, at: int) -> list[Samples]:
        """The audio from `at` on, with what is confirmed already made silent."""
        return [self._silenced(start, block)[max(0, at - start) :] for start, block in self._blocks]

    def _silenced(self, start: int, block: Samples) -> Samples:
        for first, last in self._finals:
            if first < start + len(block) and last > start:
                block = np.array(block)
                block[max(0, first - start) : max(0, last - start)] = 0.0
        return block

    def begins(self, heard_until: float) -> int:
        """Where a replay starts: right after what is confirmed, or at the oldest audio there is."""
        at = round(heard_until * SAMPLE_RATE_HZ)
        return max(at, self._blocks[0][0]) if self._blocks else min(at, self._end)


class ChainLiveStream:
    """One conversation, whoever hears it."""

    def __init__(
        self, chain: ChainLiveRecognizer, options: RecognitionOptions, offset_seconds: float
    ) -> None:
        self._chain = chain
        self._options = options
        self._heard_until = offset_seconds
        self._kept = _Kept(offset_seconds)
        self._link: Link[LiveRecognizer] | None = None
        self._stream: LiveStream | None = None
        self._broken: asyncio.Future[EngineError] | None = None
        self._tried: list[str] = []
        self._opened = 0
        self._opened_at = offset_seconds
        self._broke: set[str] = set()
        self._useless: set[str] = set()
        self._finishing = False
        self._cancelled = False
        self._turn = asyncio.Lock()
        self._open_id: str | None = None
        self._renamed: dict[str, str] = {}

    @property
    def provider(self) -> str:
        """The chain tried so far, as in `gladia|whisper`."""
        return "|".join(self._tried)

    async def begin(self, failure: EngineError | None = None) -> None:
        """Opens the first member that can, from where the confirmed text ends."""
        at = self._kept.begins(self._heard_until)
        for link in self._candidates():
            if link.engine.name not in self._tried:
                self._tried.append(link.engine.name)
            try:
                with link.breaker.trial():
                    stream = await link.engine.open(
                        self._options, offset_seconds=at / SAMPLE_RATE_HZ
                    )
                    await self._replay(stream, at)
            except EngineError as error:
                fell(self._chain.name, link.engine.name, error)
                failure = error
            else:
                self._link, self._stream = link, stream
                self._opened += 1
                self._opened_at = self._heard_until
                self._broken = asyncio.get_running_loop().create_future()
                return
        raise failure or EngineUnavailableError(f"{self._chain.name} cannot be used just now.")

    def _candidates(self) -> list[Link[LiveRecognizer]]:
        """Members to try: those that have not broken here first; none that broke without having confirmed anything."""
        usable = self._chain.usable(self._options.language, translate=self._options.translate)
        able = [link for link in usable if link.engine.name not in self._useless]
        return sorted(able, key=lambda link: link.engine.name in self._broke)

    async def _replay(self, stream: LiveStream, at: int) -> None:
        try:
            for block in self._kept.since(at):
                if len(block):
                    await stream.send(block)
            if self._finishing:
                await stream.finish()
        except EngineError:
            await stream.cancel()
            raise

    async def send(self, samples: Samples) -> None:
        async with self._turn:
            self._kept.add(samples)
            if self._stream is not None:
                await self._guarded(self._stream.send(samples))

    async def finish(self) -> None:
        async with self._turn:
            if self._finishing:
                return
            self._finishing = True
            if self._stream is not None:
                await self._guarded(self._stream.finish())

    async def cancel(self) -> None:
        self._cancelled = True
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.cancel()
        if self._broken is not None and not self._broken.done():
            self._broken.cancel()

    async def _guarded(self, work: Awaitable[None]) -> None:
        """A member that cannot take audio is replaced by whoever reads the hypotheses."""
        try:
            await work
        except EngineError as error:
            if self._broken is not None and not self._broken.done():
                self._broken.set_result(error)

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while True:
            try:
                async for hypothesis in self._listen():
                    yield self._taken(hypothesis)
                return
            except EngineError as error:
                if self._cancelled:
                    return
                await self._replace(error)

    async def _listen(self) -> AsyncGenerator[Hypothesis, None]:
        """The present member's hypotheses, until it ends or breaks."""
        stream, broken = self._stream, self._broken
        if stream is None or broken is None:
            return
        heard = stream.hypotheses()
        while True:
            step = asyncio.ensure_future(_next(heard))
            either: set[asyncio.Future[Any]] = {step, broken}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not step.done():
                    step.cancel()
                    await asyncio.wait({step})
            if step.cancelled():
                if broken.cancelled():
                    return
                raise broken.result()
            hypothesis = step.result()
            if hypothesis is None:
                return
            yield hypothesis

    async def _replace(self, error: EngineError) -> None:
        link, stream = self._link, self._stream
        if link is not None:
            fell(self._chain.name, link.engine.name, error)
            link.breaker.failed()
            progress = self._heard_until > self._opened_at
            (self._broke if progress else self._useless).add(link.engine.name)
        async with self._turn:
            self._stream = None
            self._renamed = {} if self._open_id is None else {"": self._open_id}
            if stream is not None:
                await _dropped(stream)
            await self.begin(error)

    def _taken(self, hypothesis: Hypothesis) -> Hypothesis:
        """Names it for the whole conversation and remembers how far it is confirmed."""
        utterance_id = self._named(hypothesis.utterance_id)
        if hypothesis.heard_until > self._heard_until:
            self._useless.clear()
        self._heard_until = max(self._heard_until, hypothesis.heard_until)
        if hypothesis.kind is HypothesisKind.PARTIAL:
            self._open_id = utterance_id or self._open_id
            self._kept.confirmed_until(self._heard_until)
        else:
            self._kept.confirmed_until(self._heard_until, (hypothesis.start, hypothesis.end))
            self._open_id = None if self._open_id == utterance_id else self._open_id
        return replace(
            hypothesis,
            utterance_id=utterance_id,
            heard_until=self._heard_until,
            provider=self.provider,
        )

    def _named(self, utterance_id: str) -> str:
        """Ids of a later member never meet an earlier one's; its first utterance takes over the one left open."""
        if self._opened == 1 or not utterance_id:  # silence has none
            return utterance_id
        if utterance_id not in self._renamed:
            left_open = self._renamed.pop("", None)
            self._renamed[utterance_id] = left_open or f"{utterance_id}~{self._opened}"
        return self._renamed[utterance_id]


async def _next(hypotheses: AsyncIterator[Hypothesis]) -> Hypothesis | None:
    return await anext(hypotheses, None)


async def _dropped(stream: LiveStream) -> None:
    """Lets go of a broken stream, which may break once more while it goes."""
    try:
        await stream.cancel()
    except EngineError as error:
        fell("", "", error)
