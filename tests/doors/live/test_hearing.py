"""The engine gets everything once and in order, whether it takes it at once or takes its time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from tertulia.doors.live.eager import begun
from tertulia.doors.live.hearing import Hearing
from tertulia.doors.live.kept import KeptAudio
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.domain import Hypothesis, LiveStream, RecognitionOptions, Samples
from tertulia.speech.engines.errors import EngineUnavailableError

pytestmark = pytest.mark.unit


class Slow:
    """Takes every third piece only when it is let, and breaks when it is told to."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.let = asyncio.Event()
        self.broken = False
        self.finished = 0
        self.opened = asyncio.Event()
        self._over: asyncio.Queue[TertuliaError | None] = asyncio.Queue()

    async def send(self, samples: Samples) -> None:
        number = round(float(samples[0]) * 32_768)
        if self.broken:
            self._over.put_nowait(EngineUnavailableError("It broke."))
            raise EngineUnavailableError("It broke.")
        if number % 3 == 0:
            await self.let.wait()
        self.heard.append(number)

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        self.opened.set()
        if (error := await self._over.get()) is not None:
            raise error
        return
        yield

    async def finish(self) -> None:
        self.finished += 1
        self._over.put_nowait(None)

    async def cancel(self) -> None:
        self._over.put_nowait(None)


def piece(number: int) -> Any:
    return np.full(160, number, "<i2")


async def hearing_of(streams: list[Slow]) -> tuple[Hearing, list[TertuliaError]]:
    waiting = iter(streams)
    troubles: list[TertuliaError] = []

    async def open_live(
        options: RecognitionOptions = RecognitionOptions(),
        *,
        engine: str | None = None,
        offset_seconds: float = 0.0,
    ) -> LiveStream:
        return next(waiting)

    async def told(said: Hypothesis) -> None:
        raise AssertionError("nothing was said")

    async def trouble(error: TertuliaError, last: bool) -> None:
        troubles.append(error)

    hearing = Hearing(
        open_live, RecognitionOptions(), None, KeptAudio(), SystemClock(), told=told, trouble=trouble
    )  # fmt: skip
    hearing.start()
    async with asyncio.timeout(10):
        await streams[0].opened.wait()
    return hearing, troubles


async def test_what_waits_keeps_its_place() -> None:
    stream = Slow()
    hearing, _ = await hearing_of([stream])
    hearing.add(piece(1))
    hearing.add(piece(2))
    assert stream.heard == [1, 2]  # at once
    for number in range(3, 8):
        hearing.add(piece(number))
    assert stream.heard == [1, 2]
    stream.let.set()
    async with asyncio.timeout(10):
        await hearing.finish()
    assert stream.heard == [1, 2, 3, 4, 5, 6, 7]
    assert stream.finished == 1
    await hearing.cancel()


async def test_the_next_engine_hears_what_the_broken_one_did_not() -> None:
    first, second = Slow(), Slow()
    second.let.set()
    hearing, troubles = await hearing_of([first, second])
    hearing.add(piece(1))
    first.broken = True
    hearing.add(piece(2))
    hearing.add(piece(3))
    async with asyncio.timeout(20):
        await second.opened.wait()
        hearing.add(piece(4))
        await hearing.finish()
    assert second.heard == [1, 2, 3, 4]
    assert len(troubles) == 1
    await hearing.cancel()


async def test_begun_work_goes_on_in_a_task_with_its_errors_and_cancellation() -> None:
    async def steps(said: list[str], gate: asyncio.Event) -> None:
        said.append("begun")
        try:
            await gate.wait()
            await asyncio.sleep(0)
            said.append("ended")
        except asyncio.CancelledError:
            said.append("cancelled")
            raise

    async def wrong() -> None:
        raise ValueError("at once")

    said: list[str] = []
    open_gate, shut_gate = asyncio.Event(), asyncio.Event()
    rest = begun(steps(said, open_gate))
    other = begun(steps(said, shut_gate))
    assert rest is not None
    assert other is not None
    open_gate.set()
    await rest
    task = asyncio.ensure_future(other)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said == ["begun", "begun", "ended", "cancelled"]
    with pytest.raises(ValueError, match="at once"):
        begun(wrong())
