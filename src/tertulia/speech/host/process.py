"""One life of the speech host, seen from the server: started, spoken to, watched, and found dead."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from tertulia.speech.host.child import EXIT_MEMORY, LOG_LEVEL
from tertulia.speech.host.record import FlightRecord
from tertulia.speech.host.wire import FrameReader, Message, Op, pack

log = structlog.get_logger(__name__)

READ_BYTES = 256 * 1024
WATCH_SECONDS = 0.1
IDLE_WATCH_SECONDS = 1.0
"""While nothing is under way there is less to watch."""
SILENT_SECONDS = 15.0
"""A host that shows no sign of life for so long is held up by native code that keeps the interpreter's lock."""
START_SECONDS = 60.0
REAP_SECONDS = 0.25
"""How long a dead child's exit code is waited for; its successor is more urgent."""


@dataclass(frozen=True, slots=True)
class Death:
    """Why a host ended, and the streams and files its engines were working on."""

    reason: str
    suspects: frozenset[int]


class HostProcess:
    """One child process; `received` is called with each of its messages, `died` once when it has ended."""

    def __init__(
        self,
        received: Callable[[Message], None],
        died: Callable[[Death], None],
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._received = received
        self._died = died
        self._silent_seconds = silent_seconds
        self._reason: str | None = None
        self._ready = asyncio.Event()
        self._answered = False
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self.process: asyncio.subprocess.Process | None = None
        self.record = FlightRecord.create()

    async def start(self, config: dict[str, Any]) -> bool:
        """Starts the child; says whether it answered. If not, `died` is or will be called."""
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tertulia.speech.host.child",
                str(theirs.fileno()),
                str(self.record.descriptor),
                pass_fds=(theirs.fileno(), self.record.descriptor),
                stdin=asyncio.subprocess.DEVNULL,
                env=_environment(),
            )
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._tasks = [asyncio.create_task(self._read(reader)), asyncio.create_task(self._watch())]
        self.send(Message(Op.CONFIGURE, 0, config))
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            self.kill("it did not start in time")
        return self._answered

    def send(self, message: Message) -> None:
        """Never waits: a child that does not read is one that the watch ends."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(pack(message))

    def kill(self, reason: str) -> None:
        self._reason = self._reason or reason
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    async def close(self) -> None:
        """Ends the child on purpose; `died` is not called."""
        self._died = _nobody
        self.kill("closed")
        if self.process is not None:
            await self.process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._let_go()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = FrameReader()
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                for message in frames.feed(data):
                    if message.op is Op.ANSWER and message.id == 0:
                        self._answered = True
                        self._ready.set()
                    else:
                        self._received(message)
        await self._bury()

    async def _bury(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            # Its end of the socket is closed, so it can be of no more use; one that is dead already keeps its code.
            self.process.kill()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REAP_SECONDS):
                    await self.process.wait()
        code = self.process.returncode
        reason = self._reason or _reason(code)
        suspects = frozenset(i for flight in self.record.flights() for i in flight.ids)
        self._tasks[1].cancel()
        await self._let_go()
        self._ready.set()
        log.warning("speech host ended", reason=reason, code=code, suspects=len(suspects))
        self._died(Death(reason, suspects))

    async def _let_go(self) -> None:
        # Whoever comes second finds nothing to do: waiting for a close whose first waiter was cancelled raises.
        writer, self._writer = self._writer, None
        if writer is not None:
            self.record.close()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _watch(self) -> None:
        while True:
            at_work = bool(self.record.flights())
            await asyncio.sleep(WATCH_SECONDS if at_work else IDLE_WATCH_SECONDS)
            now = time.monotonic()
            beaten = self.record.beaten
            if beaten and now - beaten > self._silent_seconds:
                self.kill("it showed no sign of life")
            elif any(flight.overdue(now) for flight in self.record.flights()):
                self.kill("a call took too long")


def _nobody(death: Death) -> None:
    """Listens to no death."""


def _reason(code: int | None) -> str:
    if code is None:
        return "it closed its connection"
    if code == EXIT_MEMORY:
        return "it used more memory than it may"
    if code < 0:
        return f"it was ended by signal {-code}"
    return f"it exited with code {code}"


MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""A full window asks for 200 MB and gives them back. Kept, in large pages, they need not be found and cleared anew:
a quarter of the time of two workers."""


def _environment() -> dict[str, str]:
    """One thread a worker is what the scheduler counts on; libraries must not start more by themselves."""
    quiet = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | MEMORY
    level = logging.getLevelName(logging.getLogger().getEffectiveLevel())
    return {**quiet, **os.environ, LOG_LEVEL: level}
