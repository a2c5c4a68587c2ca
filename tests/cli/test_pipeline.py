"""Many recordings, few at a time, and none that stops the others."""

import asyncio

import pytest

from tertulia.cli.pipeline import AHEAD, Pipeline, Progress
from tertulia.kernel.errors import InvalidRequestError, TertuliaError

pytestmark = pytest.mark.unit


class Seen:
    """What a watcher was told."""

    def __init__(self) -> None:
        self.shares: list[tuple[int, float]] = []
        self.finished: list[int] = []
        self.errors: dict[int, TertuliaError] = {}

    def began(self, order: int) -> None:
        """Nothing to note."""

    def progressed(self, order: int, share: float) -> None:
        self.shares.append((order, share))

    def done(self, order: int, text: str, elapsed_ms: int) -> None:
        self.finished.append(order)

    def failed(self, order: int, error: TertuliaError) -> None:
        self.errors[order] = error


async def test_a_thousand_recordings_never_are_more_than_a_few_at_once() -> None:
    held = most = 0
    texts: dict[int, str] = {}

    async def read(order: int, progress: Progress) -> str:
        nonlocal held, most
        held += 1
        most = max(most, held)
        for _ in range(order % 5):
            await asyncio.sleep(0)
        progress(1.0)
        held -= 1
        return f"text {order}"

    async def write(order: int, text: str) -> None:
        texts[order] = text

    seen = Seen()
    failures = await Pipeline(read, write, seen, at_once=2).run(range(1000))
    assert failures == 0
    assert most == 2 + AHEAD
    assert texts == {n: f"text {n}" for n in range(1000)}
    assert len(seen.finished) == len(seen.shares) == 1000


async def test_orders_are_taken_as_there_is_room_for_them() -> None:
    taken: list[int] = []
    gate = asyncio.Event()

    def endless() -> object:
        for n in range(50):
            taken.append(n)
            yield n

    async def read(order: int, progress: Progress) -> str:
        await gate.wait()
        return ""

    async def write(order: int, text: str) -> None:
        """Nowhere."""

    running = asyncio.create_task(Pipeline(read, write, Seen(), at_once=1).run(endless()))  # type: ignore[arg-type]
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(taken) == 1 + AHEAD + 1
    gate.set()
    assert await running == 0
    assert len(taken) == 50


async def test_one_that_fails_stops_no_other_and_is_told_with_its_reason() -> None:
    async def read(order: int, progress: Progress) -> str:
        if order == 1:
            raise InvalidRequestError("Choose another file.")
        if order == 2:
            raise ExceptionGroup("of two channels", [InvalidRequestError("It is empty.")])
        if order == 3:
            raise ZeroDivisionError("what was said: hello")
        return "text"

    async def write(order: int, text: str) -> None:
        if order == 4:
            raise OSError(28, "No space left on device")

    seen = Seen()
    assert await Pipeline(read, write, seen, at_once=3).run(range(6)) == 4
    assert seen.finished == [0, 5]
    assert seen.errors[1].detail == "Choose another file."
    assert seen.errors[2].detail == "It is empty."
    assert "ZeroDivisionError" in seen.errors[3].detail
    assert "hello" not in seen.errors[3].detail
    assert "No space left" in seen.errors[4].detail


async def test_ending_the_command_ends_what_is_under_way() -> None:
    ended: list[int] = []

    async def read(order: int, progress: Progress) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(order)
        return ""

    async def write(order: int, text: str) -> None:
        """Never reached."""

    task = asyncio.create_task(Pipeline(read, write, Seen(), at_once=1).run(range(9)))
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1, 2]
