"""Decoder processes: started, kept warm, killed when they hang, replaced when they die."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgpack

from tertulia.speech.decoding import wire
from tertulia.speech.decoding.errors import DecoderStoppedError

START_SECONDS = 30.0
JOBS_A_PROCESS = 1_000
"""A process is replaced after so many files, so that what native code may leak stays small."""
_KEPT_VARIABLES = (
    "PATH",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LANG",
    "TMPDIR",
    "VIRTUAL_ENV",
)


class Child:
    """One decoder process. Its methods block: call them from a thread."""

    def __init__(self, memory_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        # one thread each: processes are the parallelism, and every thread's arena counts against the limit
        environment |= {
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",
        }
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tertulia.speech.decoding.child"),
                    *(str(theirs.fileno()), str(memory_bytes)),
                ],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl+C in a terminal is for the server, which closes its children
                cwd=Path("/"),
            )
        self._control = ours
        self._lock = threading.Lock()
        self.jobs = 0
        self.streams = 0
        """Live streams it decodes now."""
        try:
            self._expect(wire.READY, START_SECONDS)
        except DecoderStoppedError:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def submit(self, job: dict[str, Any], *files: int) -> socket.socket:
        """Gives the process a job and open files; the answer is the socket to talk to it."""
        ours, theirs = socket.socketpair()
        for sock in (ours, theirs):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, wire.SOCKET_BUFFER_BYTES)
        with theirs, self._lock:
            try:
                socket.send_fds(self._control, [msgpack.packb(job)], [theirs.fileno(), *files])
                self._expect(wire.READY, START_SECONDS)
            except (OSError, DecoderStoppedError):
                ours.close()
                raise DecoderStoppedError from None
        self.jobs += 1
        return ours

    def rested(self, seconds: float) -> bool:
        """Whether the file's job is behind the process within `seconds`."""
        try:
            self._expect(wire.DONE, seconds)
        except DecoderStoppedError:
            return False
        return self.jobs < JOBS_A_PROCESS

    def _expect(self, mark: bytes, seconds: float) -> None:
        self._control.settimeout(seconds)
        try:
            answer = self._control.recv(1)
        except OSError:
            answer = b""
        if answer != mark:
            raise DecoderStoppedError

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._control.close()


class Pool:
    """Warm processes for files, and processes that live streams share."""

    def __init__(self, memory_bytes: int, streams_a_process: int = 16) -> None:
        self._memory_bytes = memory_bytes
        self._streams_a_process = streams_a_process
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._shared: list[Child] = []
        self._closed = False

    def warm(self) -> None:
        """Starts a process ahead of its first job."""
        self.give_back(self.take())

    def take(self) -> Child:
        """A process for one file."""
        with self._lock:
            self._refuse_when_closed()
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    self._busy.add(child)
                    return child
                child.kill()
        child = Child(self._memory_bytes)
        with self._lock:
            self._busy.add(child)
        return child

    def give_back(self, child: Child) -> None:
        with self._lock:
            self._busy.discard(child)
            if not self._closed and child.alive:
                self._idle.append(child)
                return
        child.kill()

    def discard(self, child: Child) -> None:
        """Ends a process that hangs or misbehaves."""
        with self._lock:
            self._busy.discard(child)
            if child in self._shared:
                self._shared.remove(child)
        child.kill()

    def share(self) -> Child:
        """A process with room for one more live stream."""
        with self._lock:
            self._refuse_when_closed()
            for child in [c for c in self._shared if not c.alive]:
                self._shared.remove(child)
                child.kill()
            for child in self._shared:
                if child.streams < self._streams_a_process:
                    child.streams += 1
                    return child
            child = Child(self._memory_bytes)
            child.streams = 1
            self._shared.append(child)
            return child

    def leave(self, child: Child) -> None:
        """A live stream has ended; the last but one process without streams goes too."""
        with self._lock:
            child.streams -= 1
            unused = [c for c in self._shared if not c.streams]
            if child.streams or len(unused) < 2:
                return
            self._shared.remove(child)
        child.kill()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            children = [*self._idle, *self._busy, *self._shared]
            self._idle, self._shared = [], []
            self._busy.clear()
        for child in children:
            child.kill()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise DecoderStoppedError("The decoder is closed; the server is going down.")


class Patience:
    """Counts down only the time that is spent waiting for a process."""

    def __init__(self, seconds: float) -> None:
        self.left_seconds = seconds
        self._since = 0.0

    def __enter__(self) -> "Patience":
        self._since = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.left_seconds -= time.monotonic() - self._since
