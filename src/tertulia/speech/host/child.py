"""The speech host's process: `python -m tertulia.speech.host.child SOCKET RECORD`, started by the server only."""

import ctypes
import faulthandler
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from typing import Any

import structlog

from tertulia.speech.host.models import ModelSpec, rss_bytes
from tertulia.speech.host.record import FlightRecord
from tertulia.speech.host.room import EngineRoom, RoomConfig
from tertulia.speech.host.wire import FrameReader, Message, Op, pack

EXIT_MEMORY = 86
"""How the process ends when it has used more memory than it may."""
LOG_LEVEL = "SPEECH_HOST_LOG_LEVEL"
"""The variable that tells the child its parent's log level."""
BEAT_SECONDS = 0.25
READ_BYTES = 256 * 1024
SET_PARENT_DEATH_SIGNAL = 1


class Link:
    """The socket to the server; messages go out whole, whichever thread sends them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        frame = pack(message)
        try:
            with self._lock:
                self._connection.sendall(frame)
        except OSError:
            os._exit(0)  # the server has gone

    def receive(self) -> bytes:
        try:
            return self._connection.recv(READ_BYTES)
        except OSError:
            return b""


def die_with_parent() -> None:
    """Asks Linux to end this process with the server, even when an engine holds the interpreter."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def limit_memory(memory_bytes: int, device: str) -> None:
    """A wall behind the watch below. Drivers of GPUs reserve far more than they use, so there it is left out."""
    if sys.platform == "linux" and device != "cuda":
        wall = memory_bytes + memory_bytes // 2
        resource.setrlimit(resource.RLIMIT_DATA, (wall, wall))


def keep_watch(record: FlightRecord, room: EngineRoom, memory_bytes: int) -> None:
    """Shows signs of life, and ends the process when it has outgrown its memory."""
    while True:
        record.beat()
        used = rss_bytes()
        if used > memory_bytes:
            os._exit(EXIT_MEMORY)
        if used > 0.9 * memory_bytes:
            room.evict()
        time.sleep(BEAT_SECONDS)


def log_to_stderr() -> None:
    """Standard output may be what a command writes its result to."""
    level = logging.getLevelNamesMapping().get(os.environ.get(LOG_LEVEL, ""), logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def config_from(body: dict[str, Any]) -> RoomConfig:
    models = {key: ModelSpec(**spec) for key, spec in body["models"].items()}
    return RoomConfig(**{**body, "models": models})


def main() -> None:
    die_with_parent()
    faulthandler.enable()
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        # Ctrl-C reaches the whole group; the server says when this process is to end.
        signal.signal(interrupt, signal.SIG_IGN)
    log_to_stderr()
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    record = FlightRecord(int(sys.argv[2]))
    frames = FrameReader()
    room: EngineRoom | None = None
    while data := link.receive():
        for message in frames.feed(data):
            if message.op is Op.CONFIGURE:
                room = _furnish(message.body, record, link)
            elif room is not None:
                room.handle(message)
    os._exit(0)  # threads inside native calls cannot be waited for


def _furnish(body: dict[str, Any], record: FlightRecord, link: Link) -> EngineRoom:
    device = body.pop("device")
    config = config_from(body)
    limit_memory(config.memory_bytes, device)
    room = EngineRoom(config, record, link.send)
    room.start()
    watch = (record, room, config.memory_bytes)
    threading.Thread(target=keep_watch, args=watch, daemon=True).start()
    link.send(Message(Op.ANSWER, 0, {"pid": os.getpid()}))
    return room


if __name__ == "__main__":
    main()
