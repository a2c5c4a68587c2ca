"""The decoder's own process: takes jobs over a socket, one file at a time or many live streams."""

import array
import contextlib
import os
import resource
import socket
import sys
import threading
from typing import Any

import av

from tertulia.kernel.errors import TertuliaError
from tertulia.speech.decoding import wire
from tertulia.speech.decoding.containers import FileReader
from tertulia.speech.decoding.errors import AudioTooDemandingError, AudioUnreadableError
from tertulia.speech.decoding.live import serve_live
from tertulia.speech.decoding.wire import Gone, Kind

_LARGEST_JOB_BYTES = 65_536
_THREAD_STACK_BYTES = 2 << 20


def main() -> None:
    """Runs until the server closes its end of the socket given as the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _limit(memory_bytes=int(sys.argv[2]))
    av.logging.set_level(None)
    threading.stack_size(_THREAD_STACK_BYTES)
    control.sendall(wire.READY)
    while True:
        job, descriptors = _next_job(control)
        if job is None:
            os._exit(0)  # threads of live streams have nobody left to talk to
        control.sendall(wire.READY)
        if job["live"]:
            threading.Thread(target=_live, args=(job, descriptors), daemon=True).start()
            continue
        _file(job, descriptors)
        control.sendall(wire.DONE)


def _limit(memory_bytes: int) -> None:
    """What the process may take beyond what it holds already, and that it may not write files."""
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, 256)]
    with contextlib.suppress(OSError):
        with open("/proc/self/statm") as statm:  # noqa: PTH123
            held = int(statm.read().split()[0]) * resource.getpagesize()
        limits.append((resource.RLIMIT_AS, held + memory_bytes))
    for which, most in limits:
        # a system without one of the limits still has the others
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (most, most))


def _next_job(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    descriptors = array.array("i")
    try:
        message, ancillary, _, _ = control.recvmsg(
            _LARGEST_JOB_BYTES, socket.CMSG_SPACE(2 * descriptors.itemsize)
        )
    except ConnectionResetError:
        return None, []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return (wire.unpack(message) if message else None), list(descriptors)


def _file(job: dict[str, Any], descriptors: list[int]) -> None:
    with (
        contextlib.suppress(Gone),
        socket.socket(fileno=descriptors[0]) as sock,
        os.fdopen(descriptors[1], "rb") as file,
    ):
        _reporting(sock, lambda: _read_file(sock, file, job))


def _read_file(sock: socket.socket, file: Any, job: dict[str, Any]) -> None:
    reader = FileReader(
        file, raw=job["raw"], split=job["split"], max_seconds=job["max_seconds"],
        block_seconds=job["block_seconds"],
    )  # fmt: skip
    facts = reader.facts
    wire.send_map(
        sock,
        Kind.BEGIN,
        {
            "channels": facts.channels if job["split"] else 1,
            "expected_seconds": facts.expected_seconds,
        },
    )
    for block in reader.blocks():
        if job["samples"]:
            wire.send(sock, Kind.SAMPLES, block)
    wire.send_map(sock, Kind.END, reader.summary())


def _live(job: dict[str, Any], descriptors: list[int]) -> None:
    with socket.socket(fileno=descriptors[0]) as sock, contextlib.suppress(Gone):
        _reporting(sock, lambda: serve_live(sock, job))


def _reporting(sock: socket.socket, work: Any) -> None:
    """Runs `work`; what goes wrong is told to the server in words that hold nothing of the audio."""
    try:
        work()
    except Gone:
        raise
    except TertuliaError as error:
        _fail(sock, error)
    except MemoryError:
        _fail(
            sock,
            AudioTooDemandingError("Decoding needs more memory than TERTULIA_DECODE_MEMORY_BYTES."),
        )
    except (av.FFmpegError, ValueError, RuntimeError, OSError):
        _fail(
            sock,
            AudioUnreadableError("The recording is damaged in a way that cannot be read around."),
        )


def _fail(sock: socket.socket, error: TertuliaError) -> None:
    wire.send_map(sock, Kind.FAIL, {"code": error.code, "detail": error.detail})


if __name__ == "__main__":
    main()
